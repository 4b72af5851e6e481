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
#include <visavis/quality/quality.hpp>
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

/// What became of one face. If its landmarks allow no alignment (they coincide, or the box lies
/// outside the photo) the quality's score is 0 and there is neither chip nor embedding.
struct FaceRecord {
  Face face;
  Quality quality;
  std::optional<Chip> chip;  ///< Kept if asked for: the first of those that the recogniser sees.
  Embedding embedding;       ///< Empty values if no recogniser was opened.
};

struct PipelineOptions {
  embed::EmbedderOptions embedder{};
  /// For recognisers whose manifest says that the norm is quality; others ignore it.
  quality::NormScale norm{};
  bool keep_chips = false;
};

/// Detects, aligns, judges and embeds. Thread-compatible: one thread at a time; open one for each
/// thread over the shared networks.
///
///     auto finder = open_finder(detector_network, landmark_network);
///     auto pipeline = Pipeline::open(*std::move(finder), recogniser_network);
///     auto faces = pipeline->analyse(image);
class Pipeline {
 public:
  /// @param detector    one that finds landmarks; see open_finder.
  /// @param recogniser  may be null: then records carry no embedding and chips are ArcFace's at
  /// 112.
  /// @return kInvalidArgument for a detector without landmarks; kModelMismatch for a network that
  /// is no recogniser or has no alignment template.
  [[nodiscard]] static Result<Pipeline> open(std::unique_ptr<detect::Detector> detector,
                                             std::shared_ptr<const models::Network> recogniser,
                                             const PipelineOptions& options = {});

  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;
  ~Pipeline();

  /// Every face of every image, in the order of the images, each image's by falling confidence.
  /// Faces of all images share the recogniser's batches.
  [[nodiscard]] Result<std::vector<std::vector<FaceRecord>>> analyse(
      std::span<const ImageView> images);
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
