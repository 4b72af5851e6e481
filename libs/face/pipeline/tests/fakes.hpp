#pragma once

/// A detector and a recogniser whose answers the test knows.

#include <cstring>
#include <memory>
#include <utility>
#include <vector>
#include <visavis/detect/detector.hpp>
#include <visavis/models/network.hpp>

namespace visavis::pipeline {

/// The ArcFace template at 112: aligning a 112-pixel photo by it changes nothing.
inline constexpr Landmarks kTemplate{{{38.2946F, 51.6963F},
                                      {73.5318F, 51.5014F},
                                      {56.0252F, 71.7366F},
                                      {41.5493F, 92.3655F},
                                      {70.7299F, 92.2041F}}};

/// Finds in every image the faces that it was given.
class FakeDetector final : public detect::Detector {
 public:
  explicit FakeDetector(std::vector<Face> faces, bool landmarks = true)
      : faces_(std::move(faces)), landmarks_(landmarks) {}
  Result<std::vector<std::vector<Face>>> detect(std::span<const ImageView> images) override {
    return std::vector(images.size(), faces_);
  }
  [[nodiscard]] bool finds_landmarks() const noexcept override { return landmarks_; }

 private:
  std::vector<Face> faces_;
  bool landmarks_;
};

/// Answers each image with the red values of its four corners, and counts the images.
class CornerSession final : public runtime::Session {
 public:
  CornerSession(std::size_t side, std::size_t& images) : side_(side), images_(images) {}
  Result<std::vector<runtime::Tensor>> run(std::span<const runtime::TensorView> inputs) override {
    const auto* values = reinterpret_cast<const float*>(inputs[0].bytes.data());
    const auto batch = static_cast<std::size_t>(inputs[0].shape[0]);
    std::vector<float> out;
    for (std::size_t i = 0; i < batch; ++i) {
      const float* red = values + i * 3 * side_ * side_;
      for (const std::size_t at :
           {std::size_t{0}, side_ - 1, side_ * (side_ - 1), side_ * side_ - 1})
        out.push_back(red[at] + 1);
    }
    images_ += batch;
    runtime::Tensor tensor{.type = runtime::ElementType::kFloat32,
                           .shape = {inputs[0].shape[0], 4},
                           .bytes = std::vector<std::byte>(out.size() * sizeof(float))};
    std::memcpy(tensor.bytes.data(), out.data(), tensor.bytes.size());
    return std::vector{tensor};
  }

 private:
  std::size_t side_;
  std::size_t& images_;
};

class CornerModel final : public runtime::Model {
 public:
  explicit CornerModel(int side) : side_(static_cast<std::size_t>(side)) {
    inputs_[0].shape = {-1, 3, side, side};
  }
  std::span<const runtime::TensorSpec> inputs() const noexcept override { return inputs_; }
  std::span<const runtime::TensorSpec> outputs() const noexcept override { return outputs_; }
  Result<std::unique_ptr<runtime::Session>> session() const override {
    return std::make_unique<CornerSession>(side_, images_);
  }
  std::string_view engine_name() const noexcept override { return "fake"; }
  runtime::Precision precision() const noexcept override { return runtime::Precision::kF32; }

  std::size_t images() const { return images_; }

 private:
  std::size_t side_;
  mutable std::size_t images_ = 0;
  std::vector<runtime::TensorSpec> inputs_{1};
  std::vector<runtime::TensorSpec> outputs_{1};
};

inline std::shared_ptr<models::Network> fake_recogniser(
    models::AlignmentTemplate alignment = models::AlignmentTemplate::kArcFace, int side = 112) {
  auto network = std::make_shared<models::Network>();
  network->manifest.id = "corners";
  network->manifest.role = models::Role::kRecogniser;
  network->manifest.alignment = alignment;
  network->manifest.dimension = 4;
  network->manifest.preparation = {.width = side, .height = side, .scale = {1, 1, 1}};
  network->parts["network"] = std::make_shared<CornerModel>(side);
  return network;
}

inline std::size_t images_seen(const models::Network& network) {
  return static_cast<const CornerModel&>(*network.parts.at("network")).images();
}

}  // namespace visavis::pipeline
