#pragma once

/// Which operators compute in int8.

#include <cstdint>
#include <map>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/channels_last.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::tflite {

/// real = scale * (step - zero), with one of each or one for each index of an axis.
struct Quantization {
  std::vector<float> scales;
  std::vector<std::int64_t> zeros;
  std::int32_t axis = 0;

  friend bool operator==(const Quantization&, const Quantization&) = default;
};

/// A network whose operators read and make values of the types that they have in the file.
struct Typed {
  graph::Graph graph;  ///< QuantizeLinear and DequantizeLinear have one input.
  graph::Shapes shapes;
  std::map<std::string, Quantization, std::less<>> int8;    ///< Values and constants.
  std::map<std::string, Quantization, std::less<>> biases;  ///< Constants of int32.
};

/// Gives values between QuantizeLinear and DequantizeLinear the type int8, and moves operators that
/// can in between.
/// @return kUnsupported if steps are read with another scale than they were made with.
[[nodiscard]] Result<Typed> to_int8(const graph::ChannelsLast& network);

}  // namespace visavis::tflite
