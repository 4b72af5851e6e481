/// Products and sums, with or without weights, normalisations and activations, as Caffe's layers.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "caffe_operators.hpp"
#include "caffe_writer.hpp"
#include "survey.hpp"

namespace visavis::modelkit {

/// Gemm and MatMul
Result<void> CaffeLowering::dense(const Node& node) {
  VISAVIS_TRY(dense, dense_of(survey_, node));
  if (survey_.shape(node.inputs[0]).size() != 2) return refuse(node, "of other than rows");
  const bool has_bias = !dense.bias.empty();
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = {dense.outputs, dense.inputs}, .values = std::move(dense.weights)});
  if (has_bias) blobs.push_back({.shape = {dense.outputs}, .values = std::move(dense.bias)});
  layer("InnerProduct", bottom(node, 0), top(node.outputs[0]), "inner_product_param",
        {{"num_output", text(dense.outputs)}, {"bias_term", has_bias ? "true" : "false"}},
        std::move(blobs));
  return {};
}

Result<void> CaffeLowering::binary(const Node& node) {
  if (node.inputs.size() != 2) return refuse(node, "of other than two inputs");
  const bool first = survey_.is_constant(node.inputs[0]);
  const bool second = survey_.is_constant(node.inputs[1]);
  if (first && second) return refuse(node, "of constants");
  if (!first && !second) return of_two(node);
  const std::size_t constant = first ? 0 : 1;
  const std::vector<float>* values = survey_.floats(node, constant);
  if (values == nullptr) return refuse(node, "with numbers that are not float32");
  if (survey_.shape(node.outputs[0]) != survey_.shape(node.inputs[1 - constant]))
    return refuse(node, "that stretches its input");
  if (values->size() == 1) return with_number(node, values->front(), first);
  return with_tensor(node, constant);
}

Result<void> CaffeLowering::with_number(const Node& node, float number, bool number_first) {
  const std::string x = bottom(node, number_first ? 1 : 0);
  const std::string result = top(node.outputs[0]);
  if (node.op == "Add") {
    power(x, result, 1, 1, number);
  } else if (node.op == "Sub") {
    power(x, result, 1, number_first ? -1.F : 1.F, number_first ? number : -number);
  } else if (node.op == "Mul") {
    power(x, result, 1, number, 0);
  } else if (node.op == "Max") {
    at_least(node, x, result, number);
  } else if (node.op == "Div" && number != 0) {
    power(x, result, number_first ? -1.F : 1.F, 1 / number, 0);
  } else if (node.op == "Pow" && !number_first) {
    power(x, result, number, 1, 0);
  } else {
    return refuse(node, "with that number");
  }
  return {};
}

/// By a Scale layer along the axes from the first to the last that the constant has.
Result<void> CaffeLowering::with_tensor(const Node& node, std::size_t constant) {
  const Shape& x = survey_.shape(node.inputs[1 - constant]);
  Shape wide = survey_.shape(node.inputs[constant]);
  wide.insert(wide.begin(), x.size() - wide.size(), 1);
  const auto is_long = [](std::int64_t n) { return n != 1; };
  const auto begin = std::ranges::find_if(wide, is_long);
  const auto end = std::ranges::find_if(wide.rbegin(), wide.rend(), is_long).base();
  const auto axis = static_cast<std::size_t>(begin - wide.begin());
  const Shape shape(begin, end);
  if (axis == 0) return refuse(node, "with numbers for each sample");
  if (!std::equal(shape.begin(), shape.end(), x.begin() + static_cast<std::ptrdiff_t>(axis)))
    return refuse(node, "with numbers that are stretched within");
  for (std::size_t i = std::max<std::size_t>(axis, 2); i < axis + shape.size(); ++i)
    if (survey_.sizes_are_free() && x.size() == 4) return refuse(node, "with numbers at any size");
  std::vector<float> values = *survey_.floats(node, constant);
  const std::string given = bottom(node, 1 - constant);
  const std::string result = top(node.outputs[0]);
  const std::vector<float> ones(values.size(), 1.F);
  const std::vector<float> minus(values.size(), -1.F);
  if (node.op == "Add") {
    scale(given, result, axis, shape, ones, std::move(values));
  } else if (node.op == "Sub" && constant == 1) {
    for (float& value : values) value = -value;
    scale(given, result, axis, shape, ones, std::move(values));
  } else if (node.op == "Sub") {
    scale(given, result, axis, shape, minus, std::move(values));
  } else if (node.op == "Mul") {
    scale(given, result, axis, shape, std::move(values), {});
  } else if (node.op == "Div" && constant == 0) {
    scale(power(given, between(node), -1, 1, 0), result, axis, shape, std::move(values), {});
  } else if (node.op == "Div" && std::ranges::find(values, 0.F) == values.end()) {
    for (float& value : values) value = 1 / value;
    scale(given, result, axis, shape, std::move(values), {});
  } else {
    return refuse(node, "with these numbers");
  }
  return {};
}

/// Numbers for each channel of each sample, N×C×1×1: a Scale or Bias layer of two bottoms, the
/// second N×C, multiplies or adds along the axes that it has.
Result<void> CaffeLowering::with_channels(const Node& node, std::size_t channels) {
  if (survey_.sizes_are_free()) return refuse(node, "with numbers for each channel at any size");
  const bool adds = node.op == "Add" || node.op == "Sub";
  if (!adds && node.op != "Mul" && node.op != "Div") return refuse(node, "of different shapes");
  std::string x = bottom(node, 1 - channels);
  std::string factors = layer("Flatten", bottom(node, channels), between(node));
  // What is subtracted turns its sign, what divides becomes its reciprocal.
  std::string& second = channels == 1 ? factors : x;
  if (node.op == "Sub") second = power(second, between(node), 1, -1, 0);
  if (node.op == "Div") second = power(second, between(node), -1, 1, 0);
  const std::string result = top(node.outputs[0]);
  writer_.layer({.type = adds ? "Bias" : "Scale",
                 .name = result,
                 .bottoms = {std::move(x), std::move(factors)},
                 .tops = {result},
                 .parameters = adds ? "bias_param" : "scale_param",
                 .fields = {{"axis", "0"}}});
  return {};
}

Result<void> CaffeLowering::of_two(const Node& node) {
  const Shape& shape = survey_.shape(node.outputs[0]);
  if (shape.size() == 4)
    for (std::size_t i = 0; i < 2; ++i)
      if (survey_.shape(node.inputs[1 - i]) == shape && survey_.shape(node.inputs[i]) != shape &&
          survey_.shape(node.inputs[i]) == Shape{shape[0], shape[1], 1, 1})
        return with_channels(node, i);
  std::vector<std::string> bottoms = {bottom(node, 0), bottom(node, 1)};
  for (std::size_t i = 0; i < 2; ++i) {
    const Shape& x = survey_.shape(node.inputs[i]);
    if (x == shape) continue;
    // A number for each row, repeated by a product with ones.
    if (x.size() != 2 || shape.size() != 2 || x[1] != 1 || x[0] != shape[0])
      return refuse(node, "of different shapes");
    std::vector<CaffeTensor> blobs;
    blobs.push_back({.shape = {shape[1], 1},
                     .values = std::vector<float>(static_cast<std::size_t>(shape[1]), 1.F)});
    bottoms[i] = layer("InnerProduct", bottoms[i], between(node), "inner_product_param",
                       {{"num_output", text(shape[1])}, {"bias_term", "false"}}, std::move(blobs));
  }
  Fields fields;
  if (node.op == "Add") {
    fields = {{"operation", "SUM"}};
  } else if (node.op == "Sub") {
    fields = {{"operation", "SUM"}, {"coeff", "1"}, {"coeff", "-1"}};
  } else if (node.op == "Mul") {
    fields = {{"operation", "PROD"}};
  } else if (node.op == "Max") {
    fields = {{"operation", "MAX"}};
  } else if (node.op == "Div") {
    fields = {{"operation", "PROD"}};
    bottoms[1] = power(bottoms[1], between(node), -1, 1, 0);
  } else {
    return refuse(node, "of two computed values");
  }
  const std::string result = top(node.outputs[0]);
  writer_.layer({.type = "Eltwise",
                 .name = result,
                 .bottoms = std::move(bottoms),
                 .tops = {result},
                 .parameters = "eltwise_param",
                 .fields = std::move(fields)});
  return {};
}

/// BatchNorm has no affine part, so that a Scale layer follows.
Result<void> CaffeLowering::batch_norm(const Node& node) {
  for (std::size_t i = 1; i < 5; ++i)
    if (survey_.floats(node, i) == nullptr) return refuse(node, "computed statistics");
  const auto channels = static_cast<std::int64_t>(survey_.floats(node, 1)->size());
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = {channels}, .values = *survey_.floats(node, 3)});
  blobs.push_back({.shape = {channels}, .values = *survey_.floats(node, 4)});
  blobs.push_back({.shape = {1}, .values = {1.F}});
  const std::string normal =
      layer("BatchNorm", bottom(node, 0), between(node), "batch_norm_param",
            {{"use_global_stats", "true"}, {"eps", shortest(node.get_or("epsilon", 1e-5F))}},
            std::move(blobs));
  scale(normal, top(node.outputs[0]), 1, {channels}, *survey_.floats(node, 1),
        *survey_.floats(node, 2));
  return {};
}

/// With a slope for each channel even if all are the same: that is what every version reads.
Result<void> CaffeLowering::prelu(const Node& node) {
  VISAVIS_TRY(slopes, slopes_of(survey_, node));
  const std::int64_t channels = survey_.shape(node.inputs[0])[1];
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = {channels}, .values = *slopes});
  blobs.back().values.resize(static_cast<std::size_t>(channels), slopes->front());
  layer("PReLU", bottom(node, 0), top(node.outputs[0]), {}, {}, std::move(blobs));
  return {};
}

Result<void> CaffeLowering::plain(const Node& node) {
  const std::string x = bottom(node, 0);
  const std::string result = top(node.outputs[0]);
  if (node.op == "Relu") layer("ReLU", x, result);
  if (node.op == "LeakyRelu")
    layer("ReLU", x, result, "relu_param",
          {{"negative_slope", shortest(node.get_or("alpha", .01F))}});
  if (node.op == "Sigmoid") layer("Sigmoid", x, result);
  if (node.op == "Tanh") layer("TanH", x, result);
  if (node.op == "Abs") layer("AbsVal", x, result);
  if (node.op == "Elu")
    layer("ELU", x, result, "elu_param", {{"alpha", shortest(node.get_or("alpha", 1.F))}});
  if (node.op == "Exp") layer("Exp", x, result);
  if (node.op == "Log") layer("Log", x, result);
  if (node.op == "Neg") power(x, result, 1, -1, 0);
  if (node.op == "Sqrt") power(x, result, .5F, 1, 0);
  return {};
}

Result<void> CaffeLowering::clip(const Node& node) {
  VISAVIS_TRY(bounds, bounds_of(survey_, node));
  const bool has_low = std::isfinite(bounds.first);
  const bool has_high = std::isfinite(bounds.second);
  const std::string result = top(node.outputs[0]);
  std::string value = bottom(node, 0);
  if (has_low) value = at_least(node, value, has_high ? between(node) : result, bounds.first);
  if (has_high) value = at_most(node, value, result, bounds.second);
  if (!has_low && !has_high) layer("Split", value, result);
  return {};
}

/// max(0, min(1, αx + β)), with which HardSwish multiplies x.
Result<void> CaffeLowering::hard_sigmoid(const Node& node) {
  const bool swish = node.op == "HardSwish";
  const float alpha = swish ? 1 / 6.F : node.get_or("alpha", .2F);
  const float beta = node.get_or("beta", .5F);
  const std::string x = bottom(node, 0);
  const std::string result = top(node.outputs[0]);
  const std::string line = power(x, between(node), 1, alpha, beta);
  const std::string above = layer("ReLU", line, between(node));
  const std::string gate = at_most(node, above, swish ? between(node) : result, 1);
  if (swish)
    writer_.layer({.type = "Eltwise",
                   .name = result,
                   .bottoms = {x, gate},
                   .tops = {result},
                   .parameters = "eltwise_param",
                   .fields = {{"operation", "PROD"}}});
  return {};
}

Result<void> CaffeLowering::softmax(const Node& node) {
  VISAVIS_TRY(axis, softmax_axis(survey_, node));
  layer("Softmax", bottom(node, 0), top(node.outputs[0]), "softmax_param",
        {{"axis", std::to_string(axis)}});
  return {};
}

/// Means of whole pictures, or of rows.
Result<void> CaffeLowering::reduce(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  VISAVIS_TRY(axes, reduced_axes(survey_, node));
  const bool keeps = node.get_or<std::int64_t>("keepdims", 1) != 0;
  const std::string result = top(node.outputs[0]);
  if (x.size() == 4 && axes == std::vector<std::size_t>{2, 3}) {
    if (survey_.sizes_are_free()) return refuse(node, "of whole pictures of any size");
    const std::string mean = layer("Pooling", bottom(node, 0), keeps ? result : between(node),
                                   "pooling_param", {{"pool", "AVE"}, {"global_pooling", "true"}});
    if (!keeps) layer("Flatten", mean, result);
    return {};
  }
  if (x.size() == 2 && keeps) {
    std::vector<CaffeTensor> blobs;
    blobs.push_back({.shape = {1, x[1]},
                     .values = std::vector<float>(static_cast<std::size_t>(x[1]),
                                                  1 / static_cast<float>(x[1]))});
    layer("InnerProduct", bottom(node, 0), result, "inner_product_param",
          {{"num_output", "1"}, {"bias_term", "false"}}, std::move(blobs));
    return {};
  }
  return refuse(node, "over other axes than height and width, or a row");
}

}  // namespace visavis::modelkit
