/// Caffe's layers that move numbers and change none.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "caffe_layers.hpp"
#include "caffe_net.hpp"
#include "caffe_rules.hpp"
#include "caffe_text.hpp"

namespace visavis::modelkit::cf {
namespace {

/// `axis`, or under its old name, which counts from the front only.
Result<std::size_t> axis_or(const CaffeCall& call, CaffeText& parameters, std::string_view old) {
  VISAVIS_TRY(before, parameters.integer(old, 1));
  VISAVIS_TRY(axis, parameters.integer("axis", before));
  return axis_of(call, axis, call.inputs[0].shape);
}

/// To a shape that begins like the input's up to `kept`.
Values reshape_to(CaffeCall& call, Shape shape, std::size_t kept) {
  const CaffeValue& x = call.inputs[0];
  const auto wanted = graph::element_count(shape);
  if (!wanted || static_cast<std::int64_t>(*wanted) != product(x.shape, 0, x.shape.size()))
    return malformed(call, "a shape of another size");
  Shape written = shape;
  for (std::size_t i = 0; i < kept; ++i) written[i] = 0;  // as in the input
  const std::string name = call.names[0];
  call.builder.node("Reshape", name,
                    {x.name, call.builder.integers(name + ".shape", std::move(written))}, {});
  return one(name, std::move(shape));
}

}  // namespace

Values concat(CaffeCall& call) {
  VISAVIS_TRY(name, only_name(call));
  if (call.inputs.empty()) return malformed(call, "it has no inputs");
  VISAVIS_TRY(parameters, call.layer.parameters("concat_param"));
  VISAVIS_TRY(axis, axis_or(call, *parameters, "concat_dim"));
  Shape shape = call.inputs[0].shape;
  std::vector<std::string> parts;
  shape[axis] = 0;
  for (const CaffeValue& input : call.inputs) {
    Shape others = input.shape;
    if (others.size() != shape.size()) return malformed(call, "inputs of several ranks");
    shape[axis] += others[axis];
    others[axis] = shape[axis];
    if (others != shape) return malformed(call, "inputs that do not go together");
    parts.push_back(input.name);
  }
  call.builder.node("Concat", *name, std::move(parts), {{"axis", static_cast<std::int64_t>(axis)}});
  return one(*name, shape);
}

Values flatten(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("flatten_param"));
  VISAVIS_TRY(given_axis, parameters->integer("axis", 1));
  VISAVIS_TRY(given_end, parameters->integer("end_axis", -1));
  VISAVIS_TRY(axis, axis_of(call, given_axis, x->shape));
  VISAVIS_TRY(end, axis_of(call, given_end, x->shape));
  if (end < axis) return malformed(call, "it ends before it begins");
  if (axis == 1 && end + 1 == x->shape.size()) {
    call.builder.flatten(*name, x->name);
    return one(*name, {x->shape[0], product(x->shape, 1, x->shape.size())});
  }
  Shape shape(x->shape.begin(), x->shape.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.push_back(product(x->shape, axis, end + 1));
  shape.insert(shape.end(), x->shape.begin() + static_cast<std::ptrdiff_t>(end + 1),
               x->shape.end());
  return reshape_to(call, std::move(shape), axis);
}

Values reshape(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_CHECK(only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("reshape_param"));
  VISAVIS_TRY(wanted, parameters->message("shape"));
  Shape given;
  if (wanted != nullptr) {
    VISAVIS_TRY(dimensions, wanted->integers("dim"));
    given = std::move(dimensions);
  }
  VISAVIS_TRY(first, parameters->integer("axis", 0));
  VISAVIS_TRY(count, parameters->integer("num_axes", -1));
  const auto rank = std::ssize(x->shape);
  if (first < 0) first += rank + 1;
  const std::int64_t end = count == -1 ? rank : first + count;
  if (first < 0 || first > rank || count < -1 || end > rank || given.size() > graph::kMaxRank)
    return malformed(call, "axes beyond the shape");
  Shape shape(x->shape.begin(), x->shape.begin() + first);
  std::size_t kept = shape.size();
  std::int64_t open = -1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::int64_t source = first + static_cast<std::int64_t>(i);
    if (given[i] == 0 && source >= rank)
      return malformed(call, "it copies a size that is not there");
    if (given[i] == 0 && kept == shape.size()) ++kept;
    if (given[i] == -1 && open >= 0) return malformed(call, "two sizes are to be found");
    if (given[i] < -1 || given[i] > graph::kMaxElements)
      return malformed(call, "a size out of range");
    if (given[i] == -1) open = std::ssize(shape);
    shape.push_back(given[i] == 0    ? x->shape[static_cast<std::size_t>(source)]
                    : given[i] == -1 ? 1
                                     : given[i]);
  }
  shape.insert(shape.end(), x->shape.begin() + end, x->shape.end());
  if (open >= 0) {
    const auto known = graph::element_count(shape);
    const std::int64_t all = product(x->shape, 0, x->shape.size());
    if (!known || *known == 0) return malformed(call, "a size out of range");
    shape[static_cast<std::size_t>(open)] = all / static_cast<std::int64_t>(*known);
  }
  return reshape_to(call, std::move(shape), kept);
}

Values permute(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("permute_param"));
  VISAVIS_TRY(order, parameters->integers("order"));
  const auto rank = std::ssize(x->shape);
  for (std::int64_t axis = 0; axis < rank; ++axis)  // the rest follows as it is
    if (std::ranges::find(order, axis) == order.end()) order.push_back(axis);
  if (std::ssize(order) != rank) return malformed(call, "an order of other axes");
  Shape shape;
  for (const std::int64_t axis : order) {
    if (axis < 0 || axis >= rank) return malformed(call, "an order of other axes");
    shape.push_back(x->shape[static_cast<std::size_t>(axis)]);
  }
  call.builder.transpose(*name, x->name, order);
  return one(*name, shape);
}

/// The first input, as large as the second from an axis on.
Values crop(CaffeCall& call) {
  VISAVIS_TRY(name, only_name(call));
  if (call.inputs.size() != 2) return malformed(call, "it has not exactly two inputs");
  const CaffeValue& x = call.inputs[0];
  const Shape& like = call.inputs[1].shape;
  VISAVIS_TRY(parameters, call.layer.parameters("crop_param"));
  VISAVIS_TRY(given_axis, parameters->integer("axis", 2));
  VISAVIS_TRY(offsets, parameters->integers("offset"));
  VISAVIS_TRY(axis, axis_of(call, given_axis, x.shape));
  const std::size_t cropped = x.shape.size() - axis;
  if (like.size() != x.shape.size()) return malformed(call, "inputs of different ranks");
  if (offsets.size() > 1 && offsets.size() != cropped)
    return malformed(call, "neither one offset nor one for each axis");
  Shape shape = x.shape;
  Shape starts;
  Shape ends;
  Shape axes;
  for (std::size_t i = 0; i < cropped; ++i) {
    const std::int64_t offset = offsets.empty() ? 0 : offsets[offsets.size() == 1 ? 0 : i];
    const std::int64_t size = like[axis + i];
    if (offset < 0 || offset > x.shape[axis + i] - size)
      return malformed(call, "it reaches beyond its input");
    shape[axis + i] = size;
    starts.push_back(offset);
    ends.push_back(offset + size);
    axes.push_back(static_cast<std::int64_t>(axis + i));
  }
  call.builder.node("Slice", *name,
                    {x.name, call.builder.integers(*name + ".starts", std::move(starts)),
                     call.builder.integers(*name + ".ends", std::move(ends)),
                     call.builder.integers(*name + ".axes", std::move(axes))},
                    {});
  return one(*name, shape);
}

/// Each part by itself: a Slice that nobody reads costs nothing.
Values slice(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(parameters, call.layer.parameters("slice_param"));
  VISAVIS_TRY(axis, axis_or(call, *parameters, "slice_dim"));
  VISAVIS_TRY(points, parameters->integers("slice_point"));
  const auto parts = std::ssize(call.names);
  const std::int64_t size = x->shape[axis];
  if (parts == 0) return malformed(call, "it has no outputs");
  if (points.empty()) {
    if (size % parts != 0) return malformed(call, "parts that are not equal");
    for (std::int64_t i = 1; i < parts; ++i) points.push_back(i * (size / parts));
  }
  if (std::ssize(points) != parts - 1)
    return malformed(call, "it has not one point less than outputs");
  points.push_back(size);
  std::vector<CaffeValue> out;
  std::int64_t start = 0;
  for (std::size_t i = 0; i < call.names.size(); ++i) {
    const std::string& name = call.names[i];
    if (points[i] <= start || points[i] > size) return malformed(call, "points that do not rise");
    Shape shape = x->shape;
    shape[axis] = points[i] - start;
    call.builder.node("Slice", name,
                      {x->name, call.builder.integers(name + ".starts", {start}),
                       call.builder.integers(name + ".ends", {points[i]}),
                       call.builder.integers(name + ".axes", {static_cast<std::int64_t>(axis)})},
                      {});
    out.push_back({.name = name, .shape = std::move(shape)});
    start = points[i];
  }
  return out;
}

/// One value under each of the names.
Values copies(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  call.layer.text->pass_over({"dropout_param"});
  std::vector<CaffeValue> out;
  for (const std::string& name : call.names) {
    call.builder.node("Identity", name, {x->name}, {});
    out.push_back({.name = name, .shape = x->shape});
  }
  return out;
}

Values silence(CaffeCall& call) {
  if (!call.names.empty()) return malformed(call, "it has an output");
  return std::vector<CaffeValue>{};
}

}  // namespace visavis::modelkit::cf
