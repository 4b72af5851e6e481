// Resize in the reference engine: its memory is bounded, and what does not fit is refused.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {
namespace {

/// y = Resize(x [1, 1, 4, 4]) by these scales, in at most 1000 numbers.
Result<std::vector<Tensor>> resized(std::vector<float> scales) {
  const auto count = static_cast<std::int64_t>(scales.size());
  const graph::Graph graph{
      .name = "g",
      .inputs = {{.name = "x", .shape = {1, 1, 4, 4}}},
      .outputs = {{.name = "y", .shape = {-1, -1, -1, -1}}},
      .initializers = {{.name = "s", .shape = {count}, .values = std::move(scales)}},
      .nodes = {{.op = "Resize",
                 .name = {},
                 .inputs = {"x", "", "s"},
                 .outputs = {"y"},
                 .attributes = {{"mode", std::string("linear")}}}}};
  VISAVIS_TRY(onnx, graph::write_onnx(graph));
  VISAVIS_TRY(engine, find_engine("reference"));
  VISAVIS_TRY(model, engine->load(onnx, {.cache_dir = {}, .extra = {{"max_elements", "1000"}}}));
  VISAVIS_TRY(session, model->session());
  const std::vector<float> values(16, 1.F);
  const std::vector<std::int64_t> shape = {1, 1, 4, 4};
  const TensorView view{
      .type = ElementType::kFloat32, .shape = shape, .bytes = std::as_bytes(std::span(values))};
  return session->run({&view, 1});
}

TEST(ReferenceResize, BoundsItsMemory) {
  const auto fits = resized({1, 1, 4, 4});
  ASSERT_TRUE(fits) << fits.error().message;
  EXPECT_EQ((*fits)[0].shape, (std::vector<std::int64_t>{1, 1, 16, 16}));
  for (const float value : (*fits)[0].floats()) EXPECT_EQ(value, 1.F);
  // 64 × 64 are too many; so are 4000 rows on the way to 4000 × 0.
  EXPECT_EQ(resized({1, 1, 16, 16}).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(resized({1, 1, 1000, .25F}).error().code, ErrorCode::kResourceExhausted);
  const auto nothing = resized({1, 1, 1e8F, .1F});
  EXPECT_TRUE(!nothing || (*nothing)[0].bytes.empty());
}

TEST(ReferenceResize, RefusesScalesThatDoNotFit) {
  EXPECT_EQ(resized({1, 1, 2}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(resized({1, 1, 0, 2}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(resized({1, 1, 1e30F, 2}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis::runtime
