#pragma once

/// Axes and shapes, and the orders in which they lie, as `ChannelsFirst` counts them.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"

namespace visavis::modelkit {

using Order = std::vector<std::size_t>;

constexpr std::int64_t kFree = -1;
/// Of a window's kernel, stride and dilation.
constexpr std::int64_t kMostSteps = 4096;
/// Of a picture's side and of padding, so that no sum overflows.
constexpr std::int64_t kMostSide = std::int64_t{1} << 28;
/// Numbers computed beforehand, all together: more would be a small file that becomes a large one.
constexpr std::size_t kMostFolded = std::size_t{1} << 24;

/// kUnsupported, with a phrase that follows "the operator needs".
[[nodiscard]] std::unexpected<Error> unsupported(const std::string& what);
/// Axes as they are.
[[nodiscard]] Order identity(std::size_t rank);
/// A picture with its channels before height and width, of one that has them last.
[[nodiscard]] const Order& picture_order();
/// Where each axis of the original lies.
[[nodiscard]] Order inverse(const Order& order);
[[nodiscard]] bool is_permutation(const Order& order, std::size_t rank);
[[nodiscard]] Shape in_order_of(const Shape& shape, const Order& order);
/// Whether no dimension is free.
[[nodiscard]] bool is_known(std::span<const std::int64_t> shape);
/// A shape whose free dimensions may be anything.
[[nodiscard]] Result<void> check_shape(Shape shape);
/// @param axis  from the end where it is below 0
[[nodiscard]] Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank);
/// How far apart neighbours along each of the result's axes lie in a value that is stretched to it.
[[nodiscard]] std::vector<std::size_t> strides_of(const Shape& shape, std::size_t rank);

/// Counts through a shape, and where two values of other strides lie meanwhile.
template <class Visit>
void for_each_index(const Shape& shape, const std::vector<std::size_t>& a,
                    const std::vector<std::size_t>& b, std::size_t count, const Visit& visit) {
  std::vector<std::int64_t> index(shape.size(), 0);
  std::size_t at_a = 0;
  std::size_t at_b = 0;
  for (std::size_t i = 0; i < count; ++i) {
    visit(i, at_a, at_b);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      at_a += a[axis];
      at_b += b[axis];
      if (++index[axis] < shape[axis]) break;
      at_a -= a[axis] * static_cast<std::size_t>(shape[axis]);
      at_b -= b[axis] * static_cast<std::size_t>(shape[axis]);
      index[axis] = 0;
    }
  }
}

}  // namespace visavis::modelkit
