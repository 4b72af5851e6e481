#include "stroke_font.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

namespace visavis::image {
namespace {

/// Paths: M x y moves, L x y draws a line, Q cx cy x y a parabola, O cx cy rx ry a b the arc of an
/// ellipse from angle a to b in degrees, clockwise from the right.
struct Glyph {
  char32_t code;
  float width;
  std::string_view path;
};

constexpr std::array kGlyphs{
    Glyph{U' ', 5, ""},
    Glyph{U'!', 0, "M0 0 L0 13 M0 19.5 L0 19.5"},
    Glyph{U'"', 4, "M0 0 L0 5 M4 0 L4 5"},
    Glyph{U'#', 12, "M4 2 L2 18 M10 2 L8 18 M0.5 7 L12 7 M0 13 L11.5 13"},
    Glyph{U'$', 12,
          "M11.5 3.5 Q10 0 6 0 Q0.5 0 0.5 5 Q0.5 9 6 10 Q12 11 12 15.3 Q12 20 6 20 Q1 20 0 16 "
          "M6 -3 L6 23"},
    Glyph{U'%', 16, "O3.5 4.5 3.5 4.5 0 360 O12.5 15.5 3.5 4.5 0 360 M13.5 0 L2.5 20"},
    Glyph{U'&', 14,
          "M14 20 L3 6.5 Q1.5 4.5 2.5 2 Q4 0 6 0 Q9.5 0 9.5 4 Q9.5 7 5 9.5 Q0 12 0 15.5 "
          "Q0 20 5 20 Q11 20 13.5 11"},
    Glyph{U'\'', 0, "M0 0 L0 5"},
    Glyph{U'(', 4.5F, "M4.5 -1.5 Q0 4 0 10.5 Q0 17 4.5 22.5"},
    Glyph{U')', 4.5F, "M0 -1.5 Q4.5 4 4.5 10.5 Q4.5 17 0 22.5"},
    Glyph{U'*', 8, "M4 0 L4 9 M0 2.2 L8 6.8 M8 2.2 L0 6.8"},
    Glyph{U'+', 11, "M5.5 5 L5.5 16 M0 10.5 L11 10.5"},
    Glyph{U',', 1.5F, "M1.5 19.5 L0 24"},
    Glyph{U'-', 7, "M0 12 L7 12"},
    Glyph{U'.', 0, "M0 19.5 L0 19.5"},
    Glyph{U'/', 8, "M0 22 L8 -1"},
    Glyph{U'0', 11.5F, "O5.75 10 5.75 10 0 360"},
    Glyph{U'1', 7, "M1 4 L6 0 L6 20"},
    Glyph{U'2', 11.5F, "M0.5 5 Q1 0 6 0 Q11 0 11 5.3 Q11 9 0 20 L11.5 20"},
    Glyph{U'3', 11.3F,
          "M0.5 3.5 Q2 0 5.7 0 Q10.5 0 10.5 4.8 Q10.5 9.5 5 9.6 Q11.3 9.6 11.3 14.8 "
          "Q11.3 20 5.5 20 Q1 20 0 16"},
    Glyph{U'4', 12, "M9 20 L9 0 L0 14 L12 14"},
    Glyph{U'5', 11.3F,
          "M10.3 0 L1.5 0 L1 9 Q2.5 7.5 5.5 7.5 Q11.3 7.5 11.3 13.7 Q11.3 20 5.5 20 "
          "Q1.3 20 0 16.5"},
    Glyph{U'6', 11.6F, "O5.8 13.8 5.8 6.2 0 360 M9.5 0 Q0 3 0 13.8"},
    Glyph{U'7', 11, "M0 0 L11 0 L4 20"},
    Glyph{U'8', 11.4F, "O5.7 5 4.9 5 0 360 O5.7 15 5.7 5 0 360"},
    Glyph{U'9', 11.6F, "O5.8 6.2 5.8 6.2 0 360 M11.6 6.2 Q11.6 17 2.1 20"},
    Glyph{U':', 0, "M0 9 L0 9 M0 19.5 L0 19.5"},
    Glyph{U';', 1.5F, "M1.5 9 L1.5 9 M1.5 19.5 L0 24"},
    Glyph{U'<', 10, "M10 5 L0 10.5 L10 16"},
    Glyph{U'=', 11, "M0 8 L11 8 M0 13.5 L11 13.5"},
    Glyph{U'>', 10, "M0 5 L10 10.5 L0 16"},
    Glyph{U'?', 9,
          "M0 4 Q0.5 0 4.7 0 Q9 0 9 4.2 Q9 7 6.5 8.8 Q4.5 10.3 4.5 13.5 M4.5 19.5 L4.5 19.5"},
    Glyph{U'@', 18,
          "O8.8 11 4 4.7 0 360 M12.8 6.5 L12.8 13 Q12.9 15.5 15 15.5 Q18 15.5 18 10.5 "
          "Q18 1.5 9 1.5 Q0 1.5 0 11 Q0 21 9.5 21 Q12.5 21 14.5 20"},
    Glyph{U'A', 14, "M0 20 L7 0 L14 20 M2.4 13.2 L11.6 13.2"},
    Glyph{U'B', 12,
          "M0 0 L0 20 L7 20 Q12 20 12 14.8 Q12 9.7 7 9.7 L0 9.7 M7 9.7 Q11 9.7 11 4.9 "
          "Q11 0 7 0 L0 0"},
    Glyph{U'C', 14, "O8 10 8 10 312 48"},
    Glyph{U'D', 13.5F, "M0 0 L0 20 L5 20 Q13.5 20 13.5 10 Q13.5 0 5 0 L0 0"},
    Glyph{U'E', 11, "M11 0 L0 0 L0 20 L11 20 M0 9.7 L9 9.7"},
    Glyph{U'F', 11, "M11 0 L0 0 L0 20 M0 9.7 L9 9.7"},
    Glyph{U'G', 16, "O8 10 8 10 314 4 M16 10.7 L9.5 10.7"},
    Glyph{U'H', 13, "M0 0 L0 20 M13 0 L13 20 M0 9.7 L13 9.7"},
    Glyph{U'I', 0, "M0 0 L0 20"},
    Glyph{U'J', 9, "M9 0 L9 14 Q9 20 4.5 20 Q0.5 20 0 15"},
    Glyph{U'K', 12.5F, "M0 0 L0 20 M12 0 L0 12 M4.5 8 L12.5 20"},
    Glyph{U'L', 10, "M0 0 L0 20 L10 20"},
    Glyph{U'M', 16, "M0 20 L0 0 L8 14 L16 0 L16 20"},
    Glyph{U'N', 13, "M0 20 L0 0 L13 20 L13 0"},
    Glyph{U'O', 16, "O8 10 8 10 0 360"},
    Glyph{U'P', 12, "M0 20 L0 0 L7 0 Q12 0 12 5.5 Q12 11 7 11 L0 11"},
    Glyph{U'Q', 16, "O8 10 8 10 0 360 M10 14.5 L16 21.5"},
    Glyph{U'R', 12.5F, "M0 20 L0 0 L7 0 Q12 0 12 5.3 Q12 10.6 7 10.6 L0 10.6 M6.5 10.6 L12.5 20"},
    Glyph{U'S', 12,
          "M11.5 3.5 Q10 0 6 0 Q0.5 0 0.5 5 Q0.5 9 6 10 Q12 11 12 15.3 Q12 20 6 20 Q1 20 0 16"},
    Glyph{U'T', 14, "M0 0 L14 0 M7 0 L7 20"},
    Glyph{U'U', 13, "M0 0 L0 13 Q0 20 6.5 20 Q13 20 13 13 L13 0"},
    Glyph{U'V', 14, "M0 0 L7 20 L14 0"},
    Glyph{U'W', 20, "M0 0 L5 20 L10 2 L15 20 L20 0"},
    Glyph{U'X', 13, "M0 0 L13 20 M13 0 L0 20"},
    Glyph{U'Y', 13, "M0 0 L6.5 10 L13 0 M6.5 10 L6.5 20"},
    Glyph{U'Z', 12, "M0 0 L12 0 L0 20 L12 20"},
    Glyph{U'[', 4, "M4 -1.5 L0 -1.5 L0 22.5 L4 22.5"},
    Glyph{U'\\', 8, "M0 -1 L8 22"},
    Glyph{U']', 4, "M0 -1.5 L4 -1.5 L4 22.5 L0 22.5"},
    Glyph{U'^', 9, "M0 6 L4.5 0 L9 6"},
    Glyph{U'_', 11, "M0 23 L11 23"},
    Glyph{U'`', 3.5F, "M0 0 L3.5 3.5"},
    Glyph{U'a', 10.5F, "O5.1 13.5 5.1 6.5 0 360 M10.5 7 L10.5 20"},
    Glyph{U'b', 10.5F, "M0 0 L0 20 O5.4 13.5 5.1 6.5 0 360"},
    Glyph{U'c', 9.7F, "O5.5 13.5 5.5 6.5 315 45"},
    Glyph{U'd', 10.5F, "O5.1 13.5 5.1 6.5 0 360 M10.5 0 L10.5 20"},
    Glyph{U'e', 11, "M0.2 13.3 L11 13.3 O5.5 13.5 5.5 6.5 358 42"},
    Glyph{U'f', 7, "M7 0.3 Q2.5 -1 2.5 5 L2.5 20 M0 7 L6.5 7"},
    Glyph{U'g', 10.5F, "O5.1 13.5 5.1 6.5 0 360 M10.5 7 L10.5 21 Q10.5 26 5 26 Q2 26 0.8 24"},
    Glyph{U'h', 10, "M0 0 L0 20 M0 12.5 Q0.5 7 5.3 7 Q10 7 10 12.5 L10 20"},
    Glyph{U'i', 0, "M0 7 L0 20 M0 2 L0 2"},
    Glyph{U'j', 4, "M4 7 L4 22 Q4 26 0 26 M4 2 L4 2"},
    Glyph{U'k', 9.5F, "M0 0 L0 20 M9 7 L0 15 M3.5 12 L9.5 20"},
    Glyph{U'l', 3, "M0 0 L0 17 Q0 20 3 20"},
    Glyph{U'm', 16,
          "M0 7 L0 20 M0 12.5 Q0.5 7 4.2 7 Q8 7 8 12.5 L8 20 M8 12.5 Q8.5 7 12.2 7 "
          "Q16 7 16 12.5 L16 20"},
    Glyph{U'n', 10, "M0 7 L0 20 M0 12.5 Q0.5 7 5.3 7 Q10 7 10 12.5 L10 20"},
    Glyph{U'o', 11, "O5.5 13.5 5.5 6.5 0 360"},
    Glyph{U'p', 10.5F, "M0 7 L0 26 O5.4 13.5 5.1 6.5 0 360"},
    Glyph{U'q', 10.5F, "O5.1 13.5 5.1 6.5 0 360 M10.5 7 L10.5 26"},
    Glyph{U'r', 6.5F, "M0 7 L0 20 M0 12.5 Q1 7 6.5 7.2"},
    Glyph{U's', 9,
          "M8.7 9 Q7.5 7 4.5 7 Q0.5 7 0.5 10.2 Q0.5 12.8 4.5 13.4 Q9 14 9 16.8 Q9 20 4.5 20 "
          "Q1 20 0 17.7"},
    Glyph{U't', 6.5F, "M2.5 2 L2.5 16.5 Q2.5 20.3 6.5 19.8 M0 7 L6.5 7"},
    Glyph{U'u', 10, "M0 7 L0 14.5 Q0 20 4.7 20 Q9.5 20 10 14.5 M10 7 L10 20"},
    Glyph{U'v', 10, "M0 7 L5 20 L10 7"},
    Glyph{U'w', 16, "M0 7 L4 20 L8 9 L12 20 L16 7"},
    Glyph{U'x', 10, "M0 7 L10 20 M10 7 L0 20"},
    Glyph{U'y', 10, "M0 7 L5 20 M10 7 L4.2 22.5 Q3 26 0 26"},
    Glyph{U'z', 9, "M0 7 L9 7 L0 20 L9 20"},
    Glyph{U'{', 5.5F,
          "M5.5 -1.5 Q2.5 -1.5 2.5 2 L2.5 7 Q2.5 10.5 0 10.5 Q2.5 10.5 2.5 14 "
          "L2.5 19 Q2.5 22.5 5.5 22.5"},
    Glyph{U'|', 0, "M0 -2 L0 24"},
    Glyph{U'}', 5.5F,
          "M0 -1.5 Q3 -1.5 3 2 L3 7 Q3 10.5 5.5 10.5 Q3 10.5 3 14 L3 19 "
          "Q3 22.5 0 22.5"},
    Glyph{U'~', 11, "M0 12 Q2.5 8 5.5 10.5 Q8.5 13 11 9"},
    Glyph{U'\u00a0', 5, ""},
    Glyph{U'¡', 0, "M0 26 L0 13 M0 7 L0 7"},
    Glyph{U'£', 12, "M11 4 Q10 0 6.5 0 Q3 0 3 4.5 L3 14 Q3 18 0 20 L12 20 M0 10.5 L8 10.5"},
    Glyph{U'«', 10, "M5 9 L0 13.5 L5 18 M10 9 L5 13.5 L10 18"},
    Glyph{U'°', 6, "O3 3 3 3 0 360"},
    Glyph{U'±', 11, "M5.5 3 L5.5 14 M0 8.5 L11 8.5 M0 18.5 L11 18.5"},
    Glyph{U'·', 0, "M0 11 L0 11"},
    Glyph{U'»', 10, "M0 9 L5 13.5 L0 18 M5 9 L10 13.5 L5 18"},
    Glyph{U'¿', 9,
          "M9 22 Q8.5 26 4.3 26 Q0 26 0 21.8 Q0 19 2.5 17.2 Q4.5 15.7 4.5 12.5 M4.5 7 L4.5 7"},
    Glyph{U'Æ', 20,
          "M20 0 L9 0 L0 20 M10.5 0 L10.5 20 L20 20 M10.5 9.7 L18 9.7 M3 13.5 L10.5 13.5"},
    Glyph{U'Ð', 15.5F, "M2 0 L2 20 L7 20 Q15.5 20 15.5 10 Q15.5 0 7 0 L2 0 M0 10 L7.5 10"},
    Glyph{U'Đ', 15.5F, "M2 0 L2 20 L7 20 Q15.5 20 15.5 10 Q15.5 0 7 0 L2 0 M0 10 L7.5 10"},
    Glyph{U'×', 9, "M0 6 L9 15 M9 6 L0 15"},
    Glyph{U'Ø', 16, "O8 10 8 10 0 360 M15 -1 L1 21"},
    Glyph{U'Þ', 12, "M0 20 L0 0 M0 4 L7 4 Q12 4 12 9.2 Q12 14.5 7 14.5 L0 14.5"},
    Glyph{U'ß', 11,
          "M0 20 L0 5.5 Q0 0 5 0 Q9.5 0 9.5 4 Q9.5 7 7 8.5 Q5 9.7 7 11.3 Q11 14 11 16.3 "
          "Q11 20 7 20 Q5 20 4 19"},
    Glyph{U'æ', 18,
          "O5 13.5 5 6.5 0 360 M10 7 L10 20 M10 13.3 L18 13.3 O14 13.5 4 6.5 182 358 "
          "O14 13.5 4 6.5 180 42"},
    Glyph{U'ð', 11, "O5.5 13.8 5.5 6.2 0 360 M2.5 0 Q11 3 11 13.8 M2 5 L8.5 0.8"},
    Glyph{U'÷', 11, "M0 10.5 L11 10.5 M5.5 5 L5.5 5 M5.5 16 L5.5 16"},
    Glyph{U'ø', 11, "O5.5 13.5 5.5 6.5 0 360 M10.5 6 L0.5 21"},
    Glyph{U'þ', 10.5F, "M0 0 L0 26 O5.4 13.5 5.1 6.5 0 360"},
    Glyph{U'đ', 12, "O5.1 13.5 5.1 6.5 0 360 M10.5 0 L10.5 20 M6 3.5 L13 3.5"},
    Glyph{U'ı', 0, "M0 7 L0 20"},
    Glyph{U'Ł', 12, "M2 0 L2 20 L12 20 M0 12.5 L7.5 7.5"},
    Glyph{U'ł', 6, "M3 0 L3 17 Q3 20 6 20 M0 12.5 L6 8.5"},
    Glyph{U'Œ', 21, "O8 10 8 10 300 60 M21 0 L12 0 L12 20 L21 20 M12 9.7 L19.5 9.7"},
    Glyph{U'œ', 19, "O5.2 13.5 5.2 6.5 0 360 M10.4 13.3 L19 13.3 O14.7 13.5 4.3 6.5 358 42"},
    Glyph{U'–', 10, "M0 12 L10 12"},
    Glyph{U'—', 17, "M0 12 L17 12"},
    Glyph{U'‘', 1.5F, "M1.5 0 L0 4.5"},
    Glyph{U'’', 1.5F, "M1.5 0 L0 4.5"},
    Glyph{U'“', 6, "M1.5 0 L0 4.5 M6 0 L4.5 4.5"},
    Glyph{U'”', 6, "M1.5 0 L0 4.5 M6 0 L4.5 4.5"},
    Glyph{U'…', 12, "M0 19.5 L0 19.5 M6 19.5 L6 19.5 M12 19.5 L12 19.5"},
    Glyph{U'€', 14, "O8.5 10 6.5 10 312 48 M0 7.5 L10 7.5 M0 12.5 L9 12.5"},
};

constexpr Glyph kBox{U'\0', 10, "M0 0 L10 0 L10 20 L0 20 L0 0"};

/// An accent, its path about the middle of the letter; 0 is the letter's upper edge, or for marks
/// below the base line. `letters` are pairs: composed, base.
struct Mark {
  char32_t combining;
  bool below;
  std::string_view path;
  std::u32string_view letters;
};

constexpr std::array kMarks{
    Mark{U'\u0300', false, "M-2.7 -6.2 L1 -3", U"ÀAÈEÌIÒOÙUàaèeìıòoùu"},
    Mark{U'\u0301', false, "M2.7 -6.2 L-1 -3", U"ÁAÉEÍIÓOÚUÝYáaéeíıóoúuýyĆCćcŃNńnŚSśsŹZźzĹLĺlŔRŕr"},
    Mark{U'\u0302', false, "M-3.6 -3 L0 -6.4 L3.6 -3",
         U"ÂAÊEÎIÔOÛUâaêeîıôoûuĈCĉcĜGĝgĤHĥhĴJĵjŜSŝsŴWŵwŶYŷy"},
    Mark{U'\u0303', false, "M-4.2 -3.3 Q-2.2 -6.8 0 -4.7 Q2.2 -2.6 4.2 -6",
         U"ÃAÑNÕOãañnõoĨIĩıŨUũu"},
    Mark{U'\u0304', false, "M-4 -4.5 L4 -4.5", U"ĀAāaĒEēeĪIīıŌOōoŪUūu"},
    Mark{U'\u0306', false, "M-3.6 -6.4 Q0 -1.5 3.6 -6.4", U"ĂAăaĔEĕeĞGğgĬIĭıŎOŏoŬUŭu"},
    Mark{U'\u0307', false, "M0 -4.8 L0 -4.8", U"ĊCċcĖEėeĠGġgİIŻZżz"},
    Mark{U'\u0308', false, "M-2.9 -4.8 L-2.9 -4.8 M2.9 -4.8 L2.9 -4.8",
         U"ÄAËEÏIÖOÜUŸYäaëeïıöoüuÿy"},
    Mark{U'\u030a', false, "O0 -4.7 2.2 2.2 0 360", U"ÅAåaŮUůu"},
    Mark{U'\u030b', false, "M-0.5 -6.2 L-2.8 -3 M4 -6.2 L1.7 -3", U"ŐOőoŰUűu"},
    Mark{U'\u030c', false, "M-3.6 -6.4 L0 -3 L3.6 -6.4", U"ČCčcĎDďdĚEěeŇNňnŘRřrŠSšsŤTťtŽZžz"},
    Mark{U'\u0326', true, "M0.6 2.6 L-0.6 6", U"ȘSșsȚTțtĢGĶKķkĻLļlŅNņnŖRŗr"},
    Mark{U'\u0327', true, "M0.5 0.5 Q3.5 2.5 1.5 4.7 Q0 6 -2.5 5.2", U"ÇCçcŞSşsŢTţt"},
    Mark{U'\u0328', true, "M2.5 0 Q-0.5 3 1.5 5 Q3 6 4.5 5.2", U"ĄAąaĘEęeĮIįiŲUųu"},
};

const Glyph& find_glyph(char32_t code) {
  const auto* found = std::ranges::find(kGlyphs, code, &Glyph::code);
  return found != kGlyphs.end() ? *found : kBox;
}

/// Reads one UTF-8 sequence off the front. A byte that begins none is U+FFFD, for which there is no
/// glyph.
char32_t take_code_point(std::string_view& text) {
  constexpr char32_t kReplacement = 0xFFFD;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  std::size_t length = 1;
  char32_t code = lead;
  if (lead >= 0xC2 && lead < 0xE0)
    length = 2, code = lead & 0x1FU;
  else if (lead >= 0xE0 && lead < 0xF0)
    length = 3, code = lead & 0x0FU;
  else if (lead >= 0xF0 && lead < 0xF5)
    length = 4, code = lead & 0x07U;
  else if (lead >= 0x80)
    code = kReplacement;
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || (byte(i) & 0xC0U) != 0x80U) {
      length = i;
      code = kReplacement;
      break;
    }
    code = code << 6 | (byte(i) & 0x3FU);
  }
  text.remove_prefix(length);
  return code;
}

/// Walks a path and appends its strokes, moved by (dx, dy).
class Pen {
 public:
  Pen(std::vector<Stroke>& strokes, float dx, float dy) : strokes_(strokes), dx_(dx), dy_(dy) {}

  void follow(std::string_view path) {
    rest_ = path;
    while (!rest_.empty()) {
      const char command = rest_.front();
      rest_.remove_prefix(1);
      if (command == 'M') move();
      if (command == 'L') draw();
      if (command == 'Q') parabola();
      if (command == 'O') arc();
    }
  }

 private:
  float number() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    float value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  void move() {
    const float x = number();
    jump(x, number());
  }
  void draw() {
    const float x = number();
    line(x, number());
  }
  void jump(float x, float y) {
    x_ = x;
    y_ = y;
  }
  void line(float x, float y) {
    strokes_.push_back({.x0 = x_ + dx_, .y0 = y_ + dy_, .x1 = x + dx_, .y1 = y + dy_});
    jump(x, y);
  }
  void parabola() {
    const float cx = number(), cy = number(), x = number(), y = number();
    const float sx = x_, sy = y_;
    constexpr int kPieces = 6;
    for (int i = 1; i <= kPieces; ++i) {
      const float t = static_cast<float>(i) / kPieces;
      const float a = (1 - t) * (1 - t), b = 2 * t * (1 - t), c = t * t;
      line(a * sx + b * cx + c * x, a * sy + b * cy + c * y);
    }
  }
  void arc() {
    const float cx = number(), cy = number(), rx = number(), ry = number();
    const float from = number(), to = number();
    const int pieces = std::max(2, static_cast<int>(std::abs(to - from) / 15));
    const auto point = [&](int i, auto&& visit) {
      const float degrees = from + (to - from) * static_cast<float>(i) / static_cast<float>(pieces);
      const float angle = degrees * std::numbers::pi_v<float> / 180;
      visit(cx + rx * std::cos(angle), cy + ry * std::sin(angle));
    };
    point(0, [&](float x, float y) { jump(x, y); });
    for (int i = 1; i <= pieces; ++i) point(i, [&](float x, float y) { line(x, y); });
  }

  std::vector<Stroke>& strokes_;
  std::string_view rest_;
  float dx_, dy_;
  float x_ = 0, y_ = 0;
};

bool is_tall(char32_t base) {
  return (base >= U'A' && base <= U'Z') || std::u32string_view(U"bdfhklt").contains(base);
}

class Line {
 public:
  void add(char32_t code) {
    for (const Mark& mark : kMarks) {
      if (code == mark.combining) return put_mark(mark);
      const std::size_t at = mark.letters.find(code);
      // Pairs: composed letters have the even places, and none of them is another one's base.
      if (at == std::u32string_view::npos || at % 2 != 0) continue;
      put_letter(mark.letters[at + 1]);
      return put_mark(mark);
    }
    put_letter(code);
  }
  [[nodiscard]] TextStrokes finish() && { return std::move(text_); }

 private:
  void put_letter(char32_t code) {
    const Glyph& glyph = find_glyph(code);
    constexpr float kGap = 5.2F;
    left_ = begun_ ? text_.width + kGap : 0;
    begun_ = true;
    letter_ = &glyph;
    first_ = text_.strokes.size();
    Pen(text_.strokes, left_, 0).follow(glyph.path);
    text_.width = left_ + glyph.width;
  }
  void put_mark(const Mark& mark) {
    if (letter_ == nullptr) put_letter(U' ');
    if (!mark.below && (letter_->code == U'i' || letter_->code == U'j'))
      text_.strokes.pop_back();  // its dot is the last stroke
    make_room();
    const float top = is_tall(letter_->code) ? 0.0F : 7.0F;
    Pen(text_.strokes, (left_ + text_.width) / 2, mark.below ? 20.0F : top).follow(mark.path);
  }

  /// A letter narrower than its accent moves away from its neighbours.
  void make_room() {
    constexpr float kMarkWidth = 6;
    const float lack = kMarkWidth - (text_.width - left_);
    if (lack <= 0) return;
    for (std::size_t i = first_; i < text_.strokes.size(); ++i) {
      text_.strokes[i].x0 += lack / 2;
      text_.strokes[i].x1 += lack / 2;
    }
    text_.width += lack;
  }

  TextStrokes text_;
  const Glyph* letter_ = nullptr;
  float left_ = 0;
  std::size_t first_ = 0;  ///< The current letter's first stroke.
  bool begun_ = false;
};

}  // namespace

TextStrokes set_text(std::string_view utf8) {
  Line line;
  while (!utf8.empty()) line.add(take_code_point(utf8));
  return std::move(line).finish();
}

}  // namespace visavis::image
