// A build without OpenVINO.
#include <memory>
#include <span>
#include <visavis/core/result.hpp>

#include "visavis/runtime/openvino_ir.hpp"

namespace visavis::runtime {
namespace {

std::unexpected<Error> absent() {
  return fail(ErrorCode::kUnsupported, "OpenVINO's form of networks needs a build with OpenVINO");
}

}  // namespace

Result<OpenVinoIr> to_openvino_ir(std::span<const std::byte> /*onnx*/) { return absent(); }

Result<std::shared_ptr<const Model>> load_openvino_ir(const OpenVinoIr& /*ir*/,
                                                      const LoadOptions& /*options*/) {
  return absent();
}

}  // namespace visavis::runtime
