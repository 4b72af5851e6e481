#pragma once

/// A font of pen strokes, drawn for this project: lines and curves of a round pen, so that labels
/// are smooth at every size and no font file is needed. ASCII, Latin-1 and the European letters
/// with accents (also in decomposed form).

#include <string_view>
#include <vector>

namespace visavis::image {

/// In font units: y points down, capitals reach from 0 to 20, accents up to -7, descenders to 27.
struct Stroke {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

constexpr float kFontTop = -7;
constexpr float kFontBottom = 27;
constexpr float kPenWidth = 2.6F;

struct TextStrokes {
  std::vector<Stroke> strokes;
  float width = 0;  ///< From the first stroke's left to the last one's right, without the pen.
};

/// Sets a line of text. Code points without a glyph, and bytes that are not UTF-8, become a box.
[[nodiscard]] TextStrokes set_text(std::string_view utf8);

}  // namespace visavis::image
