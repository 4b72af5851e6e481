#pragma once

/// A look at an HEIF or AVIF file before libheif gets it. libheif (up to 1.15 at least) believes
/// what lies deeper in the file: pictures made of themselves (endless recursion, a thread for each
/// step) and coded pictures larger than the header told (gigabytes from 500 bytes).

#include <cstddef>
#include <cstdint>
#include <span>

namespace visavis::image {

/// What decoding the primary picture takes at least.
struct HeifCost {
  /// A picture is derived from itself or more than 16 steps deep, or its parts overlap absurdly.
  bool endless = false;
  std::uint64_t pixels = 0;  ///< Coded, of all parts, as the coded headers tell; saturating.
};

/// Reads the boxes meta/{pitm, iinf, iloc, idat, iref, iprp/ipco} of ISO/IEC 14496-12 and 23008-12,
/// the sequence parameter sets of HEVC (ITU-T H.265, 7.3.2.2) and the headers of AV1's sequences
/// and frames (AV1 Bitstream Specification, 5.5 and 5.9). What it cannot read it leaves out.
[[nodiscard]] HeifCost estimate_heif_cost(std::span<const std::byte> file);

}  // namespace visavis::image
