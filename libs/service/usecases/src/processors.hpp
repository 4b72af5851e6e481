#pragma once

#include <algorithm>
#include <thread>

namespace visavis::usecases {

/// How many threads can run at a time here.
[[nodiscard]] inline int processors() noexcept {
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace visavis::usecases
