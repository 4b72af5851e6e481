#pragma once

#include <filesystem>
#include <memory>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::usecases {

/// As gallery::open_gallery, with the folder's name in the sentence.
[[nodiscard]] Outcome<std::unique_ptr<gallery::Gallery>> gallery_at(
    const std::filesystem::path& folder, gallery::OpenMode mode);

/// The same for embeddings of `model`.
/// @return kModelMismatch if the gallery holds faces of another one.
[[nodiscard]] Outcome<std::unique_ptr<gallery::Gallery>> gallery_of(
    ModelId model, const std::filesystem::path& folder, gallery::OpenMode mode);

/// Everybody, in the order of enrolment.
[[nodiscard]] Outcome<std::vector<gallery::Person>> all_persons(const gallery::Gallery& people);

}  // namespace visavis::usecases
