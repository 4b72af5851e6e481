#pragma once

/// Zhang, Zhang, Li, Qiao: "Joint Face Detection and Alignment using Multi-task Cascaded
/// Convolutional Networks", IEEE SPL 23(10), 2016, in the variant of facenet-pytorch 2.6.

#include <memory>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/models/network.hpp>

namespace visavis::detect {

/// The networks' compiled models are shared, the rest of `network` is not kept.
[[nodiscard]] Result<std::unique_ptr<Detector>> open_mtcnn(const models::Network& network,
                                                           const DetectorOptions& options);

}  // namespace visavis::detect
