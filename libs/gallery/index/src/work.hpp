#pragma once

#include <cstddef>
#include <functional>
#include <visavis/core/executor.hpp>

namespace visavis::index {

using Work = std::function<void(std::size_t index, int worker)>;

/// Does `count` pieces of work with an executor's workers, or here. What work throws is thrown
/// here.
void run(Executor* executor, std::size_t count, const Work& work);

}  // namespace visavis::index
