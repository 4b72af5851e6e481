#pragma once

/// The fast detector: one look at the whole picture, boxes without landmarks. The network is of the
/// Ultra-Light-Fast-Generic-Face-Detector family (RFB-320), whose graph already decodes its boxes.

#include <memory>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/models/network.hpp>

namespace visavis::detect {

/// Thresholds: one, .65 by default.
[[nodiscard]] Result<std::unique_ptr<Detector>> open_ultraface(
    std::shared_ptr<const models::Network> network, const DetectorOptions& options);

}  // namespace visavis::detect
