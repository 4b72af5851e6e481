#pragma once

/// Turns aligned face chips into embeddings.
/// Stage 4: Image -> Face -> Chip -> [Embedding] -> Match.

#include <memory>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::embed {

struct EmbedderOptions {
  int max_batch = 16;  ///< Images per forward pass, at least 1; the mirrored ones count.
  /// Average with the mirrored chip's raw embedding before normalising. Another ModelId.
  bool flip = false;
};

/// A face embedder. Deterministic: equal chips give equal embeddings on one engine.
///
/// Thread-compatible: one thread at a time. To go parallel, open several over one shared network.
///
///     auto embedder = Embedder::open(network, {.max_batch = 8});
///     auto vectors  = embedder->embed(chips);
class Embedder {
 public:
  /// @return kModelMismatch if the network is no recogniser: one square image in, one vector out;
  /// kInvalidArgument for a batch below 1.
  [[nodiscard]] static Result<Embedder> open(std::shared_ptr<const models::Network> network,
                                             const EmbedderOptions& options = {});

  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  /// Embeds every chip, in order. No chips give no embeddings, and that is not an error. Batches
  /// are powers of two, so that an engine that compiles for each shape compiles few.
  /// @return kInvalidArgument if a chip has another side than `chip_side()`; kModelMismatch if the
  /// network's output has not `dimension()` finite numbers for each chip.
  [[nodiscard]] Result<std::vector<Embedding>> embed(std::span<const ImageView> chips);

  [[nodiscard]] int chip_side() const noexcept;  ///< Pixels.
  [[nodiscard]] int dimension() const noexcept;  ///< Floats per embedding.
  [[nodiscard]] ModelId model() const noexcept;

 private:
  struct Impl;
  explicit Embedder(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::embed
