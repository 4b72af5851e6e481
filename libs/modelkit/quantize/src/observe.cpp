#include "visavis/quantize/observe.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/quantize/ranges.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit {
namespace {

using Shape = std::vector<std::int64_t>;

/// The shape of one sample: what is free is the batch.
Result<Shape> sample_shape(const graph::Graph& graph) {
  if (graph.inputs.size() != 1 || graph.inputs[0].type != graph::ElementType::kFloat32)
    return fail(ErrorCode::kInvalidArgument, "the network has not one input of float32");
  Shape shape = graph.inputs[0].shape;
  if (!shape.empty() && shape[0] < 0) shape[0] = 1;
  if (std::ranges::any_of(shape, [](std::int64_t n) { return n < 0; }))
    return fail(ErrorCode::kInvalidArgument, "the network's input is of any size");
  return shape;
}

Result<void> check(std::span<const Example> samples, const Shape& shape) {
  if (samples.empty()) return fail(ErrorCode::kInvalidArgument, "there is no sample to run on");
  VISAVIS_TRY(count, graph::element_count(shape));
  for (const Example& sample : samples) {
    if (sample.size() != count)
      return fail(ErrorCode::kInvalidArgument, "a sample has not the size of the network's input");
    if (!std::ranges::all_of(sample, [](float value) { return std::isfinite(value); }))
      return fail(ErrorCode::kInvalidArgument, "a sample holds what is no finite number");
  }
  return {};
}

/// A network and the shape that it is fed.
struct Running {
  std::shared_ptr<const runtime::Model> model;
  std::unique_ptr<runtime::Session> session;
  Shape shape;

  Result<std::vector<runtime::Tensor>> run(const Example& sample) {
    const runtime::TensorView view = runtime::view_of(sample, shape);
    return session->run({&view, 1});
  }
};

Result<Running> start(const graph::Graph& graph, std::span<const Example> samples,
                      const runtime::Engine& engine) {
  VISAVIS_TRY(shape, sample_shape(graph));
  VISAVIS_CHECK(check(samples, shape));
  VISAVIS_TRY(bytes, graph::write_onnx(graph));
  VISAVIS_TRY(model, engine.load(bytes, {}));
  VISAVIS_TRY(session, model->session());
  return Running{
      .model = std::move(model), .session = std::move(session), .shape = std::move(shape)};
}

/// The same network with more outputs, of which the rank is not known yet.
Result<graph::Graph> with_outputs(graph::Graph graph, std::span<const std::string> values) {
  graph.outputs.clear();
  for (const std::string& value : values) {
    const bool made = std::ranges::any_of(graph.nodes, [&](const graph::Node& node) {
      return std::ranges::find(node.outputs, value) != node.outputs.end();
    });
    if (!made)
      return fail(ErrorCode::kNotFound, "the network has no value \"" + value + "\" inside");
    graph.outputs.push_back({.name = value, .type = graph::ElementType::kFloat32, .shape = {}});
  }
  return graph;
}

/// Engines want to know the ranks; the reference engine tells without.
Result<void> declare_ranks(graph::Graph& graph, const Example& sample) {
  VISAVIS_TRY(reference, runtime::find_engine("reference"));
  VISAVIS_TRY(running, start(graph, {&sample, 1}, *reference));
  VISAVIS_TRY(outputs, running.run(sample));
  for (std::size_t i = 0; i < outputs.size(); ++i)
    graph.outputs[i].shape.assign(outputs[i].shape.size(), -1);
  return {};
}

Result<void> widen(Observed& observed, std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value))
      return fail(ErrorCode::kInvalidArgument, "the network computes what is no finite number");
    observed.range.low = std::min(observed.range.low, value);
    observed.range.high = std::max(observed.range.high, value);
  }
  return {};
}

/// Adds the means of one tensor, each with the weight of its sample, and its peaks.
void add_channels(Observed& observed, std::span<const float> values, const Shape& shape,
                  double weight) {
  if (shape.size() < 2 || values.empty()) return;
  const auto channels = static_cast<std::size_t>(shape[1]);
  observed.channel_means.resize(channels);
  observed.channel_peaks.resize(channels);
  std::size_t block = 1;
  for (std::size_t d = 2; d < shape.size(); ++d) block *= static_cast<std::size_t>(shape[d]);
  const double each = weight * static_cast<double>(channels) / static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); i += block) {
    double sum = 0;
    float& peak = observed.channel_peaks[i / block % channels];
    for (const float value : values.subspan(i, block)) {
      sum += value;
      peak = std::max(peak, std::abs(value));
    }
    observed.channel_means[i / block % channels] += sum * each;
  }
}

}  // namespace

Result<Observations> observe(const graph::Graph& graph, std::span<const std::string> values,
                             std::span<const Example> samples, const runtime::Engine& engine) {
  VISAVIS_TRY(shape, sample_shape(graph));
  VISAVIS_CHECK(check(samples, shape));
  std::vector<std::string> inner;
  for (const std::string& value : values)
    if (value != graph.inputs[0].name) inner.push_back(value);
  const bool sees_input = inner.size() < values.size();
  Observations observations;
  Observed input;
  const double weight = 1 / static_cast<double>(samples.size());
  for (const Example& sample : samples) {
    VISAVIS_CHECK(widen(input, sample));
    add_channels(input, sample, shape, weight);
  }
  for (const Example& sample : samples) input.count(sample);
  if (sees_input) observations.emplace(graph.inputs[0].name, std::move(input));
  if (inner.empty()) return observations;

  VISAVIS_TRY(watched, with_outputs(graph, inner));
  VISAVIS_CHECK(declare_ranks(watched, samples.front()));
  VISAVIS_TRY(running, start(watched, samples, engine));
  std::vector<Observed> seen(inner.size());
  for (const Example& sample : samples) {
    VISAVIS_TRY(outputs, running.run(sample));
    for (std::size_t i = 0; i < seen.size(); ++i) {
      VISAVIS_CHECK(widen(seen[i], outputs[i].floats()));
      add_channels(seen[i], outputs[i].floats(), outputs[i].shape, weight);
    }
  }
  for (const Example& sample : samples) {
    VISAVIS_TRY(outputs, running.run(sample));
    for (std::size_t i = 0; i < seen.size(); ++i) seen[i].count(outputs[i].floats());
  }
  for (std::size_t i = 0; i < inner.size(); ++i)
    observations.emplace(std::move(inner[i]), std::move(seen[i]));
  return observations;
}

Result<std::vector<std::vector<float>>> answers(const graph::Graph& graph,
                                                std::span<const Example> samples,
                                                const runtime::Engine& engine) {
  VISAVIS_TRY(running, start(graph, samples, engine));
  std::vector<std::vector<float>> given;
  for (const Example& sample : samples) {
    VISAVIS_TRY(outputs, running.run(sample));
    std::vector<float>& all = given.emplace_back();
    for (const runtime::Tensor& output : outputs)
      all.insert(all.end(), output.floats().begin(), output.floats().end());
  }
  return given;
}

double mean_cosine(std::span<const std::vector<float>> a, std::span<const std::vector<float>> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += cosine(a[i], b[i]);
  return a.empty() ? 1 : sum / static_cast<double>(a.size());
}

}  // namespace visavis::modelkit
