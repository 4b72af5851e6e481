// Any bytes in; a picture that keeps its promises or an error out. VISAVIS_FUZZ_FORMAT picks the
// decoder: bytes of other formats are left to other targets.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "visavis/image/decode.hpp"

namespace {

using visavis::image::DecodeOptions;
using visavis::image::Format;

bool keeps_promises(const visavis::image::Decoded& decoded, const DecodeOptions& options) {
  const auto width = static_cast<std::uint64_t>(decoded.image.width());
  const auto height = static_cast<std::uint64_t>(decoded.image.height());
  return width > 0 && height > 0 && width * height <= options.max_pixels &&
         decoded.image.width() <= decoded.full_width &&
         decoded.image.height() <= decoded.full_height &&
         decoded.image.bytes().size() == 3 * width * height;
}

}  // namespace

/// libdav1d of Debian 12 keeps 40 bytes of some broken AVIF files.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): the sanitizer's name
extern "C" const char* __lsan_default_suppressions() { return "leak:libdav1d"; }

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (visavis::image::sniff(bytes) != Format::VISAVIS_FUZZ_FORMAT) return -1;
  for (const int target : {0, 20}) {
    const DecodeOptions options{.max_pixels = 1 << 18, .target_short_side = target};
    const auto decoded = visavis::image::decode(bytes, options);
    if (decoded ? !keeps_promises(*decoded, options) : decoded.error().message.empty())
      std::abort();
    if (visavis::image::sniff(bytes) != Format::kJpeg) break;  // only JPEG is decoded scaled
  }
  return 0;
}
