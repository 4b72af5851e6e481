#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>

#include "run.hpp"
#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {
namespace {

/// A file of a few bytes must not become one of gigabytes: 64 MB of floats.
constexpr std::size_t kMostFolded = std::size_t{1} << 24;

template <class T>
std::vector<T> copied(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Result<graph::Tensor> constant_of(const runtime::Tensor& tensor) {
  graph::Tensor constant{.name = {}, .shape = tensor.shape, .values = {}};
  if (tensor.type == runtime::ElementType::kFloat32) {
    constant.values = copied<float>(tensor.bytes);
  } else if (tensor.type == runtime::ElementType::kInt64) {
    constant.values = copied<std::int64_t>(tensor.bytes);
  } else {
    return fail(ErrorCode::kUnsupported, "a constant is neither of float32 nor of int64");
  }
  return constant;
}

Result<runtime::Tensor> input_of(const graph::Tensor& constant) {
  const auto* values = std::get_if<std::vector<float>>(&constant.values);
  if (values == nullptr) return fail(ErrorCode::kUnsupported, "an input is not of float32");
  return tensor_of(constant.shape, *values);
}

}  // namespace

graph::Evaluate evaluate_with(const runtime::Engine& engine) {
  return [&engine](const graph::Graph& graph,
                   std::span<const graph::Tensor> inputs) -> Result<std::vector<graph::Tensor>> {
    std::vector<std::pair<std::string, std::string>> limits;
    if (engine.name() == "reference")
      limits.emplace_back("max_elements", std::to_string(kMostFolded));
    VISAVIS_TRY(runner, Runner::make({.graph = &graph, .engine = &engine}, std::move(limits)));
    Sample sample;
    for (const graph::Tensor& input : inputs) {
      VISAVIS_TRY(tensor, input_of(input));
      sample.push_back(std::move(tensor));
    }
    VISAVIS_TRY(outputs, runner.run(sample));
    std::vector<graph::Tensor> constants;
    for (const runtime::Tensor& output : outputs) {
      VISAVIS_TRY(constant, constant_of(output));
      constants.push_back(std::move(constant));
    }
    return constants;
  };
}

graph::Graph simplify(graph::Graph graph, const runtime::Engine& engine) {
  graph = graph::remove_unused(std::move(graph));
  auto folded = graph::fold_constants(graph, evaluate_with(engine));
  return graph::fold_batch_norm(folded ? *std::move(folded) : std::move(graph));
}

}  // namespace visavis::modelkit
