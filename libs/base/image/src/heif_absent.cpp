// Stands in for heif.cpp where libheif is not there.

#include "codec.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"

namespace visavis::image {

bool heif_reads(Format) noexcept { return false; }

Result<Raw> decode_heif(Bytes, const DecodeOptions&) {
  return fail(ErrorCode::kUnsupported, "is a HEIF or AVIF picture, which this build cannot read");
}

}  // namespace visavis::image
