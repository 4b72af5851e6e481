#pragma once

/// OpenVINO's own form of a network, IR versions 10 and 11: X.xml says what the layers are, X.bin
/// has the numbers. Where it is in the flow: Parts -> IrNetwork -> openvino_to_onnx. The form as
/// OpenVINO documents it ("Operation Sets", "IR Format") and as its release 2026.4 writes it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "visavis/import/import.hpp"

namespace visavis::modelkit {

/// One of a layer's results.
struct IrPort {
  Shape shape;       ///< As the file states it; -1 marks what is not known.
  std::string name;  ///< That other programs know it by; may be empty.
};

/// Which layer's result is read, by their places.
struct IrSource {
  std::size_t layer = 0;
  std::size_t output = 0;
};

struct IrLayer {
  std::string name;
  std::string type;
  std::string opset;
  std::map<std::string, std::string, std::less<>> attributes;
  std::vector<IrSource> inputs;
  std::vector<IrPort> outputs;
  std::span<const std::byte> constant;  ///< Of a Const: its bytes in the file of numbers.

  [[nodiscard]] std::string_view text(std::string_view key, std::string_view otherwise = {}) const;
};

struct IrNetwork {
  std::string name;
  std::string producer;
  std::vector<IrLayer> layers;  ///< Each behind those that it reads.
  std::size_t bytes = 0;        ///< Of the file of numbers.
};

/// @param numbers  the file X.bin, kept as a view
/// @return kDecodeFailed for what is no IR, for layers that read what is not there or each other in
/// a circle, and for constants outside of the file of numbers; kUnsupported for other versions;
/// kResourceExhausted for more than 32 MiB of XML or too many layers.
[[nodiscard]] Result<IrNetwork> read_ir(std::span<const std::byte> xml,
                                        std::span<const std::byte> numbers);

/// Whether the bytes begin as an IR's XML does.
[[nodiscard]] bool looks_like_openvino(std::span<const std::byte> bytes);

/// Inputs keep the shapes that they are declared with.
/// @return as read_ir; kInvalidArgument if a file is missing; kUnsupported with everything that is
/// not understood; kModelMismatch for shapes that do not go together.
[[nodiscard]] Result<std::vector<std::byte>> import_openvino(std::span<const Part> parts);

[[nodiscard]] Result<Inspection> inspect_openvino(std::span<const Part> parts);

}  // namespace visavis::modelkit
