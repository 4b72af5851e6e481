#include "visavis/usecases/inputs.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/image/decode.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

constexpr auto kPictureEnds =
    std::to_array<std::string_view>({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp",
                                     ".pbm", ".pgm", ".ppm", ".pnm", ".heic", ".heif", ".avif"});

bool begins_like_a_picture(const fs::path& path) {
  std::array<char, 64> head{};
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), head.size());
  const auto bytes = std::as_bytes(std::span(head).first(static_cast<std::size_t>(file.gcount())));
  const image::Format format = image::sniff(bytes);
  // Two bytes, which any text may begin with, are too little to call a file a picture.
  return format != image::Format::kUnknown && format != image::Format::kPnm &&
         format != image::Format::kBmp;
}

class Walk {
 public:
  void add(const std::string& typed) {
    if (!is_utf8(typed)) return refuse(typed, ErrorCode::kInvalidArgument, kNotUtf8);
    std::error_code error;
    if (fs::is_directory(typed, error)) {
      const std::size_t before = inputs_.photos.size() + inputs_.errors.size();
      enter(typed, {});
      if (before == inputs_.photos.size() + inputs_.errors.size())
        refuse(typed, ErrorCode::kNotFound, "the folder holds no photo");
    } else {
      inputs_.photos.push_back({.path = typed, .inside = fs::path(typed).filename()});
    }
  }

  Inputs take() { return std::move(inputs_); }

 private:
  static constexpr const char* kNotUtf8 = "the name is not UTF-8; rename it";

  void refuse(const std::string& path, ErrorCode code, std::string message) {
    inputs_.errors.push_back(problem(path, Failure(Cause::kInput, {code, std::move(message)})));
  }

  void enter(const fs::path& folder, const fs::path& inside) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error))
      names.push_back(entry->path().filename().string());
    if (error)
      refuse(folder.string(), ErrorCode::kUnavailable,
             "the folder cannot be read: " + error.message());
    std::ranges::sort(names);  // char_traits<char> compares bytes
    const bool is_gallery = fs::exists(folder / "gallery.sqlite", error);
    for (const std::string& name : names)
      if (!is_gallery || (name != "chips" && name != "photos"))
        visit(folder / name, inside / name, name);
  }

  void visit(const fs::path& path, const fs::path& inside, const std::string& name) {
    if (!is_utf8(name)) return refuse(path.string(), ErrorCode::kInvalidArgument, kNotUtf8);
    std::error_code error;
    const fs::file_status self = fs::symlink_status(path, error);
    if (fs::is_directory(self) && name.starts_with('.')) return;
    if (fs::is_directory(self)) return enter(path, inside);
    const bool regular = fs::is_regular_file(path, error);
    if (!regular && !has_picture_end(path)) return;
    if (fs::is_directory(path, error)) return;
    if (has_picture_end(path) || begins_like_a_picture(path))
      inputs_.photos.push_back({.path = path.string(), .inside = inside});
  }

  Inputs inputs_;
};

}  // namespace

bool has_picture_end(const fs::path& path) {
  std::string end = path.extension().string();
  std::ranges::transform(end, end.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return std::ranges::find(kPictureEnds, end) != kPictureEnds.end();
}

std::string Photo::parent() const { return fs::path(path).parent_path().filename().string(); }

Inputs collect_photos(const std::vector<std::string>& paths) {
  Walk walk;
  for (const std::string& path : paths) walk.add(path);
  return walk.take();
}

}  // namespace visavis::usecases
