#include "visavis/core/executor.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace visavis {
namespace {

class InlineExecutor final : public Executor {
 public:
  void parallel_for(std::size_t count, const std::function<void(std::size_t, int)>& work) override {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) work(i, 0);
  }
  [[nodiscard]] int concurrency() const noexcept override { return 1; }

 private:
  std::mutex mutex_;
};

class ThreadPool final : public Executor {
 public:
  explicit ThreadPool(int threads) {
    for (int worker = 1; worker < threads; ++worker) {
      try {
        threads_.emplace_back([this, worker] { serve(worker); });
      } catch (const std::system_error&) {
        break;  // the system gives no more: fewer do the same work
      }
    }
  }

  ~ThreadPool() override {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void parallel_for(std::size_t count, const std::function<void(std::size_t, int)>& work) override {
    const std::scoped_lock one_caller(callers_);
    std::unique_lock lock(mutex_);
    work_ = &work;
    count_ = count;
    next_ = 0;
    ++generation_;
    wake_.notify_all();
    drain(lock, work, 0);
    idle_.wait(lock, [this] { return running_ == 0; });
    work_ = nullptr;
  }

  [[nodiscard]] int concurrency() const noexcept override {
    return static_cast<int>(threads_.size()) + 1;
  }

 private:
  /// Takes indexes until none is left. @pre `lock` holds mutex_.
  void drain(std::unique_lock<std::mutex>& lock, const std::function<void(std::size_t, int)>& work,
             int worker) {
    ++running_;
    while (next_ < count_) {
      const std::size_t index = next_++;
      lock.unlock();
      work(index, worker);
      lock.lock();
    }
    if (--running_ == 0) idle_.notify_all();
  }

  void serve(int worker) {
    std::unique_lock lock(mutex_);
    std::size_t seen = 0;
    while (true) {
      wake_.wait(lock, [&] { return stopping_ || (generation_ != seen && work_ != nullptr); });
      if (stopping_) return;
      seen = generation_;
      drain(lock, *work_, worker);
    }
  }

  std::mutex callers_;
  std::mutex mutex_;  // guards everything below but threads_
  std::condition_variable wake_;
  std::condition_variable idle_;
  const std::function<void(std::size_t, int)>* work_ = nullptr;
  std::size_t count_ = 0;
  std::size_t next_ = 0;
  std::size_t generation_ = 0;
  int running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Executor> make_inline_executor() { return std::make_unique<InlineExecutor>(); }

std::unique_ptr<Executor> make_thread_pool(int threads) {
  return std::make_unique<ThreadPool>(threads);
}

}  // namespace visavis
