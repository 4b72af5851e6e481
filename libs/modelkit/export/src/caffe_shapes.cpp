/// What puts numbers at other places, as Caffe's layers.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "caffe_operators.hpp"
#include "caffe_writer.hpp"
#include "survey.hpp"

namespace visavis::modelkit {
namespace {

std::int64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

}  // namespace

/// A convolution of one pixel with the unit matrix, whose padding is the zeros.
Result<void> CaffeLowering::pad(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const Shape& y = survey_.shape(node.outputs[0]);
  const auto pads = survey_.integers(node, "pads", 1);
  const std::vector<float>* value = survey_.floats(node, 2);
  const bool zeros = node.get_or<std::string>("mode", "constant") == "constant" &&
                     node.get_or("value", 0.F) == 0 &&
                     (survey_.has(node, 2) ? value != nullptr && *value == std::vector{0.F} : true);
  if (!zeros || !pads || x.size() != 4 || pads->size() != 8 || (*pads)[0] != 0 || (*pads)[4] != 0)
    return refuse(node, "with other than zeros around pictures");
  if (std::ranges::any_of(*pads, [](std::int64_t n) { return n < 0; }))
    return refuse(node, "by less than nothing");
  const bool spatial = (*pads)[2] + (*pads)[3] + (*pads)[6] + (*pads)[7] > 0;
  if (spatial && survey_.sizes_are_free()) return refuse(node, "at any size");
  const std::int64_t rows = std::max((*pads)[2], (*pads)[6]);
  const std::int64_t columns = std::max((*pads)[3], (*pads)[7]);
  const bool grouped = y[1] == x[1];
  std::vector<float> unit;
  if (grouped) {
    unit.assign(static_cast<std::size_t>(x[1]), 1.F);
  } else {
    unit.assign(static_cast<std::size_t>(y[1] * x[1]), 0.F);
    for (std::int64_t c = 0; c < x[1]; ++c)
      unit[static_cast<std::size_t>(((*pads)[1] + c) * x[1] + c)] = 1;
  }
  const Shape size = {y[0], y[1], x[2] + 2 * rows, x[3] + 2 * columns};
  const std::string result = top(node.outputs[0]);
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = {y[1], grouped ? 1 : x[1], 1, 1}, .values = std::move(unit)});
  const std::string made =
      layer("Convolution", bottom(node, 0), size == y ? result : between(node), "convolution_param",
            {{"num_output", text(y[1])},
             {"bias_term", "false"},
             {"group", text(grouped ? x[1] : 1)},
             {"kernel_size", "1"},
             {"pad_h", text(rows)},
             {"pad_w", text(columns)}},
            std::move(blobs));
  if (size == y) return {};
  const Shape from = {0, 0, rows - (*pads)[2], columns - (*pads)[3]};
  cut_all(node, made, result, size, from, {y[0], y[1], from[2] + y[2], from[3] + y[3]});
  return {};
}

Result<void> CaffeLowering::concat(const Node& node) {
  VISAVIS_TRY(axis, concat_axis(survey_, node));
  std::vector<std::string> bottoms;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) bottoms.push_back(bottom(node, i));
  const std::string result = top(node.outputs[0]);
  writer_.layer({.type = "Concat",
                 .name = result,
                 .bottoms = std::move(bottoms),
                 .tops = {result},
                 .parameters = "concat_param",
                 .fields = {{"axis", std::to_string(axis)}}});
  return {};
}

Result<void> CaffeLowering::reshape(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const Shape& y = survey_.shape(node.outputs[0]);
  if (y.empty() || y.front() != x.front() || survey_.sizes_are_free())
    return refuse(node, "that does not keep the samples apart");
  const std::string result = top(node.outputs[0]);
  if (y == Shape{x.front(), product(x) / x.front()}) {
    layer("Flatten", bottom(node, 0), result);
    return {};
  }
  std::string shape = "{ dim: 0";
  for (std::size_t i = 1; i < y.size(); ++i) shape.append(" dim: ").append(text(y[i]));
  layer("Reshape", bottom(node, 0), result, "reshape_param", {{"shape", shape + " }"}});
  return {};
}

Result<void> CaffeLowering::transpose(const Node& node) {
  if (survey_.sizes_are_free()) return refuse(node, "at any size");
  Fields fields;
  for (const std::int64_t axis : order_of(survey_, node)) fields.emplace_back("order", text(axis));
  layer("Permute", bottom(node, 0), top(node.outputs[0]), "permute_param", std::move(fields));
  return {};
}

Result<void> CaffeLowering::slice(const Node& node) {
  if (survey_.sizes_are_free()) return refuse(node, "at any size");
  VISAVIS_TRY(range, range_of(survey_, node));
  cut_all(node, bottom(node, 0), top(node.outputs[0]), survey_.shape(node.inputs[0]), range.from,
          range.to);
  return {};
}

Result<void> CaffeLowering::split(const Node& node) {
  if (survey_.sizes_are_free()) return refuse(node, "at any size");
  VISAVIS_TRY(axis, split_axis(survey_, node));
  Fields fields = {{"axis", std::to_string(axis)}};
  std::vector<std::string> tops;
  std::vector<std::string> unread;
  std::int64_t at = 0;
  for (const std::string& output : node.outputs) {
    if (!tops.empty()) fields.emplace_back("slice_point", text(at));
    tops.push_back(top(output));
    if (survey_.uses(output) == 0 && !survey_.is_output(output)) unread.push_back(tops.back());
    at += survey_.shape(output)[axis];
  }
  writer_.layer({.type = "Slice",
                 .name = between(node),
                 .bottoms = {bottom(node, 0)},
                 .tops = std::move(tops),
                 .parameters = "slice_param",
                 .fields = std::move(fields)});
  if (!unread.empty())
    writer_.layer(
        {.type = "Silence", .name = between(node), .bottoms = std::move(unread), .tops = {}});
  return {};
}

}  // namespace visavis::modelkit
