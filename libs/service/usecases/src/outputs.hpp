#pragma once

/// Where pictures made from photos and other results go, and how faces are marked.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/image/draw.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::usecases {

/// One path for each photo, or none for an empty `out`: `out` itself if it is a picture's name (for
/// a single photo), else a file in the folder `out` that mirrors the photo's place, with `end` for
/// its ending and a number where two would be the same.
/// @return kUsage for a picture's name with several photos; as `check_spared` and `check_files`.
[[nodiscard]] Outcome<std::vector<std::filesystem::path>> plan_pictures(
    const std::vector<Photo>& photos, const std::filesystem::path& out, std::string_view end);

/// The whole path without links, as far as it is there.
[[nodiscard]] std::filesystem::path real_path(const std::filesystem::path& path);

/// Whether writing spares what was given and what a gallery has for its own: its database, lock,
/// index, chips and photos.
/// @param inputs  lists, tables, key files; an empty path is none
/// @return kUsage for such a file's name
[[nodiscard]] Outcome<void> check_spared(const std::vector<std::filesystem::path>& paths,
                                         const std::vector<std::filesystem::path>& inputs);

/// Whether files can be written: each spares the photos and `inputs`, nothing but a file is there,
/// and its folder can be made or written into. Says early what writing would say at the end.
/// @return as `check_spared`; kUsage for a folder's name, or one that lies below a file;
/// kEnvironment without permission.
[[nodiscard]] Outcome<void> check_files(const std::vector<std::filesystem::path>& paths,
                                        const std::vector<Photo>& photos,
                                        const std::vector<std::filesystem::path>& inputs = {});

/// As `check_files`, and nothing is there yet: what took work is not overwritten.
[[nodiscard]] Outcome<void> check_new(const std::filesystem::path& path);

struct NewFile {
  std::filesystem::path path;
  std::span<const std::byte> bytes;
};

/// Files that only mean something together. The last should be the one that stands for them; if one
/// cannot be written, those before it are removed again.
/// @return kEnvironment
[[nodiscard]] Outcome<void> write_together(std::span<const NewFile> files);

/// Whether files can be put into `folder`, which need not be there yet; as `check_files`.
[[nodiscard]] Outcome<void> check_folder(const std::filesystem::path& folder);

/// As `plan_pictures` for a folder in any case.
[[nodiscard]] Outcome<std::vector<std::filesystem::path>> plan_folder(
    const std::vector<Photo>& photos, const std::filesystem::path& folder, std::string_view end);

inline constexpr image::Colour kGreen{.r = 30, .g = 170, .b = 60};
inline constexpr image::Colour kOrange{.r = 235, .g = 120, .b = 20};

/// Box, five points and a label, in sizes that suit the picture.
void mark_face(Image& picture, const Face& face, image::Colour colour, std::string_view label);

/// What is said of a drawing that was to be written: nothing if it was; else `drawn` is emptied,
/// and what was found on the photo stays.
[[nodiscard]] std::optional<Problem> keep_drawn(std::filesystem::path& drawn, Result<void> written);

/// "0.97"
[[nodiscard]] std::string two_digits(float value);

}  // namespace visavis::usecases
