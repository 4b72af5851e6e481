#pragma once

/// Where work runs. Libraries start no threads: who may parallelise takes an `Executor&`.

#include <cstddef>
#include <functional>
#include <memory>

namespace visavis {

/// Runs independent pieces of work. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Calls `work(index, worker)` once for every index in [0, count), then returns. `worker` is in
  /// [0, concurrency()) and no two calls with the same worker overlap, so it selects scratch space.
  /// Indexes start in ascending order. `work` must not throw and must not call back into this
  /// executor. Concurrent callers are served one after the other.
  virtual void parallel_for(std::size_t count,
                            const std::function<void(std::size_t index, int worker)>& work) = 0;

  /// How many calls may overlap, at least 1.
  [[nodiscard]] virtual int concurrency() const noexcept = 0;

 protected:
  Executor() = default;
};

/// Runs everything on the calling thread.
[[nodiscard]] std::unique_ptr<Executor> make_inline_executor();

/// A pool of `threads` workers, the calling thread being one of them; of fewer where the system
/// gives no more threads.
/// @pre threads >= 1
[[nodiscard]] std::unique_ptr<Executor> make_thread_pool(int threads);

}  // namespace visavis
