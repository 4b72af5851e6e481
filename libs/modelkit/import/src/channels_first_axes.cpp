#include "channels_first_axes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <numeric>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/shapes.hpp>

#include "builder.hpp"

namespace visavis::modelkit {

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, what);
}

Order identity(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

const Order& picture_order() {
  static const Order order = {0, 3, 1, 2};
  return order;
}

Order inverse(const Order& order) {
  Order out(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) out[order[i]] = i;
  return out;
}

bool is_permutation(const Order& order, std::size_t rank) {
  return order.size() == rank && std::ranges::is_permutation(order, identity(rank));
}

Shape in_order_of(const Shape& shape, const Order& order) {
  Shape out;
  for (const std::size_t axis : order) out.push_back(shape[axis]);
  return out;
}

bool is_known(std::span<const std::int64_t> shape) {
  return std::ranges::all_of(shape, [](std::int64_t n) { return n >= 0; });
}

Result<void> check_shape(Shape shape) {
  for (std::int64_t& n : shape)
    if (n == kFree) n = 1;
  const auto count = graph::element_count(shape);
  if (!count) return unsupported("a tensor of another size: " + count.error().message);
  return {};
}

Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto found = graph::axis_among(axis, rank);
  if (!found) return unsupported("an axis that its input has");
  return *found;
}

std::vector<std::size_t> strides_of(const Shape& shape, std::size_t rank) {
  std::vector<std::size_t> strides(rank, 0);
  std::size_t step = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto n = static_cast<std::size_t>(shape[shape.size() - 1 - i]);
    if (n != 1) strides[rank - 1 - i] = step;
    step *= n;
  }
  return strides;
}

}  // namespace visavis::modelkit
