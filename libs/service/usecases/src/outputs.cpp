#include "outputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <set>
#include <system_error>
#include <utility>
#include <visavis/core/file.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

std::string ending_of(const fs::path& path) {
  std::string end = path.extension().string();
  std::ranges::transform(end, end.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return end;
}

bool is_picture_name(const fs::path& path) {
  const std::string end = ending_of(path);
  return end == ".jpg" || end == ".jpeg" || end == ".png";
}

/// Nobody means a folder by these.
bool is_foreign_picture_name(const fs::path& path) {
  constexpr auto kEnds = std::to_array<std::string_view>(
      {".gif", ".webp", ".bmp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".pgm", ".ppm"});
  return std::ranges::find(kEnds, ending_of(path)) != kEnds.end();
}

std::vector<fs::path> paths_of(const std::vector<Photo>& photos) {
  std::vector<fs::path> paths;
  for (const Photo& photo : photos) paths.emplace_back(photo.path);
  return paths;
}

/// Whether `name` is what a gallery's own files and folders are called.
bool is_gallery_name(std::string_view name) {
  return name.starts_with("gallery.sqlite") || name == "gallery.lock" ||
         name.starts_with("index-") || name == "chips" || name == "photos";
}

/// Whether a gallery has the file for its own, or would. @param path  a real one
bool is_of_gallery(const fs::path& path) {
  std::error_code ignored;
  std::string below = path.filename();
  for (fs::path folder = path.parent_path();; folder = folder.parent_path()) {
    if (is_gallery_name(below) && fs::exists(folder / "gallery.sqlite", ignored)) return true;
    if (folder == folder.parent_path()) return false;
    below = folder.filename();
  }
}

/// That writing will make; those within others first.
std::vector<fs::path> missing_folders(std::span<const NewFile> files) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (const NewFile& file : files)
    for (fs::path folder = file.path.parent_path(); !folder.empty() && !fs::exists(folder, ignored);
         folder = folder.parent_path())
      folders.push_back(folder);
  return folders;
}

}  // namespace

fs::path real_path(const fs::path& path) {
  std::error_code error;
  fs::path result = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path : result;
}

Outcome<void> check_new(const std::filesystem::path& path) {
  std::error_code ignored;
  // A link that leads nowhere is there, too.
  if (fs::exists(fs::symlink_status(path, ignored)))
    return usage(path.string() + " is there already, and is not overwritten");
  return check_files({path}, {});
}

Outcome<void> write_together(std::span<const NewFile> files) {
  const std::vector<fs::path> folders = missing_folders(files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto written = write_file(files[i].path, files[i].bytes);
    if (written) continue;
    std::error_code ignored;
    for (const NewFile& file : files.first(i)) fs::remove(file.path, ignored);
    for (const fs::path& folder : folders) fs::remove(folder, ignored);  // if it is empty
    return caused_by(Cause::kEnvironment, std::move(written));
  }
  return {};
}

Outcome<void> check_folder(const fs::path& folder) {
  std::error_code ignored;
  fs::path there = folder.empty() ? fs::path(".") : folder;
  while (!fs::exists(there, ignored)) {
    there = there.has_relative_path() ? there.parent_path() : fs::path("/");
    if (there.empty()) there = ".";
  }
  if (!fs::is_directory(there, ignored)) return usage(there.string() + " is not a folder");
  if (::access(there.c_str(), W_OK | X_OK) == 0) return {};
  return std::unexpected(Failure(
      Cause::kEnvironment, {ErrorCode::kUnavailable, there.string() + " cannot be written to"}));
}

Outcome<void> check_spared(const std::vector<fs::path>& paths,
                           const std::vector<fs::path>& inputs) {
  std::set<fs::path> given;
  for (const fs::path& input : inputs)
    if (!input.empty()) given.insert(real_path(input));
  for (const fs::path& path : paths) {
    const fs::path real = real_path(path);
    if (given.contains(real))
      return usage("writing " + path.string() + " would overwrite what was given to be read");
    if (is_of_gallery(real)) return usage(path.string() + " is where a gallery has its own files");
  }
  return {};
}

Outcome<void> check_files(const std::vector<fs::path>& paths, const std::vector<Photo>& photos,
                          const std::vector<fs::path>& inputs) {
  std::error_code ignored;
  for (const fs::path& path : paths) {
    if (fs::is_directory(path, ignored)) return usage(path.string() + " is a folder, not a file");
    if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored))
      return usage(path.string() + " is not a regular file");
    if (!is_utf8(path.string())) return usage("the name of an output is not UTF-8");
    VISAVIS_CHECK(check_folder(path.parent_path()));
  }
  VISAVIS_CHECK(check_spared(paths, inputs));
  return check_spared(paths, paths_of(photos));
}

Outcome<std::vector<fs::path>> plan_pictures(const std::vector<Photo>& photos, const fs::path& out,
                                             std::string_view end) {
  if (out.empty()) return {};
  if (is_foreign_picture_name(out))
    return usage("pictures are written as .jpg or .png, not like " + out.string());
  if (!is_picture_name(out)) return plan_folder(photos, out, end);
  if (photos.size() > 1)
    return usage("several photos need a folder to write to, not " + out.string());
  VISAVIS_CHECK(check_files({out}, photos));
  return std::vector<fs::path>(photos.size(), out);
}

Outcome<std::vector<fs::path>> plan_folder(const std::vector<Photo>& photos, const fs::path& folder,
                                           std::string_view end) {
  if (!is_utf8(folder.string())) return usage("the name of an output is not UTF-8");
  VISAVIS_CHECK(check_folder(folder));
  std::set<fs::path> taken;
  std::vector<fs::path> planned;
  for (const Photo& photo : photos) {
    const fs::path base = folder / photo.inside.parent_path() / photo.inside.stem();
    fs::path path = base;
    path += end;
    for (int number = 2; !taken.insert(path).second; ++number) {
      std::string name = base.string();
      name.append("-").append(std::to_string(number)).append(end);
      path = std::move(name);
    }
    planned.push_back(std::move(path));
  }
  VISAVIS_CHECK(check_spared(planned, paths_of(photos)));
  return planned;
}

void mark_face(Image& picture, const Face& face, image::Colour colour, std::string_view label) {
  const int short_side = std::min(picture.width(), picture.height());
  const int line = std::max(2, short_side / 250);
  image::draw_box(picture, face.box, colour, line);
  for (const Point& point : face.landmarks) image::draw_point(picture, point, colour, line);
  if (!label.empty())
    image::draw_label(picture, {.x = face.box.x, .y = face.box.y}, label, colour,
                      std::max(12, short_side / 22));
}

std::optional<Problem> keep_drawn(fs::path& drawn, Result<void> written) {
  if (written) return std::nullopt;
  return problem(std::exchange(drawn, {}).string(), Failure(std::move(written).error()));
}

std::string two_digits(float value) {
  std::array<char, 64> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 2).ptr;
  return {text.data(), end};
}

}  // namespace visavis::usecases
