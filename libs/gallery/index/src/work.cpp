#include "work.hpp"

#include <exception>
#include <vector>

namespace visavis::index {

void run(Executor* executor, std::size_t count, const Work& work) {
  if (executor == nullptr) {
    for (std::size_t i = 0; i < count; ++i) work(i, 0);
    return;
  }
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(executor->concurrency()));
  executor->parallel_for(count, [&](std::size_t index, int worker) {
    try {
      work(index, worker);
    } catch (...) {
      failures[static_cast<std::size_t>(worker)] = std::current_exception();
    }
  });
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace visavis::index
