#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>

#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {
namespace {

class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  /// From [-1, 1).
  float next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return static_cast<float>(z >> 40) * 0x1p-23F - 1;
  }

 private:
  std::uint64_t state_;
};

/// Of all samples together, which are held at once.
constexpr std::size_t kMostNumbers = std::size_t{1} << 27U;

graph::Shape shape_of(const graph::ValueInfo& input, std::int64_t free_size) {
  graph::Shape shape = input.shape;
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    if (shape[axis] < 0) shape[axis] = axis == 0 ? 1 : free_size;
  return shape;
}

Result<void> check_size(const graph::Graph& graph, std::size_t samples, std::int64_t free_size) {
  std::size_t left = kMostNumbers / std::max<std::size_t>(samples, 1);
  for (const graph::ValueInfo& input : graph.inputs) {
    VISAVIS_TRY(count, graph::element_count(shape_of(input, free_size)));
    if (count > left)
      return fail(ErrorCode::kResourceExhausted,
                  std::to_string(samples) + " random inputs of this size have more than " +
                      std::to_string(kMostNumbers) + " numbers: ask with fewer or smaller ones");
    left -= count;
  }
  return {};
}

Result<runtime::Tensor> random_tensor(const graph::ValueInfo& input, SplitMix64& random,
                                      std::int64_t free_size) {
  if (input.type != graph::ElementType::kFloat32)
    return fail(ErrorCode::kUnsupported, "the input " + input.name + " is not of float32");
  graph::Shape shape = shape_of(input, free_size);
  VISAVIS_TRY(count, graph::element_count(shape));
  std::vector<float> values(count);
  for (float& value : values) value = random.next();
  return tensor_of(std::move(shape), values);
}

}  // namespace

runtime::Tensor tensor_of(graph::Shape shape, std::span<const float> values) {
  runtime::Tensor tensor{.shape = std::move(shape), .bytes = {}};
  const auto bytes = std::as_bytes(values);
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

Result<SampleSet> random_samples(const graph::Graph& graph, std::size_t count, std::uint64_t seed,
                                 std::int64_t free_size) {
  VISAVIS_CHECK(check_size(graph, count, free_size));
  SampleSet set{.kind = "random", .samples = {}};
  SplitMix64 random(seed);
  for (std::size_t i = 0; i < count; ++i) {
    Sample sample;
    for (const graph::ValueInfo& input : graph.inputs) {
      VISAVIS_TRY(tensor, random_tensor(input, random, free_size));
      sample.push_back(std::move(tensor));
    }
    set.samples.push_back(std::move(sample));
  }
  return set;
}

}  // namespace visavis::modelkit
