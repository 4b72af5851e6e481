#pragma once

/// Faces in photos as quality_pairs compares them.

#include <optional>
#include <utility>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/quality_pairs/quality_pairs.hpp>
#include <visavis/usecases/inputs.hpp>

namespace visavis::usecases {

[[nodiscard]] inline quality_pairs::Look look_at(const Photo& photo,
                                                 std::optional<pipeline::FaceRecord> face) {
  quality_pairs::Look look{.path = photo.path, .person = photo.parent()};
  if (!face) return look;
  look.quality = face->quality;
  look.embedding = std::move(face->embedding);
  return look;
}

}  // namespace visavis::usecases
