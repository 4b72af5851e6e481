#include "keep.hpp"

#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/encode.hpp>

namespace visavis::usecases {
namespace {

std::string_view ending_of(image::Format format) {
  switch (format) {
    case image::Format::kJpeg:
      return "jpg";
    case image::Format::kPng:
      return "png";
    case image::Format::kWebp:
      return "webp";
    case image::Format::kGif:
      return "gif";
    case image::Format::kBmp:
      return "bmp";
    case image::Format::kPnm:
      return "pnm";
    case image::Format::kHeif:
      return "heic";
    case image::Format::kAvif:
      return "avif";
    case image::Format::kUnknown:
      return "bin";
  }
  return "bin";
}

}  // namespace

std::string_view chip_form(models::AlignmentTemplate alignment) {
  switch (alignment) {
    case models::AlignmentTemplate::kArcFace:
      return "arcface.png";
    case models::AlignmentTemplate::kFaceNet:
      return "facenet.png";
    case models::AlignmentTemplate::kDlib:
      return "dlib.png";
    case models::AlignmentTemplate::kNone:
      return "";
  }
  return "";
}

Outcome<gallery::KeptFile> keep_chip(const Chip& chip, models::AlignmentTemplate alignment) {
  VISAVIS_TRY(png, image::encode_png(chip.image.view()));
  return gallery::KeptFile{.form = std::string(chip_form(alignment)), .bytes = std::move(png)};
}

Outcome<gallery::KeptFile> keep_photo(const std::string& path, const Sha256& digest) {
  VISAVIS_TRY(bytes, caused_by(Cause::kInput, read_file(path, image::DecodeOptions{}.max_bytes)));
  if (sha256(bytes) != digest)
    return std::unexpected(Failure(
        Cause::kInput, {ErrorCode::kUnavailable, "was changed while it was being enrolled"}));
  return kept_photo(std::move(bytes));
}

gallery::KeptFile kept_photo(std::vector<std::byte> bytes) {
  std::string form(ending_of(image::sniff(bytes)));
  return {.form = std::move(form), .bytes = std::move(bytes)};
}

}  // namespace visavis::usecases
