#include "photographs.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <span>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/models/store.hpp>

namespace visavis::detect {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kMostBytes = 1ULL << 30U;

fs::path cache_folder() {
  if (const char* folder = std::getenv("VISAVIS_CACHE")) return folder;
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "" : home) / ".cache" / "visavis";
}

fs::path data_folder() {
  if (const char* folder = std::getenv("VISAVIS_DATA")) return folder;
  return fs::path(VISAVIS_SOURCE_DIR) / ".." / "shared" / "data";
}

/// LFW's files in byte order of their paths.
const std::vector<std::string>& lfw_files() {
  static const std::vector<std::string> files = [] {
    std::vector<std::string> found;
    const fs::path root = data_folder() / "lfw" / "images";
    std::error_code none;
    for (const auto& person : fs::directory_iterator(root, none))
      for (const auto& file : fs::directory_iterator(person.path(), none))
        found.push_back(fs::relative(file.path(), root).generic_string());
    std::ranges::sort(found);
    return found;
  }();
  return files;
}

Found<Bytes> read_lfw(std::size_t index) {
  if (index >= lfw_files().size())
    return std::unexpected("LFW is not in " + data_folder().string() + " (VISAVIS_DATA)");
  auto bytes = read_file(data_folder() / "lfw" / "images" / lfw_files()[index], kMostBytes);
  if (!bytes) return std::unexpected(bytes.error().message);
  return *std::move(bytes);
}

Bytes read_entry(archive* reader) {
  Bytes bytes;
  std::vector<std::byte> block(1U << 16U);
  for (la_ssize_t n = 0; (n = archive_read_data(reader, block.data(), block.size())) > 0;)
    bytes.insert(bytes.end(), block.begin(), block.begin() + n);
  return bytes;
}

/// All pictures of a package archive, read once.
const std::map<std::string, Bytes>& pictures_in(const std::string& name) {
  static std::map<std::string, std::map<std::string, Bytes>> archives;
  if (const auto known = archives.find(name); known != archives.end()) return known->second;
  std::map<std::string, Bytes>& members = archives[name];
  const std::unique_ptr<archive, decltype(&archive_read_free)> reader(archive_read_new(),
                                                                      &archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_all(reader.get());
  const std::string path = (cache_folder() / "downloads" / name).string();
  if (archive_read_open_filename(reader.get(), path.c_str(), 1U << 16U) != ARCHIVE_OK)
    return members;
  for (archive_entry* entry = nullptr;
       archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK;) {
    const std::string member = archive_entry_pathname(entry);
    if (member.ends_with(".jpg") || member.ends_with(".png"))
      members[member] = read_entry(reader.get());
  }
  return members;
}

Found<Bytes> read_member(const std::string& name, const std::string& member) {
  const auto& members = pictures_in(name);
  const auto found = members.find(member);
  if (found == members.end())
    return std::unexpected(name + " is not in " + (cache_folder() / "downloads").string());
  return found->second;
}

Image crop(const Image& image, int x, int y, int width, int height) {
  Image result(width, height);
  for (int row = 0; row < height; ++row)
    std::copy_n(image.row(y + row) + std::ptrdiff_t{3} * x, std::ptrdiff_t{3} * width,
                result.row(row));
  return result;
}

Image half(const Image& image) {
  Image result(image.width() / 2, image.height() / 2);
  for (int y = 0; y < result.height(); ++y)
    for (int i = 0; i < 3 * result.width(); ++i) {
      const int at = i / 3 * 6 + i % 3;
      const std::uint8_t* a = image.row(2 * y) + at;
      const std::uint8_t* b = image.row(2 * y + 1) + at;
      result.row(y)[i] = static_cast<std::uint8_t>((a[0] + a[3] + b[0] + b[3] + 2) >> 2);
    }
  return result;
}

Image pad(const Image& image, int left, int top, int right, int bottom, std::uint8_t grey) {
  Image result(left + image.width() + right, top + image.height() + bottom);
  std::ranges::fill(result.bytes(), grey);
  for (int y = 0; y < image.height(); ++y)
    std::copy_n(image.row(y), std::ptrdiff_t{3} * image.width(),
                result.row(top + y) + std::ptrdiff_t{3} * left);
  return result;
}

Image tile(const Image& image, int columns, int rows) {
  Image result(columns * image.width(), rows * image.height());
  const std::ptrdiff_t n = std::ptrdiff_t{3} * image.width();
  for (int y = 0; y < result.height(); ++y)
    for (int k = 0; k < columns; ++k)
      std::copy_n(image.row(y % image.height()), n, result.row(y) + k * n);
  return result;
}

Image flip(const Image& image) {
  Image result(image.width(), image.height());
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x)
      std::copy_n(image.row(y) + std::ptrdiff_t{3} * x, 3,
                  result.row(y) + std::ptrdiff_t{3} * (image.width() - 1 - x));
  return result;
}

}  // namespace

const json& golden(const std::string& name) {
  static std::map<std::string, json> parsed;
  if (const auto known = parsed.find(name); known != parsed.end()) return known->second;
  std::ifstream file(fs::path(VISAVIS_SOURCE_DIR) / "tests" / "golden" / (name + ".json"));
  return parsed[name] = json::parse(file);
}

Image apply(Image image, const json& operations) {
  for (const json& op : operations) {
    const std::string name = op[0];
    const auto n = [&](std::size_t i) { return op[i].get<int>(); };
    if (name == "crop") image = crop(image, n(1), n(2), n(3), n(4));
    if (name == "half") image = half(image);
    if (name == "pad") image = pad(image, n(1), n(2), n(3), n(4), static_cast<std::uint8_t>(n(5)));
    if (name == "tile") image = tile(image, n(1), n(2));
    if (name == "flip") image = flip(image);
  }
  return image;
}

Image pattern(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        image.row(y)[3 * x + c] =
            static_cast<std::uint8_t>((x * 7 + y * 13 + c * 29 + (x * y) % 31) % 256);
  return image;
}

Found<Image> picture_of(const json& entry) {
  Found<Bytes> bytes = entry.contains("lfw") ? read_lfw(entry["lfw"])
                                             : read_member(entry["archive"], entry["member"]);
  if (!bytes) return std::unexpected(bytes.error());
  if (to_hex(sha256(*bytes)) != entry["sha256"].get<std::string>())
    return std::unexpected("the file is another one");
  auto decoded = image::decode(*bytes);
  if (!decoded) return std::unexpected(decoded.error().message);
  const auto pixels = std::as_bytes(std::span(decoded->image.bytes()));
  if (entry.contains("pixels_sha256") &&
      to_hex(sha256(pixels)) != entry["pixels_sha256"].get<std::string>())
    return std::unexpected("this JPEG decoder gives other pixels");
  return apply(std::move(decoded->image), entry["operations"]);
}

Found<std::shared_ptr<const models::Network>> network(const std::string& id,
                                                      const std::string& engine) {
  static std::map<std::pair<std::string, std::string>, std::shared_ptr<const models::Network>>
      loaded;
  std::shared_ptr<const models::Network>& known = loaded[{id, engine}];
  if (known) return known;
  auto store =
      models::Store::open({fs::path(VISAVIS_SOURCE_DIR) / "models"}, cache_folder() / "models");
  if (!store) return std::unexpected(store.error().message);
  auto made = models::load_network(*store, id, {.engine = engine, .load = {}});
  if (!made) return std::unexpected(made.error().message);
  known = std::make_shared<const models::Network>(*std::move(made));
  return known;
}

}  // namespace visavis::detect
