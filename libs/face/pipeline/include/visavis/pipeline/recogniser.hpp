#pragma once

/// From a face in a photo to its embedding, whether one network makes it or several.

#include <memory>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/embed/embedder.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/chip.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::pipeline {

/// What a recogniser sees of one face: a chip for each alignment and size that its networks take.
using Chips = std::vector<Chip>;

/// Thread-compatible.
class Recogniser {
 public:
  /// @return kModelMismatch for a network that is no recogniser or names no alignment.
  [[nodiscard]] static Result<Recogniser> open(std::shared_ptr<const models::Network> network,
                                               const embed::EmbedderOptions& options = {});

  Recogniser(Recogniser&&) noexcept;
  Recogniser& operator=(Recogniser&&) noexcept;
  ~Recogniser();

  /// @return kInvalidArgument for a face that cannot be aligned.
  [[nodiscard]] Result<Chips> cut(ImageView image, const Face& face) const;

  /// One embedding for each face, in order; a fused recogniser's members' are fused.
  /// @return what embed::Embedder::embed returns. @pre every face has chips_per_face() chips
  [[nodiscard]] Result<std::vector<Embedding>> embed(std::span<const Chips> faces);

  [[nodiscard]] std::size_t chips_per_face() const noexcept;
  [[nodiscard]] int chip_side() const noexcept;  ///< Of the first chip, in pixels.
  [[nodiscard]] int dimension() const noexcept;
  [[nodiscard]] ModelId model() const noexcept;

 private:
  struct Impl;
  explicit Recogniser(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::pipeline
