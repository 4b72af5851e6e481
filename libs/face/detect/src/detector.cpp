#include "visavis/detect/detector.hpp"

#include <memory>
#include <utility>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>

#include "mtcnn.hpp"
#include "ultraface.hpp"

namespace visavis::detect {

Result<std::unique_ptr<Detector>> open_detector(std::shared_ptr<const models::Network> network,
                                                const DetectorOptions& options) {
  if (!network) return fail(ErrorCode::kInvalidArgument, "there is no detector network");
  if (network->manifest.family == "mtcnn") return open_mtcnn(*network, options);
  if (network->manifest.family == "ultraface") return open_ultraface(std::move(network), options);
  return fail(ErrorCode::kModelMismatch, network->manifest.id + " is no face detector");
}

}  // namespace visavis::detect
