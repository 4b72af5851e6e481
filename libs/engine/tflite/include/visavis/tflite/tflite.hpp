#pragma once

/// TensorFlow Lite files out: what its runtime takes on phones and here.
/// Data flow: Graph -> to_channels_last -> write_tflite -> bytes.

#include <cstddef>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/channels_last.hpp>

namespace visavis::tflite {

struct WriteOptions {
  /// Whether constants of at least graph::kLeastHalves floats that halves hold exactly are written
  /// as such, with a DEQUANTIZE behind them, as TensorFlow Lite's float16 quantization has it.
  bool halves = false;
};

/// Writes a TensorFlow Lite model (schema version 3) with the signature `serving_default`. Values
/// between QuantizeLinear and DequantizeLinear are int8; an operator that reads only such values
/// and whose result is quantised computes in int8, its weights as steps by channel, its bias as
/// int32 (TensorFlow Lite's 8-bit quantization specification). The batch may be changed by whoever
/// runs it; it is declared as free. The same network gives the same bytes.
/// @return kUnsupported with all operators that the format lacks; kInvalidArgument above 2 GiB.
[[nodiscard]] Result<std::vector<std::byte>> write_tflite(const graph::ChannelsLast& network,
                                                          const WriteOptions& options = {});

}  // namespace visavis::tflite
