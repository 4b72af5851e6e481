#pragma once

/// Set-to-set evaluation in the form of IJB-A, -B and -C: a template is what several photos and
/// videos of a person tell together, and the lists of pairs, gallery and probes name templates.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/protocols/pairs.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::protocols {

/// A photo, or a frame of a video, in a template.
struct TemplatePhoto {
  std::string path;
  std::string name;   ///< Of the template.
  std::string media;  ///< Frames of one video share it.
};

/// Reads lines `path template media`, with tabs or blanks between (IJB's face_tid_mid.txt), with or
/// without a header line "path<TAB>template<TAB>media".
/// @return kDecodeFailed with the number of the row that is wrong or repeats an earlier one, or
/// when there is none.
[[nodiscard]] Result<std::vector<TemplatePhoto>> parse_templates(std::string_view text);

/// Reads lines `template template same`, with tabs or blanks between (IJB's
/// template_pair_label.txt). @return as parse_pairs
[[nodiscard]] Result<PairList> parse_template_pairs(std::string_view text);

/// What was found in a photo.
struct RatedFace {
  Embedding embedding;
  float quality = 0;  ///< In [0, 1].
};
/// By path; nothing where no face was found.
using RatedFaces = std::map<std::string, std::optional<RatedFace>, std::less<>>;

enum class Fusion : std::uint8_t {
  /// The mean of the means of each media, so that a video of a hundred frames counts as a photo
  /// (Whitelam et al., "IARPA Janus Benchmark-B", CVPRW 2017; Crosswhite et al., "Template
  /// adaptation", FG 2017: media pooling).
  kMean,
  /// The same, weighted by quality: faces within their media, and media by their mean quality.
  kQuality,
};

/// One unit vector a template, its norm the mean of the faces' with the same weights; nothing for a
/// template without a face, or whose faces cancel out. Where all weights are 0 they are equal.
/// @return kInvalidArgument for a photo that is not in `faces`; kModelMismatch for embeddings of
/// different models.
[[nodiscard]] Result<Embeddings> fuse_templates(std::span<const TemplatePhoto> photos,
                                                const RatedFaces& faces, Fusion fusion);

}  // namespace visavis::protocols
