#include "caffe.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/import/import.hpp>

#include "caffe_operators.hpp"
#include "caffe_writer.hpp"
#include "survey.hpp"

namespace visavis::modelkit {
namespace {

/// Which outputs get a Split layer at the end: a file has those blobs for outputs that nobody
/// reads, in the order of their layers.
std::set<std::string> late_outputs(const graph::Graph& graph, const Survey& survey) {
  std::vector<std::string> made;
  for (const graph::Node& node : graph.nodes)
    for (const std::string& output : node.outputs)
      if (survey.is_output(output)) made.push_back(output);
  std::vector<std::string> wanted;
  bool fits =
      std::ranges::none_of(graph.nodes, [](const auto& node) { return node.op == "Split"; });
  for (const graph::ValueInfo& output : graph.outputs) {
    wanted.push_back(output.name);
    fits = fits && survey.uses(output.name) == 0;
  }
  if (fits && made == wanted) return {};
  return {wanted.begin(), wanted.end()};
}

Result<std::vector<Part>> write(const graph::Graph& graph, const std::string& stem,
                                std::int64_t free_size) {
  VISAVIS_TRY(survey, Survey::of(graph, free_size));
  const std::set<std::string> late = late_outputs(graph, survey);
  CaffeWriter writer(graph.name.empty() ? stem : graph.name);
  CaffeLowering lowering(survey, late, writer);
  for (const graph::ValueInfo& input : graph.inputs)
    writer.input(input.name, survey.shape(input.name));
  std::set<std::string> missing;
  for (const graph::Node& node : graph.nodes) {
    const auto done = lowering.add(node);
    if (done) continue;
    if (done.error().code != ErrorCode::kUnsupported) return std::unexpected(done.error());
    missing.insert(done.error().message);
  }
  for (const graph::ValueInfo& output : graph.outputs) {
    if (graph.initializer(output.name) != nullptr) missing.insert("an output that is constant");
    if (late.contains(output.name)) lowering.add_late_output(output.name);
  }
  if (!missing.empty())
    return fail(ErrorCode::kUnsupported, "Caffe cannot express " + joined(missing));
  return writer.finish(stem);
}

}  // namespace

Result<std::vector<Part>> export_caffe(const graph::Graph& given, const std::string& stem) {
  VISAVIS_CHECK(graph::validate(given));
  if (graph::has_halves(given))
    return fail(ErrorCode::kUnsupported, "Caffe's files have no weights of 16 bits");
  VISAVIS_TRY(plain, composed(given));
  VISAVIS_TRY(graph, settle_shapes(std::move(plain)));
  const std::set<std::string> missing = other_operators(graph, caffe_operators());
  if (!missing.empty())
    return fail(ErrorCode::kUnsupported,
                "Caffe has no layers for the operators " + joined(missing));
  for (const graph::ValueInfo& input : graph.inputs)
    if (input.type != graph::ElementType::kFloat32 || input.shape.empty())
      return fail(ErrorCode::kUnsupported, "Caffe has inputs of float32 with a batch only");
  return write(graph, stem, usual_size(graph));
}

}  // namespace visavis::modelkit
