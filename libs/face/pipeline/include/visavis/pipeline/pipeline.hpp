#pragma once

/// From an image to everything known about the faces in it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/embed/embedder.hpp>
#include <visavis/vocab/chip.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>
#include <visavis/vocab/quality.hpp>

namespace visavis::pipeline {

/// Which face of several a question about one face means.
enum class Selection : std::uint8_t {
  kLargest,      ///< Box area.
  kProbability,  ///< Detector confidence.
  kCenter,       ///< Area minus twice the squared distance to the image's centre (facenet's rule).
};

struct FaceRecord {
  Face face;
  Quality quality;
  std::optional<Chip> chip;  ///< Kept if asked for.
  Embedding embedding;       ///< Empty values if no recogniser was opened.
};

struct PipelineOptions {
  embed::EmbedderOptions embedder;
  bool keep_chips = false;
};

/// Detects, aligns, judges and embeds. Thread-compatible: one thread at a time; open one for each
/// thread over the shared networks.
class Pipeline {
 public:
  /// @param recogniser  may be null: then records carry no embedding.
  [[nodiscard]] static Result<Pipeline> open(std::unique_ptr<detect::Detector> detector,
                                             std::shared_ptr<const models::Network> recogniser,
                                             const PipelineOptions& options = {});

  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;
  ~Pipeline();

  /// Every face of the image, by falling confidence.
  [[nodiscard]] Result<std::vector<FaceRecord>> analyse(ImageView image);

  /// Only the selected face, so that nothing is embedded in vain. Nothing if there is no face.
  /// `faces_found`, in the answer, tells how many there were.
  struct One {
    std::optional<FaceRecord> record;
    std::size_t faces_found = 0;
  };
  [[nodiscard]] Result<One> analyse_one(ImageView image, Selection selection);

  [[nodiscard]] ModelId model() const noexcept;  ///< 0 without a recogniser.

 private:
  struct Impl;
  explicit Pipeline(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// The index of the selected face. @pre !faces.empty()
[[nodiscard]] std::size_t select(std::span<const Face> faces, ImageView image, Selection selection);

}  // namespace visavis::pipeline
