#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <utility>
#include <vector>

#include "codec.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

int read_bytes(GifFileType* gif, GifByteType* to, int wanted) {
  auto& rest = *static_cast<Bytes*>(gif->UserData);
  const std::size_t n = std::min(rest.size(), static_cast<std::size_t>(std::max(wanted, 0)));
  if (n > 0) std::memcpy(to, rest.data(), n);
  rest = rest.subspan(n);
  return static_cast<int>(n);
}

struct Close {
  void operator()(GifFileType* gif) const noexcept { DGifCloseFile(gif, nullptr); }
};

/// Reads the blocks up to the next picture. @return false if none comes.
bool next_picture(GifFileType* gif, int& transparent) {
  GifRecordType type = UNDEFINED_RECORD_TYPE;
  while (DGifGetRecordType(gif, &type) == GIF_OK) {
    if (type == IMAGE_DESC_RECORD_TYPE) return true;
    if (type != EXTENSION_RECORD_TYPE) return false;
    int code = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(gif, &code, &block) != GIF_OK) return false;
    while (block != nullptr) {
      GraphicsControlBlock control{};
      if (code == GRAPHICS_EXT_FUNC_CODE &&
          DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent = control.TransparentColor;
      if (DGifGetExtensionNext(gif, &block) != GIF_OK) return false;
    }
  }
  return false;
}

/// The order of an interlaced picture's rows: every 8th from 0, every 8th from 4, …
std::vector<int> row_order(int height, bool interlaced) {
  struct Pass {
    int first, step;
  };
  constexpr std::array kPasses{Pass{0, 8}, Pass{4, 8}, Pass{2, 4}, Pass{1, 2}};
  constexpr std::array kAll{Pass{0, 1}};
  std::vector<int> order;
  order.reserve(static_cast<std::size_t>(height));
  const auto walk = [&](const auto& passes) {
    for (const Pass pass : passes)
      for (int y = pass.first; y < height; y += pass.step) order.push_back(y);
  };
  interlaced ? walk(kPasses) : walk(kAll);
  return order;
}

struct Painter {
  Image& canvas;
  const ColorMapObject& colours;
  int transparent;
  bool shows_through = false;

  void paint(const std::vector<GifPixelType>& line, int left, int y) {
    const int columns = std::min(static_cast<int>(line.size()), canvas.width() - left);
    if (y >= canvas.height()) return;
    for (int x = 0; x < columns; ++x) {
      const int index = line[static_cast<std::size_t>(x)];
      if (index == transparent) {
        shows_through = true;
        continue;
      }
      const GifColorType colour =
          index < colours.ColorCount ? colours.Colors[index] : GifColorType{};
      std::uint8_t* p = canvas.row(y) + std::ptrdiff_t{3} * (left + x);
      p[0] = colour.Red;
      p[1] = colour.Green;
      p[2] = colour.Blue;
    }
  }
};

std::unexpected<Error> explain(const Bytes& rest) {
  return rest.empty() ? truncated_header("GIF") : damaged("GIF");
}

}  // namespace

Result<Raw> decode_gif(Bytes bytes, const DecodeOptions& options) {
  Bytes rest = bytes;
  int error = 0;
  const std::unique_ptr<GifFileType, Close> gif(DGifOpen(&rest, read_bytes, &error));
  if (!gif) return explain(rest);
  int transparent = NO_TRANSPARENT_COLOR;
  if (!next_picture(gif.get(), transparent) || DGifGetImageDesc(gif.get()) != GIF_OK)
    return explain(rest);
  const GifImageDesc& frame = gif->Image;
  const int width = gif->SWidth > 0 ? gif->SWidth : frame.Width;
  const int height = gif->SHeight > 0 ? gif->SHeight : frame.Height;
  for (const auto& [w, h] : {std::pair{width, height}, std::pair{frame.Width, frame.Height}})
    VISAVIS_CHECK(
        check_size(static_cast<std::uint64_t>(w), static_cast<std::uint64_t>(h), options));
  const ColorMapObject* colours = frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap;
  if (colours == nullptr) return damaged("GIF");

  Raw raw;
  raw.full_width = width;
  raw.full_height = height;
  raw.image = Image(width, height);
  std::ranges::fill(raw.image.bytes(), std::uint8_t{255});
  Painter painter{.canvas = raw.image, .colours = *colours, .transparent = transparent};
  std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
  painter.shows_through =
      frame.Left > 0 || frame.Top > 0 || frame.Width < width || frame.Height < height;
  int rows = 0;
  for (const int y : row_order(frame.Height, frame.Interlace)) {
    if (DGifGetLine(gif.get(), line.data(), frame.Width) != GIF_OK) break;
    painter.paint(line, frame.Left, frame.Top + y);
    ++rows;
  }
  const bool whole = rows == frame.Height;
  if (!whole) {
    // The rows of an interlaced picture lie scattered until the last one is there.
    const int good = frame.Interlace ? 0 : rows;
    const int reached = good == 0 ? 0 : std::min(frame.Top + good, height);
    VISAVIS_CHECK(accept_rows(reached, rest.empty(), raw));
  }
  if (painter.shows_through) note_alpha(raw.warnings);
  if (whole && next_picture(gif.get(), transparent))
    raw.warnings.emplace_back("only the first frame was read");
  return raw;
}

}  // namespace visavis::image
