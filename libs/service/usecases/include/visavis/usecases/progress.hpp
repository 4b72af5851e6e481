#pragma once

/// How a long verb tells how far it is.

#include <cstddef>
#include <functional>

namespace visavis::usecases {

/// Called after every item, from one thread at a time. An empty function means silence.
using Progress = std::function<void(std::size_t done, std::size_t total)>;

}  // namespace visavis::usecases
