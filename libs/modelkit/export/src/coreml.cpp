#include "coreml.hpp"

#include <coreml.pb.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/import/import.hpp>

#include "coreml_operators.hpp"
#include "survey.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::int32_t kFloat32 = 65568;  ///< ArrayFeatureType.ArrayDataType
constexpr std::int32_t kExactShapes = 1;  ///< NeuralNetworkMultiArrayShapeMapping

void describe(coreml::FeatureDescription& feature, const graph::ValueInfo& value,
              const Survey& survey, std::int64_t least) {
  feature.set_name(value.name);
  auto* array = feature.mutable_type()->mutable_multiarraytype();
  array->set_datatype(kFloat32);
  bool is_free = false;
  for (const std::int64_t n : survey.shape(value.name)) array->add_shape(n);
  for (const std::int64_t n : value.shape) is_free = is_free || n < 0;
  if (!is_free) return;
  for (std::size_t axis = 0; axis < value.shape.size(); ++axis) {
    auto* range = array->mutable_shaperange()->add_sizeranges();
    const std::int64_t n = value.shape[axis];
    range->set_lowerbound(static_cast<std::uint64_t>(n >= 0 ? n : axis == 0 ? 1 : least));
    range->set_upperbound(n);  // -1: without an end
  }
}

}  // namespace

Result<std::vector<Part>> export_coreml(const graph::Graph& given, const std::string& stem) {
  VISAVIS_CHECK(graph::validate(given));
  VISAVIS_TRY(plain, composed(graph::widen_halves(given)));
  VISAVIS_TRY(graph, settle_shapes(std::move(plain)));
  std::set<std::string> missing = other_operators(graph, coreml_operators());
  if (!missing.empty())
    return fail(ErrorCode::kUnsupported,
                "Core ML's NeuralNetwork gets no layers for the operators " + joined(missing));
  for (const graph::ValueInfo& input : graph.inputs)
    if (input.type != graph::ElementType::kFloat32 || input.shape.empty())
      return fail(ErrorCode::kUnsupported, "inputs for Core ML are of float32 with a batch");
  const std::int64_t size = usual_size(graph);
  VISAVIS_TRY(survey, Survey::of(graph, size));

  coreml::Model model;
  auto* metadata = model.mutable_description()->mutable_metadata();
  metadata->set_author("visavis");
  metadata->set_shortdescription(
      (graph.name.empty() ? stem : graph.name) +
      ", converted from ONNX. Inputs are float32 arrays that are prepared as the network's own "
      "documentation says.");
  const std::int64_t least = survey.sizes_are_free() ? least_size(graph, size) : 1;
  for (const graph::ValueInfo& input : graph.inputs)
    describe(*model.mutable_description()->add_input(), input, survey, least);
  auto* network = model.mutable_neuralnetwork();
  network->set_arrayinputshapemapping(kExactShapes);
  CoreMlLowering lowering(survey, *network, graph::has_halves(given));
  for (const graph::Node& node : graph.nodes) {
    const auto done = lowering.add(node);
    if (!done) missing.insert(done.error().message);
  }
  if (!missing.empty())
    return fail(ErrorCode::kUnsupported,
                "Core ML's NeuralNetwork cannot express " + joined(missing));
  model.set_specificationversion(lowering.version());
  for (const graph::ValueInfo& output : graph.outputs) {
    if (graph.initializer(output.name) != nullptr)
      return fail(ErrorCode::kUnsupported,
                  "an output that is constant cannot be written for Core ML");
    // Of arrays with ranges the shape follows from the inputs'.
    auto* feature = model.mutable_description()->add_output();
    feature->set_name(output.name);
    auto* array = feature->mutable_type()->mutable_multiarraytype();
    array->set_datatype(kFloat32);
    if (survey.batch_is_free() || survey.sizes_are_free()) continue;
    for (const std::int64_t n : survey.shape(output.name)) array->add_shape(n);
  }

  if (model.ByteSizeLong() > std::numeric_limits<std::int32_t>::max())
    return fail(ErrorCode::kInvalidArgument, "a .mlmodel holds at most 2 GiB");
  std::string text;
  if (!model.SerializeToString(&text))
    return fail(ErrorCode::kInternal, "the network cannot be serialized");
  const auto bytes = std::as_bytes(std::span(text));
  std::vector<Part> parts;
  parts.push_back({.name = stem + ".mlmodel", .bytes = {bytes.begin(), bytes.end()}});
  return parts;
}

}  // namespace visavis::modelkit
