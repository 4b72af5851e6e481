/// Every operator that an exporter knows, in small networks: written, read again, and asked the
/// same as before. That reader and writer do not share a mistake is shown by
/// tests/golden/check_exports.py, with readers of other people.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/import/sizes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

namespace visavis::modelkit {
namespace {

using Shape = std::vector<std::int64_t>;
using Floats = std::vector<float>;
using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;

const runtime::Engine& reference() { return **runtime::find_engine("reference"); }

/// Writes a network down: each call gives the name of its value.
class Sketch {
 public:
  explicit Sketch(Shape input) {
    graph_.name = "sketch";
    graph_.opset = 14;  // the first with HardSwish
    graph_.inputs = {{.name = "x", .shape = std::move(input)}};
  }

  std::string op(const std::string& op, std::vector<std::string> inputs,
                 Attributes attributes = {}) {
    const std::string name = "v" + std::to_string(graph_.nodes.size());
    graph_.nodes.push_back({.op = op,
                            .name = name,
                            .inputs = std::move(inputs),
                            .outputs = {name},
                            .attributes = std::move(attributes)});
    return name;
  }
  /// As even as noise, from -1 to 1.
  std::string weights(Shape shape) {
    Floats values(*graph::element_count(shape));
    for (float& value : values) {
      state_ = 1664525U * state_ + 1013904223U;
      value = static_cast<float>(state_ >> 8U) / static_cast<float>(1U << 23U) - 1;
    }
    return floats(std::move(shape), std::move(values));
  }
  std::string floats(Shape shape, Floats values) {
    return constant(std::move(shape), std::move(values));
  }
  std::string ints(Shape values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return constant({count}, std::move(values));
  }
  /// x between low and 1.
  std::string positive(const std::string& x, float low) {
    return op("Clip", {x, floats({}, {low}), floats({}, {1})});
  }
  graph::Node& last() { return graph_.nodes.back(); }

  /// @param free_size  that all windows fit into
  graph::Graph done(const std::vector<std::string>& outputs, std::int64_t free_size = 12) {
    for (const std::string& output : outputs)
      graph_.outputs.push_back({.name = output, .shape = {}});
    const auto shapes = graph::infer_shapes(graph_, std::vector<Shape>{fixed(free_size)},
                                            runtime::evaluate_with(reference()));
    EXPECT_TRUE(shapes) << (shapes ? "" : shapes.error().message);
    for (graph::ValueInfo& output : graph_.outputs) {
      output.shape = shapes->at(output.name);
      if (graph_.inputs[0].shape[0] < 0) output.shape[0] = -1;
      if (graph_.inputs[0].shape.back() < 0 && output.shape.size() == 4)
        output.shape[2] = output.shape[3] = -1;
    }
    return graph_;
  }

 private:
  std::string constant(Shape shape, graph::Tensor::Values values) {
    const std::string name = "c" + std::to_string(graph_.initializers.size());
    graph_.initializers.push_back(
        {.name = name, .shape = std::move(shape), .values = std::move(values)});
    return name;
  }
  [[nodiscard]] Shape fixed(std::int64_t free_size) const {
    Shape shape = graph_.inputs[0].shape;
    for (std::int64_t& n : shape)
      if (n < 0) n = free_size;
    return shape;
  }

  graph::Graph graph_;
  std::uint32_t state_ = 7;
};

struct Case {
  std::string name;
  graph::Graph graph;
  std::int64_t size = 13;  ///< What stands for a free height and width.
};

/// The windows of Inception-ResNet-v1 (facenet-pytorch's models/inception_resnet_v1.py), with few
/// channels. The least height and width are 75.
Case inception_windows() {
  Sketch s({-1, 3, -1, -1});
  const auto conv = [&](const std::string& x, std::int64_t in, Shape kernel, std::int64_t stride,
                        const Shape& pads) {
    kernel.insert(kernel.begin(), {2, in});
    const auto y = s.op("Conv", {x, s.weights(std::move(kernel)), s.weights({2})},
                        {{"strides", Shape{stride, stride}}, {"pads", pads}});
    return s.op("Relu", {y});
  };
  const Shape none(4, 0);
  const auto half = [&](const std::string& x) { return conv(x, 2, {3, 3}, 2, none); };
  const auto pool = [&](const std::string& x) {
    return s.op("MaxPool", {x}, {{"kernel_shape", Shape{3, 3}}, {"strides", Shape{2, 2}}});
  };
  std::string x = conv("x", 3, {3, 3}, 2, none);
  x = conv(x, 2, {3, 3}, 1, none);
  x = conv(x, 2, {3, 3}, 1, {1, 1, 1, 1});
  x = conv(pool(x), 2, {3, 3}, 1, none);
  x = half(x);
  const auto mixed_6a = s.op("Concat", {half(x), pool(x)}, {{"axis", std::int64_t{1}}});
  x = conv(mixed_6a, 4, {1, 1}, 1, none);
  const auto wide = conv(conv(x, 2, {1, 7}, 1, {0, 3, 0, 3}), 2, {7, 1}, 1, {3, 0, 3, 0});
  x = s.op("Add", {x, wide});
  const auto mixed_7a = s.op("Concat", {half(x), pool(x)}, {{"axis", std::int64_t{1}}});
  const auto row = s.op("Flatten", {s.op("GlobalAveragePool", {mixed_7a})});
  return {.name = "inception-resnet-windows", .graph = s.done({row}, 80), .size = 112};
}

std::vector<Case> convolutions() {
  std::vector<Case> cases;
  Sketch s({-1, 4, 9, 8});
  const auto plain = s.op("Conv", {"x", s.weights({6, 4, 3, 3}), s.weights({6})},
                          {{"pads", Shape{1, 1, 1, 1}}, {"strides", Shape{2, 2}}});
  const auto grouped = s.op("Conv", {"x", s.weights({4, 1, 3, 2})},
                            {{"group", std::int64_t{4}}, {"dilations", Shape{2, 1}}});
  const auto after = s.op("Conv", {"x", s.weights({2, 4, 3, 3}), s.weights({2})},
                          {{"pads", Shape{0, 0, 1, 1}}, {"strides", Shape{2, 2}}});
  const auto before =
      s.op("Conv", {"x", s.weights({2, 4, 3, 3}), s.weights({2})}, {{"pads", Shape{2, 1, 0, 1}}});
  const auto same = s.op("Conv", {"x", s.weights({3, 4, 2, 4}), s.weights({3})},
                         {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Shape{1, 2}}});
  cases.push_back({"convolutions", s.done({plain, grouped, after, before, same})});
  Sketch any({-1, 3, -1, -1});
  const auto conv = any.op("Conv", {"x", any.weights({4, 3, 3, 3}), any.weights({4})});
  const auto slope = any.op("PRelu", {conv, any.weights({4, 1, 1})});
  const auto pool = any.op(
      "MaxPool", {slope},
      {{"kernel_shape", Shape{2, 2}}, {"strides", Shape{2, 2}}, {"ceil_mode", std::int64_t{1}}});
  const auto two = any.op("Conv", {pool, any.weights({2, 4, 1, 1}), any.weights({2})});
  const auto prob = any.op("Softmax", {two}, {{"axis", std::int64_t{1}}});
  cases.push_back({"of-any-size", any.done({prob, two})});
  // What comes out is not of any size: Caffe gets one size alone.
  Sketch end({-1, 3, -1, -1});
  const auto map = end.op("Conv", {"x", end.weights({4, 3, 3, 3}), end.weights({4})});
  const auto half =
      end.op("MaxPool", {map}, {{"kernel_shape", Shape{3, 3}}, {"strides", Shape{2, 2}}});
  const auto mean = end.op("GlobalAveragePool", {half});
  const auto row = end.op("Flatten", {mean});
  cases.push_back({.name = "embedding", .graph = end.done({row}), .size = 160});
  cases.push_back(inception_windows());
  return cases;
}

std::vector<Case> poolings() {
  std::vector<Case> cases;
  Sketch s({-1, 2, 8, 7});
  const auto pool = [&](const char* op, Shape kernel, Shape strides, Shape pads,
                        std::int64_t ceil = 0, std::int64_t counts = 0) {
    Attributes attributes = {
        {"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}, {"ceil_mode", ceil}};
    if (std::string_view(op) == "AveragePool") attributes.emplace_back("count_include_pad", counts);
    return s.op(op, {"x"}, attributes);
  };
  std::vector<std::string> outputs = {
      pool("MaxPool", {3, 3}, {2, 2}, {0, 0, 0, 0}),
      pool("MaxPool", {3, 3}, {2, 2}, {0, 0, 0, 0}, 1),
      pool("MaxPool", {3, 2}, {2, 1}, {0, 0, 1, 1}),
      pool("MaxPool", {3, 3}, {2, 2}, {1, 1, 1, 1}),
      pool("AveragePool", {2, 2}, {2, 2}, {0, 0, 0, 0}),
      pool("AveragePool", {3, 3}, {2, 2}, {1, 1, 1, 1}),
      pool("AveragePool", {3, 3}, {1, 1}, {1, 1, 1, 1}, 0, 1),
      pool("AveragePool", {3, 3}, {2, 2}, {0, 0, 1, 1}),
      s.op("GlobalAveragePool", {"x"}),
      s.op("GlobalMaxPool", {"x"}),
      s.op("ReduceMean", {"x"}, {{"axes", Shape{2, 3}}, {"keepdims", std::int64_t{0}}}),
  };
  cases.push_back({"poolings", s.done(outputs)});
  Sketch p({-1, 3, 4, 5});
  const auto ring = p.op("Pad", {"x", p.ints({0, 0, 1, 0, 0, 0, 0, 2})});
  const auto channels = p.op("Pad", {"x", p.ints({0, 1, 0, 0, 0, 2, 0, 0})});
  const auto all = p.op("Pad", {"x", p.ints({0, 0, 1, 1, 0, 1, 1, 1})});
  cases.push_back({"paddings", p.done({ring, channels, all})});
  return cases;
}

Case arithmetic() {
  Sketch s({-1, 4, 3, 5});
  const auto other = s.op("Sigmoid", {"x"});
  const auto scalar = s.floats({1}, {.75F});
  const auto channel = s.weights({4, 1, 1});
  const auto map = s.weights({1, 4, 3, 5});
  const auto row = s.floats({3, 1}, {.5F, 2, -3});
  std::vector<std::string> out = {s.op("Add", {"x", other}), s.op("Sub", {"x", other}),
                                  s.op("Mul", {"x", other}), s.op("Div", {"x", other}),
                                  s.op("Max", {"x", other})};
  for (const auto& c : {scalar, channel, map, row})
    for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
      out.push_back(s.op(op, {"x", c}));
      out.push_back(s.op(op, {c, std::string(op) == "Div" ? other : "x"}));
    }
  out.push_back(s.op("Max", {"x", scalar}));
  out.push_back(s.op("Pow", {other, scalar}));
  return {"arithmetic", s.done(out)};
}

Case functions() {
  Sketch s({-1, 4, 3, 5});
  const auto above = s.positive("x", .125F);
  std::vector<std::string> out = {
      above,
      s.op("Relu", {"x"}),
      s.op("LeakyRelu", {"x"}, {{"alpha", .2F}}),
      s.op("Sigmoid", {"x"}),
      s.op("Tanh", {"x"}),
      s.op("Abs", {"x"}),
      s.op("Neg", {"x"}),
      s.op("Elu", {"x"}, {{"alpha", .5F}}),
      s.op("Exp", {"x"}),
      s.op("Log", {above}),
      s.op("Sqrt", {above}),
      s.op("HardSigmoid", {"x"}, {{"alpha", .7F}, {"beta", .4F}}),
      s.op("HardSwish", {"x"}),
      s.op("Clip", {"x", "", s.floats({}, {.25F})}),
      s.op("PRelu", {"x", s.weights({4, 1, 1})}),
      s.op("PRelu", {"x", s.floats({1}, {.25F})}),
      s.op("Softmax", {"x"}, {{"axis", std::int64_t{1}}}),
      s.op("Softmax", {"x"}, {{"axis", std::int64_t{3}}}),
      s.op("BatchNormalization",
           {"x", s.weights({4}), s.weights({4}), s.weights({4}), s.floats({4}, {.5F, 1, 2, .01F})},
           {{"epsilon", 1e-3F}}),
  };
  return {"functions", s.done(out)};
}

std::vector<Case> shapes() {
  std::vector<Case> cases;
  Sketch s({-1, 4, 3, 5});
  const auto other = s.op("Relu", {"x"});
  const auto turned = s.op("Transpose", {"x"}, {{"perm", Shape{0, 2, 3, 1}}});
  std::vector<std::string> out = {
      s.op("Concat", {"x", other}, {{"axis", std::int64_t{1}}}),
      s.op("Concat", {"x", other, "x"}, {{"axis", std::int64_t{2}}}),
      turned,
      s.op("Flatten", {turned}),
      s.op("Reshape", {"x", s.ints({0, 6, -1})}),
      s.op("Slice", {"x", s.ints({1, 1}), s.ints({3, -1}), s.ints({1, 3})}),
      s.op("Slice", {"x", s.ints({2}), s.ints({99}), s.ints({2})}),
  };
  const auto narrow = s.op("Slice", {"x", s.ints({1}), s.ints({2}), s.ints({2})});
  out.push_back(s.op("Squeeze", {narrow, s.ints({2})}));
  out.push_back(s.op("Unsqueeze", {out.back(), s.ints({1})}));
  cases.push_back({"shapes", s.done(out)});
  Sketch p({-1, 6, 2, 2});
  p.op("Split", {"x", p.ints({1, 3, 2})}, {{"axis", std::int64_t{1}}});
  p.last().outputs = {"a", "b", "c"};
  cases.push_back({"parts", p.done({"c", "a"})});
  return cases;
}

std::vector<Case> products() {
  std::vector<Case> cases;
  Sketch s({-1, 3, 2, 2});
  const auto rows = s.op("Flatten", {"x"});
  const auto gemm = s.op("Gemm", {rows, s.weights({5, 12}), s.weights({5})},
                         {{"transB", std::int64_t{1}}, {"alpha", .5F}, {"beta", 2.F}});
  const auto other = s.op("Gemm", {rows, s.weights({12, 4}), s.weights({1, 4})});
  const auto product = s.op("MatMul", {gemm, s.weights({5, 8})});
  const auto slope = s.op("PRelu", {product, s.weights({8})});
  const auto bias = s.op("Add", {slope, s.weights({8})});
  // x / max(|x|, 1e-12), as an embedding ends.
  const auto squares = s.op("Mul", {bias, bias});
  const auto mean =
      s.op("ReduceMean", {squares}, {{"axes", Shape{1}}, {"keepdims", std::int64_t{1}}});
  const auto sum = s.op("Mul", {mean, s.floats({1}, {8})});
  const auto length = s.op("Sqrt", {sum});
  const auto bounded = s.op("Clip", {length, s.floats({}, {1e-12F})});
  const auto unit = s.op("Div", {bias, bounded});
  const auto prob = s.op("Softmax", {other}, {{"axis", std::int64_t{1}}});
  cases.push_back({"products", s.done({unit, gemm, prob})});
  return cases;
}

/// Operators that are made of others first.
std::vector<Case> compositions() {
  const Attributes over_channels = {{"axes", Shape{1}}, {"keepdims", std::int64_t{1}}};
  const Attributes dropped = {{"axes", Shape{2, 3}}, {"keepdims", std::int64_t{0}}};
  std::vector<Case> cases;
  Sketch s({-1, 3, 4, 5});
  const auto rows = s.op("Flatten", {"x"});
  // x / max(|x|, 1e-12) as PyTorch writes it.
  const auto length = s.op("ReduceL2", {rows}, over_channels);
  const auto bounded = s.op("Clip", {length, s.floats({}, {1e-12F})});
  const auto shape = s.op("Shape", {rows});
  const auto unit = s.op("Div", {rows, s.op("Expand", {bounded, shape})});
  cases.push_back({"lengths", s.done({unit, s.op("ReduceL2", {"x"}, dropped)})});
  Sketch n({-1, 3, 4, 5});
  const auto row = n.op("Flatten", {"x"});
  const auto one =
      n.op("LpNormalization", {row}, {{"axis", std::int64_t{1}}, {"p", std::int64_t{1}}});
  cases.push_back({"normalizations", n.done({one, n.op("LpNormalization", {row})})});
  Sketch t({-1, 3, 4, 5});
  const auto relu = t.op("Relu", {"x"});
  const auto half = t.op("Mul", {"x", t.floats({1}, {.5F})});
  const auto sum = t.op("Sum", {"x", relu, half});
  const auto most = t.op("Max", {half, relu, sum});
  cases.push_back({"several", t.done({sum, most, t.op("ReduceMax", {most}, dropped),
                                      t.op("ReduceSum", {sum, t.ints({2, 3})})})});
  return cases;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  const auto add = [&](std::vector<Case> more) {
    for (Case& each : more) cases.push_back(std::move(each));
  };
  add(convolutions());
  add(poolings());
  cases.push_back(arithmetic());
  cases.push_back(functions());
  add(shapes());
  add(products());
  add(compositions());
  return cases;
}

constexpr Limits kLimits = {.max_abs = 2e-5, .min_cosine = .999999};

/// For check_exports.py, in the folder $VISAVIS_KEEP_EXPORTS.
void keep(const std::vector<Part>& parts, const graph::Graph& graph, const std::string& stem) {
  const char* folder = std::getenv("VISAVIS_KEEP_EXPORTS");
  if (folder == nullptr) return;
  const std::filesystem::path place(folder);
  ASSERT_TRUE(write_file(place / (stem + ".onnx"), *graph::write_onnx(graph)));
  for (const Part& part : parts) ASSERT_TRUE(write_file(place / part.name, part.bytes));
}

Result<Comparison> there_and_back(const Exporter& exporter, const Case& asked) {
  const graph::Graph& graph = asked.graph;
  VISAVIS_TRY(written, export_network(exporter, graph, asked.name, asked.size));
  const std::vector<Part>& parts = written.parts;
  keep(parts, graph, asked.name);
  VISAVIS_TRY(inside, inspect(parts));
  VISAVIS_TRY(onnx, import_parts(inside.importer, parts));
  VISAVIS_TRY(again, graph::read_onnx(onnx));
  VISAVIS_TRY(samples, random_samples(graph, 3, 1, asked.size));
  return compare({.graph = &graph, .engine = &reference()},
                 {.graph = &again, .engine = &reference()}, std::vector{samples}, kLimits);
}

class RoundTrip : public ::testing::TestWithParam<const char*> {};
/// TensorFlow Lite has both operators.
class Refusal : public ::testing::TestWithParam<const char*> {};

TEST_P(RoundTrip, GivesTheSameNetwork) {
  const Exporter* exporter = exporter_for(std::string("net") + GetParam());
  ASSERT_NE(exporter, nullptr);
  for (const Case& each : all_cases()) {
    const auto comparison = there_and_back(*exporter, each);
    ASSERT_TRUE(comparison) << each.name << ": " << comparison.error().message;
    EXPECT_TRUE(comparison->equivalent) << each.name;
    for (const Judgement& judgement : comparison->judgements)
      for (const Difference& output : judgement.outputs)
        EXPECT_TRUE(output.within(kLimits))
            << each.name << " " << output.source << " " << output.max_abs;
  }
}

TEST_P(RoundTrip, TakesMinimaWhereTheFormatHasThem) {
  const Exporter* exporter = exporter_for(std::string("net") + GetParam());
  ASSERT_NE(exporter, nullptr);
  Sketch s({-1, 4, 3, 5});
  const auto half = s.op("Mul", {"x", s.floats({1}, {.5F})});
  const auto relu = s.op("Relu", {"x"});
  const auto two = s.op("Min", {"x", half});
  const Case asked = {"minima", s.done({two, s.op("Min", {half, relu, "x"})})};
  const auto comparison = there_and_back(*exporter, asked);
  if (GetParam() == std::string_view(".prototxt")) {
    ASSERT_FALSE(comparison);
    EXPECT_NE(comparison.error().message.find("Min"), std::string::npos);
    return;
  }
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_TRUE(comparison->equivalent);
}

/// What TensorFlow's formats have and the others have not: products of two computed stacks of
/// matrices, distributions over samples, rows that are parts of samples, channels at other places.
class Stacks : public ::testing::TestWithParam<const char*> {};

TEST_P(Stacks, ComeBackTheSame) {
  const Exporter* exporter = exporter_for(std::string("net") + GetParam());
  ASSERT_NE(exporter, nullptr);
  Sketch s({-1, 3, 4, 5});
  const auto flat = s.op("Reshape", {"x", s.ints({0, 3, 20})});
  const auto turned = s.op("Transpose", {flat}, {{"perm", Shape{0, 2, 1}}});
  const auto product = s.op("MatMul", {flat, turned});
  const auto dense = s.op("MatMul", {flat, s.weights({20, 2})});
  const auto first = s.op("Softmax", {"x"}, {{"axis", std::int64_t{0}}});
  const auto places = s.op("Gather", {"x", s.ints({2, 0, 2, 1})}, {{"axis", std::int64_t{1}}});
  const Case asked = {"stacks", s.done({product, dense, first, places})};
  const auto comparison = there_and_back(*exporter, asked);
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_TRUE(comparison->equivalent);
}

INSTANTIATE_TEST_SUITE_P(Formats, Stacks, ::testing::Values(".savedmodel", ".pb", ".tflite"));

TEST_P(Refusal, NamesAllThatTheFormatDoesNotHave) {
  Sketch s({-1, 3, 4, 4});
  const auto a = s.op("QuantizeLinear", {"x", s.floats({}, {1})});
  const auto b = s.op("Gather", {"x", s.ints({0})}, {{"axis", std::int64_t{1}}});
  graph::Graph graph = s.done({b});
  graph.outputs.push_back({.name = a, .shape = {}});
  const auto parts = exporter_for(std::string("net") + GetParam())->run(graph, "net");
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(parts.error().message.find("QuantizeLinear"), std::string::npos)
      << parts.error().message;
  const std::string_view format = GetParam();
  if (format != ".pb" && format != ".savedmodel") {
    EXPECT_NE(parts.error().message.find("Gather"), std::string::npos) << parts.error().message;
  }
}

/// A network for any size from 75 stays one in formats that can say so; Caffe's gets one size.
class AnySize : public ::testing::TestWithParam<const char*> {};

TEST_P(AnySize, IsKeptWhereTheFormatCan) {
  const Exporter* exporter = exporter_for(std::string("net") + GetParam());
  ASSERT_NE(exporter, nullptr);
  const Case windows = inception_windows();
  const auto written = export_network(*exporter, windows.graph, "net", 112);
  ASSERT_TRUE(written) << written.error().message;
  const bool fixed = GetParam() == std::string_view(".prototxt");
  EXPECT_EQ(written->fixed_size, fixed ? std::optional<std::int64_t>(112) : std::nullopt);
  const auto inside = inspect(written->parts);
  ASSERT_TRUE(inside);
  const auto onnx = import_parts(inside->importer, written->parts);
  ASSERT_TRUE(onnx) << onnx.error().message;
  const auto again = graph::read_onnx(*onnx);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->inputs[0].shape[2], fixed ? 112 : -1);
  if (fixed) return;
  for (const std::int64_t size : {75, 160, 181}) {
    const auto samples = random_samples(windows.graph, 1, 2, size);
    ASSERT_TRUE(samples);
    const auto comparison =
        compare({.graph = &windows.graph, .engine = &reference()},
                {.graph = &*again, .engine = &reference()}, std::vector{*samples}, kLimits);
    ASSERT_TRUE(comparison) << size << ": " << comparison.error().message;
    EXPECT_TRUE(comparison->equivalent) << size;
  }
}

TEST(Sizes, FitTheWindows) {
  const graph::Graph windows = inception_windows().graph;
  const auto evaluate = runtime::evaluate_with(reference());
  EXPECT_EQ(fitting_size(windows, 75, evaluate), 75);
  EXPECT_EQ(fitting_size(windows, 74, evaluate), 112);
  EXPECT_EQ(fitting_size(windows, 160, evaluate), 160);
  const auto fixed = fix_sizes(windows, 80, evaluate);
  ASSERT_TRUE(fixed);
  EXPECT_EQ(fixed->inputs[0].shape, (Shape{-1, 3, 80, 80}));
  EXPECT_FALSE(has_free_sizes(*fixed));
  EXPECT_TRUE(has_free_sizes(windows));
  const auto small = fix_sizes(windows, 74, evaluate);
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, ErrorCode::kInvalidArgument);
}

TEST_P(RoundTrip, TheSameGraphGivesTheSameBytes) {
  const Exporter* exporter = exporter_for(std::string("net") + GetParam());
  const graph::Graph graph = functions().graph;
  const auto once = exporter->run(graph, "net");
  const auto twice = exporter->run(graph, "net");
  ASSERT_TRUE(once && twice);
  for (std::size_t i = 0; i < once->size(); ++i) EXPECT_EQ((*once)[i].bytes, (*twice)[i].bytes);
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip,
                         ::testing::Values(".prototxt", ".mlmodel", ".savedmodel", ".pb",
                                           ".tflite"));
INSTANTIATE_TEST_SUITE_P(Formats, Refusal,
                         ::testing::Values(".prototxt", ".mlmodel", ".savedmodel", ".pb"));
INSTANTIATE_TEST_SUITE_P(Formats, AnySize,
                         ::testing::Values(".prototxt", ".mlmodel", ".savedmodel", ".pb",
                                           ".tflite"));

}  // namespace
}  // namespace visavis::modelkit
