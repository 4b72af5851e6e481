#pragma once

/// From an image to everything known about the faces in it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
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

/// "largest", "probability", "center".
[[nodiscard]] std::string_view to_string(Selection selection) noexcept;
[[nodiscard]] std::optional<Selection> parse_selection(std::string_view word) noexcept;

/// What became of one face. If its landmarks allow no alignment (they coincide, or the box lies
/// outside the photo) the quality's score is 0 and there is neither chip nor embedding.
struct FaceRecord {
  Face face;
  Quality quality;
  std::optional<Chip> chip;  ///< Kept if asked for: the first of those that the recogniser sees.
  Embedding embedding;       ///< Empty values if no recogniser was opened.
};

/// One image of a batch and what is wanted of it.
struct Query {
  ImageView image;
  std::optional<Selection> selection{};  ///< Nothing: every face.
  bool embed = true;  ///< False: faces are found and neither judged nor embedded.
};

struct Found {
  std::vector<FaceRecord> faces{};  ///< By falling confidence; of a selection one at most.
  std::size_t faces_found = 0;      ///< Before the selection.
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

  /// One answer for each image, in their order. Faces of all images share the recogniser's batches;
  /// what is not wanted is not embedded.
  [[nodiscard]] Result<std::vector<Found>> analyse(std::span<const Query> queries);
  /// Every face of one image.
  [[nodiscard]] Result<std::vector<FaceRecord>> analyse(ImageView image);

  /// The selected face of one image. Nothing if there is no face.
  struct One {
    std::optional<FaceRecord> record;
    std::size_t faces_found = 0;  ///< Before the selection.
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
