#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/gallery_place.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::usecases {

/// With the file's or folder's name in the sentence.
template <class T>
[[nodiscard]] Outcome<T> named(const std::filesystem::path& path, Result<T> result) {
  if (!result) result.error().message.insert(0, path.string() + ": ");
  return result;
}

/// Reads the key file, if one is given.
[[nodiscard]] Outcome<gallery::GalleryOptions> options_of(const GalleryPlace& place);

/// Whether a gallery is or can be made there, as far as its folder tells.
/// @return kInput: a gallery is bad input to every verb, never a wrong option
[[nodiscard]] Outcome<void> check_place(const GalleryPlace& place);

/// As gallery::open_gallery; reads the key file, if one is given.
[[nodiscard]] Outcome<std::unique_ptr<gallery::Gallery>> gallery_at(const GalleryPlace& place,
                                                                    gallery::OpenMode mode);

/// The same for embeddings of `model`.
/// @return kModelMismatch if the gallery holds faces of another one.
[[nodiscard]] Outcome<std::unique_ptr<gallery::Gallery>> gallery_of(ModelId model,
                                                                    const GalleryPlace& place,
                                                                    gallery::OpenMode mode);

/// Everybody, in the order of enrolment.
[[nodiscard]] Outcome<std::vector<gallery::Person>> all_persons(const gallery::Gallery& people);

}  // namespace visavis::usecases
