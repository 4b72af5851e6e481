#pragma once

/// OpenVINO's own form of a network: layers as XML, and their weights.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {

struct OpenVinoIr {
  std::string xml;                 ///< The file NAME.xml.
  std::vector<std::byte> weights;  ///< The file NAME.bin.
};

/// @param onnx  an ONNX file's bytes
/// @return as Engine::load; kUnsupported in a build without OpenVINO.
[[nodiscard]] Result<OpenVinoIr> to_openvino_ir(std::span<const std::byte> onnx);

/// What the engine "openvino" would make of such files.
/// @return as `to_openvino_ir`.
[[nodiscard]] Result<std::shared_ptr<const Model>> load_openvino_ir(const OpenVinoIr& ir,
                                                                    const LoadOptions& options);

}  // namespace visavis::runtime
