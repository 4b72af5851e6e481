#pragma once

/// What measuring programs need: an end to failures, and time.

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <type_traits>
#include <utility>
#include <visavis/core/result.hpp>

namespace visavis::bench {

template <class T>
T need(Result<T> result) {
  if (!result) {
    std::cerr << result.error().message << '\n';
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace visavis::bench
