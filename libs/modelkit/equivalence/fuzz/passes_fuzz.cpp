// Bytes as an ONNX model: what the passes make of it is a valid graph, shapes that are inferred are
// those that come out when it runs, and a graph that is composed of other operators runs, too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

namespace {

using visavis::graph::Graph;
using visavis::graph::Tensor;

/// Zeros; free dimensions become 2. None if they are too many to be worth the time.
std::optional<std::vector<Tensor>> inputs_of(const Graph& graph) {
  std::vector<Tensor> inputs;
  for (const auto& info : graph.inputs) {
    Tensor tensor{.name = info.name, .shape = info.shape, .values = {}};
    for (auto& n : tensor.shape)
      if (n < 0) n = 2;
    const auto count = visavis::graph::element_count(tensor.shape);
    if (!count || *count > 4096 || info.type != visavis::graph::ElementType::kFloat32)
      return std::nullopt;
    tensor.values = std::vector<float>(*count);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto graph = visavis::graph::read_onnx(std::as_bytes(std::span(data, size)));
  const auto engine = visavis::runtime::find_engine("reference");
  if (!engine) std::abort();
  if (!graph) return 0;
  const auto evaluate = visavis::runtime::evaluate_with(**engine);
  if (!visavis::graph::validate(visavis::modelkit::simplify(*graph, **engine))) std::abort();

  const auto inputs = inputs_of(*graph);
  if (!inputs) return 0;
  std::vector<visavis::graph::Shape> shapes;
  for (const Tensor& input : *inputs) shapes.push_back(input.shape);
  const auto inferred = visavis::graph::infer_shapes(*graph, shapes, evaluate);
  if (!inferred) return 0;
  const auto outputs = evaluate(*graph, *inputs);
  if (!outputs) return 0;
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    const auto found = inferred->find(graph->outputs[i].name);
    if (found == inferred->end() || found->second != (*outputs)[i].shape) std::abort();
  }
  const Graph composed = visavis::graph::compose(*graph, *inferred, *inferred);
  if (!visavis::graph::validate(composed)) std::abort();
  const auto again = evaluate(composed, *inputs);
  if (!again) std::abort();
  for (std::size_t i = 0; i < outputs->size(); ++i)
    if ((*again)[i].shape != (*outputs)[i].shape) std::abort();
  return 0;
}
