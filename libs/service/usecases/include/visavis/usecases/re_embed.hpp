#pragma once

/// Moving a gallery to another model.

#include <cstddef>
#include <string>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/gallery_place.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

struct ReEmbedRequest {
  GalleryPlace gallery{};
  bool drop_missing = false;  ///< Removes faces that cannot be embedded again.
};

struct ReEmbedding {
  RunFacts run{};              ///< Without an engine where no network was needed.
  std::string model_before{};  ///< 16 digits; empty for a gallery without faces.
  bool changed = false;        ///< False if the gallery is as it was.
  std::size_t from_chips = 0;
  std::size_t from_photos = 0;
  /// Faces of which nothing is kept that the model could see. Removed if `changed`.
  std::vector<gallery::FaceOf> missing{};
  std::vector<Problem> errors{};
};

/// Embeds every face again with the workbench's recogniser: from its chip if that was aligned like
/// the recogniser's and has its size, else from its photo, in which the face is detected again: the
/// one that overlaps the stored box most; else from a larger chip of the ArcFace template. The
/// gallery changes at once or not at all: not if faces are missing, unless they may be dropped.
[[nodiscard]] Outcome<ReEmbedding> re_embed(Workbench& bench, const ReEmbedRequest& request,
                                            const Progress& progress);

}  // namespace visavis::usecases
