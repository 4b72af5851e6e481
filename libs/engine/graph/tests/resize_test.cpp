// Resize and Upsample: places by hand from the formulas of the operator specification, shapes, and
// batches that become free. What an engine makes of them is compared with ONNX Runtime elsewhere.
#include "visavis/graph/resize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "visavis/graph/channels_last.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

Node node(std::string op, std::vector<std::string> inputs, Attributes attributes = {}) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {"y"},
          .attributes = std::move(attributes)};
}

Node resize(const std::string& mode, const std::string& coordinates,
            const std::string& nearest = "round_prefer_floor") {
  return node(
      "Resize", {"x", "", "s"},
      {{"mode", mode}, {"coordinate_transformation_mode", coordinates}, {"nearest_mode", nearest}});
}

/// Where each place of a row lies in the row before.
Floats places(const Node& given, std::int64_t in, float scale, std::int64_t opset = 13) {
  const auto how = resizing_of(given, opset, {in}, Floats{scale}, {});
  if (!how) return {};
  Floats out;
  for (std::int64_t at = 0; at < how->axes[0].out; ++at) {
    const ResizeTap tap = how->tap(how->axes[0], at);
    out.push_back(static_cast<float>(tap.first) + tap.weight);
  }
  return out;
}

TEST(Resize, PlacesLieWhereTheFormulasSay) {
  EXPECT_THAT(places(resize("linear", "half_pixel"), 2, 2), ElementsAre(0, .25F, .75F, 1));
  EXPECT_THAT(places(resize("linear", "asymmetric"), 2, 2), ElementsAre(0, .5F, 1, 1));
  EXPECT_THAT(places(resize("linear", "align_corners"), 3, 5 / 3.F),
              ElementsAre(0, .5F, 1, 1.5F, 2));
  // One place is the middle, or the first.
  EXPECT_THAT(places(resize("linear", "half_pixel"), 4, .25F), ElementsAre(1.5F));
  EXPECT_THAT(places(resize("linear", "pytorch_half_pixel"), 4, .25F), ElementsAre(0));
}

TEST(Resize, TheNearestIsRoundedAsAskedFor) {
  // (x + .5) / 2 - .5: -.25, .25, .75, 1.25, 1.75, 2.25
  EXPECT_THAT(places(resize("nearest", "half_pixel", "floor"), 3, 2),
              ElementsAre(0, 0, 0, 1, 1, 2));
  EXPECT_THAT(places(resize("nearest", "half_pixel", "ceil"), 3, 2), ElementsAre(0, 1, 1, 2, 2, 2));
  EXPECT_THAT(places(resize("nearest", "half_pixel"), 3, 2), ElementsAre(0, 0, 1, 1, 2, 2));
  // x / 2: 0, .5, 1, 1.5, 2, 2.5
  EXPECT_THAT(places(resize("nearest", "asymmetric", "floor"), 3, 2),
              ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(places(resize("nearest", "asymmetric"), 3, 2), ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(places(resize("nearest", "asymmetric", "round_prefer_ceil"), 3, 2),
              ElementsAre(0, 1, 1, 2, 2, 2));
  // (x + .5) / 2
  EXPECT_THAT(places(resize("nearest", "tf_half_pixel_for_nn", "floor"), 3, 2),
              ElementsAre(0, 0, 1, 1, 2, 2));
  const Node old = node("Resize", {"x", "s"});
  EXPECT_THAT(places(old, 3, 2, 10), ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(places(old, 5, .6F, 10), ElementsAre(0, 2, 4));  // 0, 1.67, 3.33, upwards
}

TEST(Resize, SizesComeFromScalesOrFromTheFile) {
  const Node given = resize("nearest", "asymmetric");
  const Shape x = {1, 3, 5, 6};
  const auto scaled = resizing_of(given, 13, x, Floats{1, 1, 1.75F, .6F}, {});
  ASSERT_TRUE(scaled) << scaled.error().message;
  EXPECT_THAT(scaled->shape(), ElementsAre(1, 3, 8, 3));
  const auto sized = resizing_of(given, 13, x, {}, Ints{1, 3, 10, 9});
  ASSERT_TRUE(sized) << sized.error().message;
  EXPECT_EQ(sized->axes[3].scale, 1.5F);
  Node some = given;
  some.attributes.emplace_back("axes", Ints{-1, 2});
  const auto two = resizing_of(some, 18, x, Floats{2, 3}, {});
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_THAT(two->shape(), ElementsAre(1, 3, 15, 12));
}

TEST(Resize, RefusesWhatItDoesNotKnowAndWhatMakesNoSense) {
  const Shape x = {1, 3, 5, 6};
  const Floats twice = {1, 1, 2, 2};
  const auto code = [&](const Node& given, const Floats& scales, const Ints& sizes,
                        std::int64_t opset = 13) {
    const auto how = resizing_of(given, opset, x, scales, sizes);
    return how ? ErrorCode::kInternal : how.error().code;
  };
  const Node plain = resize("nearest", "asymmetric");
  EXPECT_EQ(code(plain, twice, {}), ErrorCode::kInternal);  // which is well
  EXPECT_EQ(code(resize("cubic", "half_pixel"), twice, {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(resize("linear", "tf_crop_and_resize"), twice, {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(resize("nearest", "asymmetric", "up"), twice, {}), ErrorCode::kUnsupported);
  for (const Attributes& more :
       {Attributes{{"antialias", std::int64_t{1}}},
        Attributes{{"keep_aspect_ratio_policy", std::string("not_larger")}}}) {
    Node other = plain;
    other.attributes.insert(other.attributes.end(), more.begin(), more.end());
    EXPECT_EQ(code(other, twice, {}, 19), ErrorCode::kUnsupported);
  }
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  for (const Floats& scales : {Floats{}, Floats{2, 2}, Floats{1, 1, 0, 2}, Floats{1, 1, -2, 2},
                               Floats{1, 1, kNone, 2}, Floats{1, 1, 1e30F, 2}})
    EXPECT_EQ(code(plain, scales, {}), ErrorCode::kInvalidArgument);
  for (const Ints& sizes :
       {Ints{5}, Ints{1, 3, -1, 5}, Ints{1, 3, std::numeric_limits<std::int64_t>::max(), 5}})
    EXPECT_EQ(code(plain, {}, sizes), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(plain, twice, {1, 3, 10, 12}), ErrorCode::kInvalidArgument);
  for (const Ints& axes : {Ints{0, 0, 1, 2}, Ints{0, 1, 2, 4}}) {
    Node other = plain;
    other.attributes.emplace_back("axes", axes);
    EXPECT_EQ(code(other, twice, {}, 18), ErrorCode::kInvalidArgument);
  }
}

Graph graph_of(Node made, std::vector<Tensor> constants, std::int64_t opset = 13) {
  return {.name = {},
          .opset = opset,
          .inputs = {{.name = "x", .shape = {1, 2, 3, 4}}},
          .outputs = {{.name = "y", .shape = {1, 2, -1, -1}}},
          .initializers = std::move(constants),
          .nodes = {std::move(made)}};
}

Tensor scales_of(Floats values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {.name = "s", .shape = {count}, .values = std::move(values)};
}
Tensor sizes_of(Ints values) { return {.name = "s", .shape = {4}, .values = std::move(values)}; }

Result<std::vector<Tensor>> never(const Graph& /*graph*/, std::span<const Tensor> /*inputs*/) {
  return fail(ErrorCode::kInternal, "nothing is to be computed here");
}

TEST(Resize, ItsShapeIsInferred) {
  const Shape x = {2, 2, 3, 4};
  const auto shape = [&](const Graph& graph) -> Shape {
    const auto shapes = infer_shapes(graph, {&x, 1}, never);
    return shapes ? shapes->at("y") : Shape{};
  };
  EXPECT_THAT(shape(graph_of(resize("linear", "half_pixel"), {scales_of({1, 1, 2, 1.5F})})),
              ElementsAre(2, 2, 6, 6));
  EXPECT_THAT(shape(graph_of(node("Resize", {"x", "", "", "s"}), {sizes_of({2, 2, 5, 7})})),
              ElementsAre(2, 2, 5, 7));
  EXPECT_THAT(shape(graph_of(node("Upsample", {"x", "s"}), {scales_of({1, 1, 2, 3})}, 9)),
              ElementsAre(2, 2, 6, 12));
  EXPECT_THAT(shape(graph_of(node("Upsample", {"x"}, {{"scales", Floats{1, 1, 2, 3}}}), {}, 8)),
              ElementsAre(2, 2, 6, 12));
}

TEST(Resize, SamplesStayApartUnlessTheirNumberIsScaledOrFixed) {
  const Node scaled = resize("linear", "half_pixel");
  const auto freed = free_batch(graph_of(scaled, {scales_of({1, 1, 2, 2})}));
  ASSERT_TRUE(freed) << freed.error().message;
  EXPECT_EQ(freed->outputs[0].shape[0], -1);
  EXPECT_FALSE(free_batch(graph_of(scaled, {scales_of({2, 1, 2, 2})})));
  EXPECT_FALSE(free_batch(graph_of(node("Resize", {"x", "", "", "s"}), {sizes_of({1, 2, 6, 8})})));
  Node some = scaled;
  some.attributes.emplace_back("axes", Ints{2, 3});
  EXPECT_TRUE(free_batch(graph_of(some, {scales_of({2, 2})}, 18)));
  some.attributes.back().second = Ints{0, 3};
  EXPECT_FALSE(free_batch(graph_of(some, {scales_of({1, 2})}, 18)));
}

TEST(Resize, TensorflowHasSomeOfIt) {
  const Shape x = {1, 2, 3, 4};
  const auto lowered = [&](const Node& given, const Floats& scales) {
    return to_channels_last(graph_of(given, {scales_of(scales)}), {&x, 1},
                            PictureOrder::kChannelsLast, never);
  };
  const auto flag = [](const Result<ChannelsLast>& made, const char* name) {
    return made ? made->graph.nodes.back().get_or<std::int64_t>(name, 7) : 9;
  };
  const auto nearest = lowered(resize("nearest", "asymmetric", "floor"), {1, 1, 2, 2});
  ASSERT_TRUE(nearest) << nearest.error().message;
  EXPECT_EQ(nearest->graph.nodes.back().op, "ResizeNearest");
  EXPECT_EQ(flag(nearest, "half_pixel_centers"), 0);
  // By default ONNX rounds halves down, of which there are none here.
  EXPECT_EQ(flag(lowered(resize("nearest", "half_pixel"), {1, 1, 2, 2}), "half_pixel_centers"), 0);
  const auto linear = lowered(resize("linear", "pytorch_half_pixel"), {1, 1, 2, 2});
  ASSERT_TRUE(linear) << linear.error().message;
  EXPECT_EQ(linear->graph.nodes.back().op, "ResizeBilinear");
  EXPECT_EQ(flag(linear, "half_pixel_centers"), 1);
  EXPECT_EQ(flag(lowered(resize("linear", "align_corners"), {1, 1, 2, 2}), "align_corners"), 1);
  for (const auto& refused : {lowered(resize("nearest", "half_pixel", "ceil"), {1, 1, 2, 2}),
                              // 3 times 1.5 is 4, and TensorFlow would take 4 / 3.
                              lowered(resize("linear", "half_pixel"), {1, 1, 1.5F, 2}),
                              lowered(resize("linear", "half_pixel"), {1, 2, 2, 2})}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(refused.error().message, HasSubstr("Resize"));
  }
}

}  // namespace
}  // namespace visavis::graph
