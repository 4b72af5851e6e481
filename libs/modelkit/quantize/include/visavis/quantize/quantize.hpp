#pragma once

/// A float network becomes one of 8-bit weights and activations, by what was observed and without
/// training. Data flow: Graph -> layers_of -> observe -> recipe_of -> quantize -> write_onnx -> the
/// gate; later, from the recipe alone: the float network's ONNX -> make_int8.

#include <cstddef>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/ranges.hpp>

namespace visavis::modelkit {

/// A Conv, Gemm or MatMul whose weights are a constant of float32.
struct Layer {
  std::string name;  ///< Of the value that it makes: unlike nodes' names, always there and unique.
  std::string op;
  std::string input;        ///< The value that would be quantised.
  std::size_t weights = 0;  ///< Numbers.
};

/// The layers that can be quantised, in the order in which they run. Others stay as they are: with
/// weights that are computed, a Gemm with factors or a transposed input. A batch normalisation
/// behind a layer is folded into it beforehand (graph::fold_batch_norm).
[[nodiscard]] std::vector<Layer> layers_of(const graph::Graph& graph);

/// What these layers read, each once. `quantize` wants it observed, and `summands_of`.
[[nodiscard]] std::vector<std::string> inputs_of(std::span<const Layer> layers);

/// What these layers make and an Add reads straight away, beside something else that is quantised:
/// in 8 bits, too, an engine can add it where it is made (OpenVINO in the convolution, instead of
/// writing floats and reading them again).
[[nodiscard]] std::vector<std::string> summands_of(const graph::Graph& graph,
                                                   std::span<const Layer> layers);

using LayerNames = std::set<std::string, std::less<>>;

struct QuantizeOptions {
  RangeMethod method = RangeMethod::kMinMax;
  double kept = .99999;  ///< For kPercentile.
  /// Moves each bias by the mean error that the rounded weights make: −ε·E[x] (Nagel et al.,
  /// "Data-free quantization through weight equalization and bias correction", ICCV 2019, eq. 16).
  /// Layers of Conv and Gemm only.
  bool bias_correction = true;
  LayerNames keep_float{};  ///< Layers by name.
  /// The largest of a weight's steps, up to 127. With at most 64, no sum of two products of a
  /// weight and an activation saturates in 16 bits (2·255·64 < 2^15), which is how CPUs without
  /// VNNI add: there OpenVINO's mobilefacenet-192 keeps a cosine of .965 with 127 and of .998
  /// with 64.
  int weight_steps = 64;
  /// Also what layers and other operators make has steps: integers from end to end (whole.hpp).
  bool whole = false;
};

/// What `options` makes of what was observed, as numbers of five digits. `equalised` is left empty.
/// @return kInvalidArgument if no layer is left to quantise; kNotFound for a layer that is not
/// there or a value that was not observed.
[[nodiscard]] Result<models::Int8Recipe> recipe_of(const graph::Graph& graph,
                                                   const Observations& observations,
                                                   const QuantizeOptions& options);

/// Equalises as the recipe says. Then writes QuantizeLinear and DequantizeLinear around the layers'
/// inputs (uint8, one scale and zero point for each tensor) and DequantizeLinear behind their
/// weights (int8, symmetric, a scale for each output channel: max |w| / weight_steps). Biases stay
/// float32. A sum that reads a value of which a layer reads the quantised form reads that form,
/// too, so that it need not be kept twice. The opset is raised to 13, which knows scales of
/// channels. What the recipe has more ranges of is rounded, too (round_results).
/// @return kInvalidArgument if no layer is left to quantise or a weight is no finite number;
/// kNotFound for a layer to be kept that is not there, or a value without a range; kModelMismatch
/// for a recipe of another network; kUnsupported if the opset cannot be raised for an operator
/// whose meaning changed.
[[nodiscard]] Result<graph::Graph> quantize(graph::Graph graph, const models::Int8Recipe& recipe);

/// By the recipe that recipe_of gives.
[[nodiscard]] Result<graph::Graph> quantize(graph::Graph graph, const Observations& observations,
                                            const QuantizeOptions& options);

/// An ONNX file as `quantize` makes it of another one: the same bytes on every machine.
[[nodiscard]] Result<std::vector<std::byte>> make_int8(std::span<const std::byte> onnx,
                                                       const models::Int8Recipe& recipe);

/// An ONNX file with the weights of another one in 16 bits (graph::halve_weights), after batch
/// normalisation was folded: the same bytes on every machine. Nothing has to be observed for it.
/// @return kUnsupported if none of the weights can be stored so.
[[nodiscard]] Result<std::vector<std::byte>> make_f16(std::span<const std::byte> onnx);

/// Weights of a layer as int8. Layout as the floats.
struct ChannelSteps {
  std::vector<std::int8_t> steps;
  std::vector<float> scales;  ///< One for each index along the axis; 1 where all weights are 0.
};

/// @param most  the largest step, 1…127
/// @pre axis < shape.size(), as many weights as the shape says
[[nodiscard]] ChannelSteps quantize_weights(std::span<const float> weights,
                                            const graph::Shape& shape, std::size_t axis,
                                            int most = 127);

}  // namespace visavis::modelkit
