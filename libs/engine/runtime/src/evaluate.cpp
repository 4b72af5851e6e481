#include "visavis/runtime/evaluate.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>

#include "visavis/runtime/engine.hpp"

namespace visavis::runtime {
namespace {

/// A file of a few bytes must not become one of gigabytes: 64 MB of floats.
constexpr std::size_t kMostFolded = std::size_t{1} << 24;

template <class T>
std::vector<T> copied(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Result<graph::Tensor> constant_of(const Tensor& tensor) {
  graph::Tensor constant{.name = {}, .shape = tensor.shape, .values = {}};
  if (tensor.type == ElementType::kFloat32) {
    constant.values = copied<float>(tensor.bytes);
  } else if (tensor.type == ElementType::kInt64) {
    constant.values = copied<std::int64_t>(tensor.bytes);
  } else {
    return fail(ErrorCode::kUnsupported, "a constant is neither of float32 nor of int64");
  }
  return constant;
}

Result<TensorView> view_of_constant(const graph::Tensor& constant) {
  const auto* values = std::get_if<std::vector<float>>(&constant.values);
  if (values == nullptr) return fail(ErrorCode::kUnsupported, "an input is not of float32");
  return view_of(*values, constant.shape);
}

}  // namespace

graph::Evaluate evaluate_with(const Engine& engine) {
  return [&engine](const graph::Graph& graph,
                   std::span<const graph::Tensor> inputs) -> Result<std::vector<graph::Tensor>> {
    LoadOptions options;
    if (engine.name() == "reference")
      options.extra.emplace_back("max_elements", std::to_string(kMostFolded));
    VISAVIS_TRY(onnx, graph::write_onnx(graph));
    VISAVIS_TRY(model, engine.load(onnx, options));
    VISAVIS_TRY(session, model->session());
    std::vector<TensorView> views;
    for (const graph::Tensor& input : inputs) {
      VISAVIS_TRY(view, view_of_constant(input));
      views.push_back(view);
    }
    VISAVIS_TRY(outputs, session->run(views));
    std::vector<graph::Tensor> constants;
    for (const Tensor& output : outputs) {
      VISAVIS_TRY(constant, constant_of(output));
      constants.push_back(std::move(constant));
    }
    return constants;
  };
}

}  // namespace visavis::runtime
