/// Core ML's layers that only place numbers: shapes, parts, orders of axes; and constants.

#include <coreml.pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/shapes.hpp>

#include "builder.hpp"
#include "coreml_layers.hpp"
#include "coreml_values.hpp"

namespace visavis::modelkit::ml {

Result<CoreMlValue> CoreMlAssembly::load_constant(const Layer& layer) {
  if (layer.input_size() != 0) return malformed(layer, "it has inputs");
  const bool any_rank = layer.has_loadconstantnd();
  const auto& params = any_rank ? layer.loadconstantnd() : layer.loadconstant();
  Shape shape;
  for (const std::uint64_t n : params.shape()) {
    if (n < 1 || n > static_cast<std::uint64_t>(graph::kMaxElements))
      return malformed(layer, "a size out of range");
    shape.push_back(static_cast<std::int64_t>(n));
  }
  if (!any_rank) {
    if (shape.size() != 3) return malformed(layer, "not three dimensions");
    shape.insert(shape.begin(), 1);
  }
  VISAVIS_TRY(values, weights_of(layer, params.data(), shape));
  builder_.constant(constant(layer.output(0), shape, std::move(values)));
  return CoreMlValue{.name = layer.output(0), .shape = shape};
}

Result<CoreMlValue> CoreMlAssembly::concat(const Layer& layer) {
  if (layer.has_concat() && layer.concat().sequenceconcat())
    return unsupported(layer, "sequences one behind the other");
  if (layer.input_size() == 0) return malformed(layer, "it has no inputs");
  std::vector<std::string> parts;
  Shape shape;
  std::optional<std::size_t> axis;
  for (const std::string& input : layer.input()) {
    const CoreMlValue* next = find(input);
    if (next == nullptr) return malformed(layer, "it reads what no layer before it gives");
    if (parts.empty()) {
      shape = next->shape;
      axis = graph::axis_among(layer.has_concatnd() ? layer.concatnd().axis() : -3, shape.size());
      if (!axis) return malformed(layer, "an axis beyond the shape");
    } else {
      if (next->shape.size() != shape.size()) return malformed(layer, "inputs of several ranks");
      const std::int64_t more = next->shape[*axis];
      shape[*axis] = shape[*axis] < 0 || more < 0 ? -1 : shape[*axis] + more;
    }
    parts.push_back(next->name);
  }
  builder_.node("Concat", layer.output(0), std::move(parts),
                {{"axis", static_cast<std::int64_t>(*axis)}});
  return CoreMlValue{.name = layer.output(0), .shape = std::move(shape)};
}

Result<CoreMlValue> CoreMlAssembly::reshape(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.has_reshape()         ? layer.reshape()
                       : layer.has_reshapestatic() ? layer.reshapestatic()
                                                   : layer.rankpreservingreshape();
  Shape target(params.targetshape().begin(), params.targetshape().end());
  const std::size_t rank = target.size();
  const bool keeps_rank = layer.has_rankpreservingreshape();
  if (rank == 0 || rank >= graph::kMaxRank || (keeps_rank && rank != x->shape.size()))
    return malformed(layer, "a shape of another rank");
  for (const std::int64_t n : target)
    if (n < -1 || n > graph::kMaxElements || (n == 0 && !keeps_rank))
      return malformed(layer, "a size out of range");
  if (layer.has_reshape()) {  // channels, height and width, of each sample by itself
    if (params.mode() != 0) return unsupported(layer, "channels last");
    if (rank != 3 || x->shape.size() != 4) return unsupported(layer, "sequences");
    target.insert(target.begin(), 0);
  }
  Shape shape = target;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == 0) shape[i] = x->shape[i];
  return reshaped(layer, *x, std::move(target), std::move(shape));
}

Result<CoreMlValue> CoreMlAssembly::flatten(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const std::string& name = layer.output(0);
  if (layer.has_flattento2d()) {
    const auto axis = graph::axis_among(layer.flattento2d().axis(), x->shape.size());
    if (!axis) return malformed(layer, "an axis beyond the shape");
    builder_.node("Flatten", name, {x->name}, {{"axis", static_cast<std::int64_t>(*axis)}});
    const std::int64_t first = *axis == 1 ? x->shape[0] : -1;
    return CoreMlValue{.name = name, .shape = {first, product(x->shape, *axis)}};
  }
  if (layer.flatten().mode() != 0) return unsupported(layer, "channels last");
  if (x->shape.size() != 4) return unsupported(layer, "an input that is no picture");
  return reshaped(layer, *x, {0, -1, 1, 1}, {x->shape[0], product(x->shape, 1), 1, 1});
}

/// squeeze and expandDims
Result<CoreMlValue> CoreMlAssembly::dims(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const bool adds = layer.has_expanddims();
  const auto& params = adds ? layer.expanddims() : layer.squeeze();
  if (params.squeezeall()) return unsupported(layer, "all dimensions of 1");
  const std::size_t rank =
      x->shape.size() + (adds ? static_cast<std::size_t>(params.axes_size()) : 0);
  if (rank > graph::kMaxRank || params.axes().empty())
    return malformed(layer, "no or too many dimensions");
  std::vector<bool> named(rank, false);
  Shape axes;
  for (const std::int64_t n : params.axes()) {
    const auto axis = graph::axis_among(n, rank);
    if (!axis || named[*axis]) return malformed(layer, "an axis beyond the shape, or twice");
    named[*axis] = true;
    axes.push_back(static_cast<std::int64_t>(*axis));
  }
  std::ranges::sort(axes);
  Shape shape;
  std::size_t next = 0;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (adds)
      shape.push_back(named[axis] ? 1 : x->shape[next++]);
    else if (!named[axis])
      shape.push_back(x->shape[axis]);
  }
  const std::string& name = layer.output(0);
  builder_.node(adds ? "Unsqueeze" : "Squeeze", name,
                {x->name, builder_.integers(name + ".axes", std::move(axes))}, {});
  return CoreMlValue{.name = name, .shape = std::move(shape)};
}

/// permute of the old form knows a sequence, which is the batch here, channels, height and width.
Result<CoreMlValue> CoreMlAssembly::permute(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& given = layer.has_permute() ? layer.permute().axes() : layer.transpose().axes();
  Shape order;
  Shape shape;
  std::vector<bool> named(x->shape.size(), false);
  for (const std::uint64_t axis : given) {
    if (axis >= named.size() || named[axis]) return malformed(layer, "an order of other axes");
    named[axis] = true;
    order.push_back(static_cast<std::int64_t>(axis));
    shape.push_back(x->shape[axis]);
  }
  if (order.size() != named.size() || (layer.has_permute() && order.size() != 4))
    return malformed(layer, "an order of other axes");
  if (layer.has_permute() && order[0] != 0) return unsupported(layer, "the sequence elsewhere");
  builder_.transpose(layer.output(0), x->name, order);
  return CoreMlValue{.name = layer.output(0), .shape = std::move(shape)};
}

Result<CoreMlValue> CoreMlAssembly::slice(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.slicestatic();
  const int rank = static_cast<int>(x->shape.size());
  if (params.beginids_size() != rank || params.endids_size() != rank ||
      params.strides_size() != rank || params.beginmasks_size() != rank ||
      params.endmasks_size() != rank)
    return malformed(layer, "it has not one range for each dimension");
  if (std::ranges::find(params.squeezemasks(), true) != params.squeezemasks().end())
    return unsupported(layer, "dimensions that vanish");
  Shape starts;
  Shape ends;
  Shape axes;
  Shape shape = x->shape;
  for (int i = 0; i < rank; ++i) {
    if (params.strides(i) != 1) return unsupported(layer, "steps other than 1");
    const bool from_start = params.beginmasks(i) || params.beginids(i) == 0;
    if (from_start && params.endmasks(i)) continue;
    const auto axis = static_cast<std::size_t>(i);
    const std::int64_t size = shape[axis];
    const std::int64_t start = from_start ? 0 : params.beginids(i);
    const std::int64_t end =
        params.endmasks(i) ? std::numeric_limits<std::int64_t>::max() : params.endids(i);
    starts.push_back(start);
    ends.push_back(end);
    axes.push_back(i);
    const auto place = [size](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
    };
    shape[axis] = size < 0 ? -1 : place(end) - place(start);
    if (size >= 0 && shape[axis] < 1) return malformed(layer, "it takes nothing");
  }
  if (axes.empty()) return named(layer, x->name, std::move(shape));
  const std::string& name = layer.output(0);
  builder_.node("Slice", name,
                {x->name, builder_.integers(name + ".starts", std::move(starts)),
                 builder_.integers(name + ".ends", std::move(ends)),
                 builder_.integers(name + ".axes", std::move(axes))},
                {});
  return CoreMlValue{.name = name, .shape = std::move(shape)};
}

Result<void> CoreMlAssembly::split(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.splitnd();
  const auto axis = graph::axis_among(params.axis(), x->shape.size());
  if (!axis) return malformed(layer, "an axis beyond the shape");
  if (layer.output_size() == 0) return malformed(layer, "it has no outputs");
  Shape sizes;
  for (const std::uint64_t n : params.splitsizes()) {
    if (n < 1 || n > static_cast<std::uint64_t>(graph::kMaxElements))
      return malformed(layer, "a size out of range");
    sizes.push_back(static_cast<std::int64_t>(n));
  }
  const std::int64_t all = x->shape[*axis];
  if (sizes.empty()) {
    if (all < 0 || all % layer.output_size() != 0)
      return malformed(layer, "parts that are not equal");
    sizes.assign(static_cast<std::size_t>(layer.output_size()), all / layer.output_size());
  }
  if (std::ssize(sizes) != layer.output_size())
    return malformed(layer, "not one size for each output");
  const CoreMlValue whole = *x;
  std::int64_t start = 0;
  for (int i = 0; i < layer.output_size(); ++i) {
    const std::string& name = layer.output(i);
    const std::int64_t end = start + sizes[static_cast<std::size_t>(i)];
    if (all >= 0 && end > all) return malformed(layer, "parts larger than the whole");
    CoreMlValue part{.name = name, .shape = whole.shape};
    part.shape[*axis] = end - start;
    VISAVIS_CHECK(add(name, std::move(part)));
    builder_.node("Slice", name,
                  {whole.name, builder_.integers(name + ".starts", {start}),
                   builder_.integers(name + ".ends", {end}),
                   builder_.integers(name + ".axes", {static_cast<std::int64_t>(*axis)})},
                  {});
    start = end;
  }
  return {};
}

/// Before and behind each dimension.
Result<CoreMlValue> CoreMlAssembly::pad(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.constantpad();
  if (params.padtogivenoutputsizemode()) return unsupported(layer, "padding to a size");
  const std::size_t rank = x->shape.size();
  if (static_cast<std::size_t>(params.padamounts_size()) != 2 * rank)
    return malformed(layer, "it has not two amounts for each dimension");
  Shape pads(2 * rank);
  Shape shape = x->shape;
  for (std::size_t i = 0; i < 2 * rank; ++i) {
    const std::uint64_t amount = params.padamounts(static_cast<int>(i));
    if (amount > kMost) return malformed(layer, "a padding out of range");
    const auto n = static_cast<std::int64_t>(amount);
    pads[(i % 2) * rank + i / 2] = n;
    if (shape[i / 2] >= 0) shape[i / 2] += n;
  }
  const std::string& name = layer.output(0);
  builder_.node("Pad", name,
                {x->name, builder_.integers(name + ".pads", std::move(pads)),
                 number(name + ".value", params.value())},
                {});
  return CoreMlValue{.name = name, .shape = std::move(shape)};
}

}  // namespace visavis::modelkit::ml
