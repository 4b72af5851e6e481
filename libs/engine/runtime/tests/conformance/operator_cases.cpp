/// One small graph per operator and edge case. Expected values are the reference engine's, whose
/// own tests compare it with ONNX Runtime and with hand calculation.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/runtime/engine.hpp>

#include "cases.hpp"

namespace visavis::runtime::conformance {
namespace {

using graph::Shape;
using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;
using Ints = std::vector<std::int64_t>;

std::size_t product(const Shape& shape) {
  std::size_t count = 1;
  for (const std::int64_t dimension : shape) count *= static_cast<std::size_t>(dimension);
  return count;
}

/// "w7". Appended: g++ 12 warns about `"w" + std::to_string(…)` where there is nothing to warn
/// about.
std::string numbered(std::string text, std::size_t number) {
  return text += std::to_string(number);
}

/// Puts a case together: inputs and weights of noise, nodes in order.
class Builder {
 public:
  Builder(std::string name, std::int64_t opset = 13) {
    graph_.name = std::move(name);
    graph_.opset = opset;
  }

  /// `declared` is the shape that the model states, where it is not the one that is fed.
  std::string input(const Shape& shape, const Shape& declared = {}) {
    std::string name = numbered("x", inputs_.size());
    graph_.inputs.push_back({.name = name,
                             .type = graph::ElementType::kFloat32,
                             .shape = declared.empty() ? shape : declared});
    const std::vector<float> values = noise(product(shape), ++seed_);
    const auto bytes = std::as_bytes(std::span(values));
    inputs_.push_back(
        {.type = ElementType::kFloat32, .shape = shape, .bytes = {bytes.begin(), bytes.end()}});
    return name;
  }

  std::string weight(const Shape& shape) { return weight(shape, noise(product(shape), ++seed_)); }
  std::string weight(const Shape& shape, std::vector<float> values) {
    return constant({.name = "", .shape = shape, .values = std::move(values)});
  }
  std::string ints(const Ints& values) {
    return constant(
        {.name = "", .shape = {static_cast<std::int64_t>(values.size())}, .values = values});
  }
  template <class T>
  std::string small(const Shape& shape, std::vector<T> values) {
    return constant({.name = "", .shape = shape, .values = std::move(values)});
  }
  std::string scalar(float value) {
    return constant({.name = "", .shape = {}, .values = std::vector<float>{value}});
  }

  std::string node(std::string_view op, std::vector<std::string> inputs,
                   Attributes attributes = {}) {
    return nodes(op, std::move(inputs), 1, std::move(attributes)).front();
  }
  std::vector<std::string> nodes(std::string_view op, std::vector<std::string> inputs,
                                 std::size_t outputs, Attributes attributes = {}) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < outputs; ++i)
      names.push_back(numbered(numbered("v", graph_.nodes.size()) + "_", i));
    graph_.nodes.push_back({.op = std::string(op),
                            .name = "",
                            .inputs = std::move(inputs),
                            .outputs = names,
                            .attributes = std::move(attributes)});
    return names;
  }

  /// @param rank of every output; its dimensions are left to the run.
  Case finish(const std::vector<std::string>& outputs, std::size_t rank) {
    for (const std::string& name : outputs)
      graph_.outputs.push_back(
          {.name = name, .type = graph::ElementType::kFloat32, .shape = Shape(rank, -1)});
    Result<std::vector<std::byte>> file = graph::write_onnx(graph_);
    // An invalid case becomes an empty model, which every engine refuses, so that the test fails.
    return {.name = graph_.name,
            .onnx = file ? *std::move(file) : std::vector<std::byte>{},
            .inputs = inputs_};
  }

 private:
  std::string constant(graph::Tensor tensor) {
    tensor.name = numbered("w", graph_.initializers.size());
    graph_.initializers.push_back(std::move(tensor));
    return graph_.initializers.back().name;
  }

  graph::Graph graph_;
  std::vector<Tensor> inputs_;
  std::uint32_t seed_ = 0;
};

Case convolution(std::string name, const Shape& x, const Shape& w, Attributes attributes,
                 bool bias = true) {
  Builder build(std::move(name));
  std::vector<std::string> inputs{build.input(x), build.weight(w)};
  if (bias) inputs.push_back(build.weight({w[0]}));
  return build.finish({build.node("Conv", std::move(inputs), std::move(attributes))}, 4);
}

void add_convolutions(std::vector<Case>& cases) {
  cases.push_back(convolution("Conv 3x3", {1, 3, 8, 9}, {5, 3, 3, 3}, {}));
  cases.push_back(convolution("Conv without bias", {1, 3, 8, 9}, {5, 3, 3, 3}, {}, false));
  cases.push_back(convolution("Conv 1x1 of a batch", {3, 4, 5, 6}, {7, 4, 1, 1}, {}));
  cases.push_back(convolution("Conv stride 2 with pads", {2, 3, 9, 12}, {4, 3, 3, 3},
                              {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}));
  cases.push_back(convolution("Conv with uneven pads", {1, 2, 7, 6}, {3, 2, 3, 3},
                              {{"pads", Ints{0, 1, 2, 0}}, {"strides", Ints{2, 1}}}));
  cases.push_back(convolution("Conv dilated", {1, 2, 11, 13}, {3, 2, 3, 3},
                              {{"dilations", Ints{2, 3}}, {"pads", Ints{2, 3, 2, 3}}}));
  cases.push_back(
      convolution("Conv in groups", {2, 6, 7, 7}, {4, 3, 3, 3}, {{"group", std::int64_t{2}}}));
  cases.push_back(convolution("Conv depthwise", {1, 8, 7, 9}, {8, 1, 3, 3},
                              {{"group", std::int64_t{8}}, {"pads", Ints{1, 1, 1, 1}}}));
  cases.push_back(convolution("Conv depthwise, as large as its input", {2, 16, 7, 7}, {16, 1, 7, 7},
                              {{"group", std::int64_t{16}}}));
  cases.push_back(convolution("Conv with an oblong kernel", {1, 3, 9, 9}, {4, 3, 1, 5}, {}));
  cases.push_back(convolution("Conv auto_pad SAME_UPPER", {1, 3, 8, 7}, {4, 3, 3, 3},
                              {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}}));
}

Case transposed(std::string name, const Shape& x, const Shape& w, Attributes attributes,
                std::int64_t groups = 1) {
  Builder build("ConvTranspose " + std::move(name));
  attributes.emplace_back("group", groups);
  const std::string in = build.input(x);
  return build.finish(
      {build.node("ConvTranspose", {in, build.weight(w), build.weight({w[1] * groups})},
                  std::move(attributes))},
      4);
}

void add_transposed_convolutions(std::vector<Case>& cases) {
  const Attributes by_two = {{"strides", Ints{2, 2}}};
  const auto with = [&](std::string attribute, Ints values) {
    Attributes all = by_two;
    all.emplace_back(std::move(attribute), std::move(values));
    return all;
  };
  cases.push_back(transposed("2x2 by 2", {2, 3, 4, 5}, {3, 4, 2, 2}, by_two));
  cases.push_back(
      transposed("4x4 by 2 with pads", {1, 3, 4, 5}, {3, 2, 4, 4}, with("pads", {1, 1, 1, 1})));
  cases.push_back(
      transposed("uneven pads", {1, 2, 4, 5}, {2, 3, 3, 4}, with("pads", {1, 0, 0, 2})));
  cases.push_back(transposed(
      "output_padding", {1, 2, 3, 4}, {2, 3, 3, 3},
      {{"strides", Ints{2, 3}}, {"pads", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 2}}}));
  cases.push_back(transposed("in groups", {1, 4, 3, 4}, {4, 3, 3, 3}, by_two, 2));
}

Case unary(std::string_view op, std::size_t rank, Attributes attributes = {},
           std::int64_t opset = 13) {
  const Shape shapes[] = {{5}, {3, 5}, {2, 3, 5}, {2, 3, 4, 5}};
  Builder build(
      std::string(op) + " of rank " + std::to_string(rank) + ", opset " + std::to_string(opset),
      opset);
  const Shape& shape = shapes[rank - 1];
  return build.finish({build.node(op, {build.input(shape)}, std::move(attributes))}, rank);
}

Case parametric_relu(std::string name, const Shape& x, const Shape& slope) {
  Builder build(std::move(name));
  const std::string in = build.input(x);
  return build.finish({build.node("PRelu", {in, build.weight(slope)})}, x.size());
}

void add_activations(std::vector<Case>& cases) {
  for (const std::string_view op : {"Relu", "Sigmoid", "Tanh", "Exp", "Neg", "Abs", "Identity"})
    cases.push_back(unary(op, 4));
  cases.push_back(unary("LeakyRelu", 4, {{"alpha", .2F}}));
  cases.push_back(parametric_relu("PRelu per channel", {2, 3, 4, 5}, {3, 1, 1}));
  cases.push_back(parametric_relu("PRelu of a matrix", {4, 6}, {6}));
  cases.push_back(parametric_relu("PRelu with one slope", {2, 3, 4, 5}, {1}));
  {
    Builder build("Clip");
    const std::string x = build.input({2, 3, 4});
    cases.push_back(
        build.finish({build.node("Clip", {x, build.scalar(-.25F), build.scalar(.5F)})}, 3));
  }
  {
    Builder build("Clip without a lower end");
    const std::string x = build.input({2, 3, 4});
    cases.push_back(build.finish({build.node("Clip", {x, "", build.scalar(.5F)})}, 3));
  }
  {
    Builder build("Clip of opset 6", 9);
    const std::string x = build.input({2, 3, 4});
    cases.push_back(build.finish({build.node("Clip", {x}, {{"min", 0.F}, {"max", .6F}})}, 3));
  }
}

void add_softmax(std::vector<Case>& cases) {
  cases.push_back(unary("Softmax", 4, {{"axis", std::int64_t{1}}}));
  cases.push_back(unary("Softmax", 3, {{"axis", std::int64_t{-1}}}));
  cases.push_back(unary("Softmax", 2));
  // Before opset 13 everything from the axis on is one distribution, and the default axis is 1.
  cases.push_back(unary("Softmax", 4, {{"axis", std::int64_t{2}}}, 9));
  cases.push_back(unary("Softmax", 3, {}, 11));
  cases.back().may_be_refused = true;  // OpenVINO misreads it
  Builder build("Softmax of large numbers");
  const std::string x = build.input({3, 4});
  const std::string large = build.node("Mul", {x, build.scalar(500.F)});
  cases.push_back(build.finish({build.node("Softmax", {large}, {{"axis", std::int64_t{1}}})}, 2));
}

Case pooling(std::string name, std::string_view op, const Shape& x, Attributes attributes) {
  Builder build(std::move(name));
  return build.finish({build.node(op, {build.input(x)}, std::move(attributes))}, 4);
}

void add_pooling(std::vector<Case>& cases) {
  const std::pair<std::string, graph::Attribute> ceil{"ceil_mode", std::int64_t{1}};
  const std::pair<std::string, graph::Attribute> two{"strides", Ints{2, 2}};
  const std::pair<std::string, graph::Attribute> kernel2{"kernel_shape", Ints{2, 2}};
  const std::pair<std::string, graph::Attribute> kernel3{"kernel_shape", Ints{3, 3}};
  cases.push_back(pooling("MaxPool 2x2", "MaxPool", {1, 2, 6, 8}, {kernel2, two}));
  cases.push_back(pooling("MaxPool floor of 7x9", "MaxPool", {1, 2, 7, 9}, {kernel2, two}));
  cases.push_back(pooling("MaxPool ceil of 7x9", "MaxPool", {1, 2, 7, 9}, {kernel2, two, ceil}));
  cases.push_back(
      pooling("MaxPool 3x3 ceil of 8x8", "MaxPool", {2, 3, 8, 8}, {kernel3, two, ceil}));
  cases.push_back(
      pooling("MaxPool 3x3 ceil of 22x22", "MaxPool", {1, 2, 22, 22}, {kernel3, two, ceil}));
  cases.push_back(pooling("MaxPool with pads", "MaxPool", {1, 2, 7, 8},
                          {kernel3, two, {"pads", Ints{1, 1, 1, 1}}}));
  cases.push_back(pooling("AveragePool", "AveragePool", {1, 2, 6, 8}, {kernel2, two}));
  cases.push_back(pooling("AveragePool, pads not counted", "AveragePool", {1, 2, 7, 7},
                          {kernel3, two, {"pads", Ints{1, 1, 1, 1}}}));
  cases.push_back(
      pooling("AveragePool, pads counted", "AveragePool", {1, 2, 7, 7},
              {kernel3, two, {"pads", Ints{1, 1, 1, 1}}, {"count_include_pad", std::int64_t{1}}}));
  cases.push_back(pooling("GlobalAveragePool", "GlobalAveragePool", {2, 3, 5, 7}, {}));
}

Case resizing(const std::string& mode, const std::string& coordinates, const std::string& nearest,
              bool doubles) {
  Builder build("Resize " + mode + " " + coordinates + " " + nearest + (doubles ? " x 2" : ""));
  const std::string x = build.input({2, 3, 5, 6});
  const std::vector<float> scales =
      doubles ? std::vector{1.F, 1.F, 2.F, 2.F} : std::vector{1.F, 1.F, 1.75F, .6F};
  Attributes attributes = {{"mode", mode}, {"coordinate_transformation_mode", coordinates}};
  if (!nearest.empty()) attributes.emplace_back("nearest_mode", nearest);
  Case out = build.finish(
      {build.node("Resize", {x, "", build.weight({4}, scales)}, std::move(attributes))}, 4);
  // TensorFlow Lite has only some of them.
  const bool is_half = coordinates.ends_with("half_pixel") || coordinates == "align_corners";
  out.may_be_refused =
      !doubles || (mode == "nearest" && nearest != (is_half ? "round_prefer_ceil" : "floor"));
  return out;
}

void add_resizing(std::vector<Case>& cases) {
  for (const char* coordinates :
       {"asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"})
    for (const bool doubles : {false, true}) {
      for (const char* nearest : {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"})
        cases.push_back(resizing("nearest", coordinates, nearest, doubles));
      cases.push_back(resizing("linear", coordinates, "", doubles));
    }
  for (const char* mode : {"nearest", "linear"}) {
    Builder sized(std::string("Resize to sizes, ") + mode);
    const std::string x = sized.input({1, 2, 6, 5});
    cases.push_back(
        sized.finish({sized.node("Resize", {x, "", "", sized.ints({1, 2, 9, 3})},
                                 {{"mode", std::string(mode)},
                                  {"coordinate_transformation_mode", std::string("asymmetric")},
                                  {"nearest_mode", std::string("floor")}})},
                     4));
    for (const std::int64_t opset : {9, 10}) {
      Builder old((opset == 9 ? "Upsample, " : "Resize of operator set 10, ") + std::string(mode),
                  opset);
      const std::string y = old.input({1, 2, 4, 3});
      const std::string scales = old.weight({4}, {1, 1, 2, 3});
      cases.push_back(old.finish({old.node(opset == 9 ? "Upsample" : "Resize", {y, scales},
                                           {{"mode", std::string(mode)}})},
                                 4));
    }
  }
  {
    Builder build("Resize to what another value has");
    const std::string x = build.input({1, 2, 3, 4});
    const std::string y = build.input({1, 2, 6, 8});
    const std::string sizes = build.node("Shape", {y});
    const std::string larger =
        build.node("Resize", {x, "", "", sizes},
                   {{"mode", std::string("nearest")},
                    {"coordinate_transformation_mode", std::string("asymmetric")},
                    {"nearest_mode", std::string("floor")}});
    cases.push_back(build.finish({build.node("Add", {larger, y})}, 4));
  }
}

Case gemm(std::string name, const Shape& a, const Shape& b, const Shape& c, Attributes attributes) {
  Builder build(std::move(name));
  std::vector<std::string> inputs{build.input(a), build.weight(b)};
  if (!c.empty()) inputs.push_back(build.weight(c));
  return build.finish({build.node("Gemm", std::move(inputs), std::move(attributes))}, 2);
}

void add_products(std::vector<Case>& cases) {
  const std::int64_t yes = 1;
  cases.push_back(gemm("Gemm", {3, 4}, {4, 5}, {5}, {}));
  cases.push_back(gemm("Gemm transB", {3, 4}, {5, 4}, {5}, {{"transB", yes}}));
  cases.push_back(gemm("Gemm transA with alpha and beta", {4, 3}, {4, 5}, {3, 1},
                       {{"transA", yes}, {"alpha", .5F}, {"beta", 2.F}}));
  cases.push_back(gemm("Gemm without bias", {1, 4}, {4, 5}, {}, {}));
  Builder plain("MatMul");
  const std::string x = plain.input({3, 4});
  cases.push_back(plain.finish({plain.node("MatMul", {x, plain.weight({4, 2})})}, 2));
  Builder stacked("MatMul of stacked matrices");
  const std::string y = stacked.input({2, 3, 4});
  cases.push_back(stacked.finish({stacked.node("MatMul", {y, stacked.weight({4, 5})})}, 3));
}

Case broadcast(std::string_view op, const Shape& a, const Shape& b) {
  Builder build(std::string(op) + " of rank " + std::to_string(a.size()) + " and rank " +
                std::to_string(b.size()));
  const std::string x = build.input(a);
  // Away from zero, so that a quotient is no test of rounding.
  std::vector<float> values = noise(product(b), 77);
  for (float& value : values) value += value < 0 ? -1.F : 1.F;
  return build.finish({build.node(op, {x, build.weight(b, std::move(values))})}, a.size());
}

void add_arithmetic(std::vector<Case>& cases) {
  for (const std::string_view op : {"Add", "Sub", "Mul", "Div"}) {
    cases.push_back(broadcast(op, {2, 3, 4, 5}, {3, 1, 1}));
    cases.push_back(broadcast(op, {2, 3, 4, 5}, {}));
    cases.push_back(broadcast(op, {2, 3, 4}, {2, 3, 4}));
  }
  Builder sum("Add of two inputs");
  const std::string a = sum.input({2, 3, 4, 4});
  const std::string b = sum.input({2, 3, 4, 4});
  cases.push_back(sum.finish({sum.node("Add", {a, b})}, 4));
  Builder norm("BatchNormalization");
  const std::string x = norm.input({2, 3, 4, 5});
  cases.push_back(norm.finish({norm.node("BatchNormalization",
                                         {x, norm.weight({3}), norm.weight({3}), norm.weight({3}),
                                          norm.weight({3}, {.5F, 1.F, 2.F})},
                                         {{"epsilon", 1e-3F}})},
                              4));
  Builder mean("ReduceMean");
  const std::string y = mean.input({2, 3, 4, 5});
  cases.push_back(mean.finish(
      {mean.node("ReduceMean", {y}, {{"axes", Ints{2, 3}}, {"keepdims", std::int64_t{0}}})}, 2));
}

/// What formats without them have to make of other operators.
void add_composites(std::vector<Case>& cases) {
  for (const std::string_view op : {"ReduceL2", "ReduceMax", "ReduceSum"})
    for (const std::int64_t keeps : {0, 1}) {
      Builder build(std::string(op) + (keeps != 0 ? " of planes, kept" : " of planes"));
      const std::string x = build.input({2, 3, 4, 5});
      Attributes attributes = {{"keepdims", keeps}};
      std::vector<std::string> inputs = {x};
      if (op == "ReduceSum")  // from operator set 13 on
        inputs.push_back(build.ints({2, 3}));
      else
        attributes.emplace_back("axes", Ints{-1, 2});
      cases.push_back(build.finish({build.node(op, std::move(inputs), std::move(attributes))},
                                   keeps != 0 ? 4 : 2));
    }
  for (const std::int64_t p : {1, 2})
    cases.push_back(unary("LpNormalization", 2, {{"p", p}, {"axis", std::int64_t{1}}}));
  for (const std::string_view op : {"Max", "Min", "Sum"})
    for (const std::size_t count : {1U, 2U, 3U}) {
      Builder build(numbered(std::string(op) + " of ", count));
      std::vector<std::string> inputs;
      while (inputs.size() < count) inputs.push_back(build.input({2, 3, 4, 5}));
      cases.push_back(build.finish({build.node(op, std::move(inputs))}, 4));
    }
  // Division by a row's length, as PyTorch writes F.normalize.
  Builder build("ReduceL2, Clip, Expand, Div");
  const std::string x = build.input({2, 6});
  const std::string length =
      build.node("ReduceL2", {x}, {{"axes", Ints{1}}, {"keepdims", std::int64_t{1}}});
  const std::string bounded = build.node("Clip", {length, build.scalar(1e-12F)});
  const std::string wide = build.node("Expand", {bounded, build.node("Shape", {x})});
  cases.push_back(build.finish({build.node("Div", {x, wide})}, 2));
}

void add_shapes(std::vector<Case>& cases) {
  cases.push_back(unary("Transpose", 4, {{"perm", Ints{0, 3, 2, 1}}}));
  cases.push_back(unary("Transpose", 3));
  for (const std::int64_t axis : {0, 1, 2}) {
    Builder build(numbered("Flatten from axis ", static_cast<std::size_t>(axis)));
    cases.push_back(
        build.finish({build.node("Flatten", {build.input({2, 3, 4, 5})}, {{"axis", axis}})}, 2));
  }
  {
    Builder build("Reshape with 0 and -1");
    const std::string x = build.input({2, 3, 4, 5});
    cases.push_back(build.finish({build.node("Reshape", {x, build.ints({0, -1, 5})})}, 3));
  }
  {
    Builder build("Reshape that keeps a free batch");
    const std::string x = build.input({3, 2, 2, 2}, {-1, 2, 2, 2});
    const std::string shape = build.node("Shape", {x});
    const std::string batch = build.node("Gather", {shape, build.ints({0})});
    const std::string wanted =
        build.node("Concat", {batch, build.ints({-1})}, {{"axis", std::int64_t{0}}});
    cases.push_back(build.finish({build.node("Reshape", {x, wanted})}, 2));
  }
  {
    Builder build("Concat of channels");
    const std::string a = build.input({2, 3, 4, 4});
    const std::string b = build.input({2, 2, 4, 4});
    cases.push_back(build.finish({build.node("Concat", {a, b}, {{"axis", std::int64_t{1}}})}, 4));
  }
  {
    Builder build("Split into uneven parts");
    const std::string x = build.input({2, 5, 3});
    cases.push_back(build.finish(
        build.nodes("Split", {x, build.ints({2, 3})}, 2, {{"axis", std::int64_t{1}}}), 3));
  }
  {
    Builder build("Squeeze and Unsqueeze");
    const std::string x = build.input({2, 1, 3});
    const std::string flat = build.node("Squeeze", {x, build.ints({1})});
    cases.push_back(build.finish({build.node("Unsqueeze", {flat, build.ints({0})})}, 3));
  }
}

void add_selections(std::vector<Case>& cases) {
  {
    Builder build("Slice");
    const std::string x = build.input({2, 6, 7});
    cases.push_back(build.finish(
        {build.node("Slice", {x, build.ints({1, -4}), build.ints({5, -1}), build.ints({1, 2})})},
        3));
  }
  {
    Builder build("Slice with steps");
    const std::string x = build.input({2, 6, 7});
    cases.push_back(build.finish({build.node("Slice", {x, build.ints({0}), build.ints({7}),
                                                       build.ints({2}), build.ints({3})})},
                                 3));
  }
  {
    Builder build("Slice of opset 9 to the end", 9);
    const std::string x = build.input({1, 4, 4});
    cases.push_back(
        build.finish({build.node("Slice", {x},
                                 {{"axes", Ints{2}},
                                  {"starts", Ints{2}},
                                  {"ends", Ints{std::numeric_limits<std::int64_t>::max()}}})},
                     3));
  }
  {
    Builder build("Gather of channels");
    const std::string x = build.input({2, 4, 3});
    cases.push_back(build.finish(
        {build.node("Gather", {x, build.ints({3, 0, 1})}, {{"axis", std::int64_t{1}}})}, 3));
  }
  {
    Builder build("Pad");
    const std::string x = build.input({1, 2, 3, 4});
    cases.push_back(build.finish(
        {build.node("Pad", {x, build.ints({0, 0, 1, 2, 0, 0, 0, 1}), build.scalar(.5F)})}, 4));
  }
}

/// Weights of int8 with a scale for each channel along `axis`.
std::string small_weight(Builder& build, const Shape& shape, std::int64_t axis) {
  std::vector<std::int8_t> values;
  for (const float value : noise(product(shape), 5))
    values.push_back(static_cast<std::int8_t>(std::lround(value * 50) % 128));
  const std::int64_t channels = shape[static_cast<std::size_t>(axis)];
  std::vector<float> scales;
  for (std::int64_t c = 0; c < channels; ++c)
    scales.push_back(.01F + .001F * static_cast<float>(c));
  const std::string weight = build.small(shape, std::move(values));
  return build.node("DequantizeLinear",
                    {weight, build.weight({channels}, scales),
                     build.small({channels}, std::vector<std::int8_t>(scales.size()))},
                    {{"axis", axis}});
}

std::string there_and_back(Builder& build, const std::string& x, float scale, std::uint8_t zero) {
  const std::string step = build.scalar(scale);
  const std::string from = build.small<std::uint8_t>({}, {zero});
  const std::string q = build.node("QuantizeLinear", {x, step, from});
  return build.node("DequantizeLinear", {q, step, from});
}

void add_quantization(std::vector<Case>& cases) {
  {
    Builder build("QuantizeLinear and DequantizeLinear");
    const std::string x = build.input({2, 3, 4, 5});
    cases.push_back(build.finish({there_and_back(build, x, .0173F, 121)}, 4));
  }
  {
    Builder build("QuantizeLinear that saturates");
    const std::string x = build.input({2, 3, 4, 5});
    cases.push_back(build.finish({there_and_back(build, x, .0021F, 7)}, 4));
  }
  {
    Builder build("QuantizeLinear of channels");
    const std::string x = build.input({2, 3, 4, 5});
    const std::string scales = build.weight({3}, {.01F, .02F, .03F});
    const std::string zeros = build.small<std::int8_t>({3}, {0, 3, -7});
    const std::string q = build.node("QuantizeLinear", {x, scales, zeros});
    cases.push_back(build.finish({build.node("DequantizeLinear", {q, scales, zeros})}, 4));
  }
  {
    Builder build("Conv of int8 weights");
    const std::string x = there_and_back(build, build.input({1, 8, 9, 9}), .0173F, 121);
    cases.push_back(build.finish(
        {build.node("Conv", {x, small_weight(build, {16, 8, 3, 3}, 0), build.weight({16})})}, 4));
  }
  {
    Builder build("Conv depthwise of int8 weights");
    const std::string x = there_and_back(build, build.input({1, 16, 9, 9}), .0173F, 121);
    cases.push_back(
        build.finish({build.node("Conv", {x, small_weight(build, {16, 1, 3, 3}, 0)},
                                 {{"group", std::int64_t{16}}, {"pads", Ints{1, 1, 1, 1}}})},
                     4));
  }
  {
    Builder build("MatMul of int8 weights");
    const std::string x = there_and_back(build, build.input({3, 16}), .0173F, 121);
    cases.push_back(build.finish({build.node("MatMul", {x, small_weight(build, {16, 8}, 1)})}, 2));
  }
}

}  // namespace

std::vector<Case> operator_cases() {
  std::vector<Case> cases;
  add_convolutions(cases);
  add_transposed_convolutions(cases);
  add_activations(cases);
  add_softmax(cases);
  add_pooling(cases);
  add_resizing(cases);
  add_products(cases);
  add_arithmetic(cases);
  add_composites(cases);
  add_shapes(cases);
  add_selections(cases);
  add_quantization(cases);
  return cases;
}

Case small_network(std::int64_t batch) {
  Builder build("small network");
  const std::string x = build.input({batch, 3, 12, 12}, {-1, 3, 12, 12});
  const std::string first = build.node("Conv", {x, build.weight({8, 3, 3, 3}), build.weight({8})},
                                       {{"pads", Ints{1, 1, 1, 1}}});
  const std::string active = build.node("PRelu", {first, build.weight({8, 1, 1})});
  const std::string pooled = build.node(
      "MaxPool", {active},
      {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", std::int64_t{1}}});
  const std::string flat = build.node("Flatten", {pooled});
  return build.finish({build.node("Gemm", {flat, build.weight({288, 16}), build.weight({16})})}, 2);
}

}  // namespace visavis::runtime::conformance
