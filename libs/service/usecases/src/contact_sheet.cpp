#include "contact_sheet.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/report/html.hpp>

#include "numbers.hpp"

namespace visavis::usecases {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Groups of faces</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 1rem; }
h2 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
section { display: flex; flex-wrap: wrap; gap: 4px; }
img { width: 80px; height: 80px; border-radius: 4px; }
</style></head><body>
)";

/// RFC 4648.
std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three =
          (three << 8U) | (i + k < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kDigits[(three >> (18 - 6 * k)) & 63U] : '=';
  }
  return text;
}

std::string picture(const ClusteredFace& face, const std::vector<std::byte>& thumbnail) {
  const std::string name = report::escaped(face.path);
  return "<img src=\"data:image/jpeg;base64," + base64(thumbnail) + "\" alt=\"face in " + name +
         "\" title=\"" + name + "\">\n";
}

}  // namespace

std::string contact_sheet(const Clustering& clustering,
                          std::span<const std::vector<std::byte>> thumbnails) {
  const std::vector<ClusteredFace>& faces = clustering.faces;
  std::string html(kHead);
  html += "<h1>" + std::to_string(faces.size()) + " faces, " + std::to_string(clustering.groups) +
          " groups</h1>\n<p>Neighbours from a similarity of " +
          shortest(static_cast<float>(clustering.bar.threshold)) + " on.</p>\n";
  std::size_t i = 0;
  while (i < faces.size()) {
    std::size_t end = i + 1;
    while (end < faces.size() && faces[end].group == faces[i].group) ++end;
    if (end - i == 1) break;  // by falling size: from here on all are alone
    html += "<h2>Group " + std::to_string(faces[i].group + 1) + ": " + std::to_string(end - i) +
            " faces</h2>\n<section>\n";
    for (; i < end; ++i) html += picture(faces[i], thumbnails[i]);
    html += "</section>\n";
  }
  if (i < faces.size()) {
    html += "<h2>Alone: " + std::to_string(faces.size() - i) + " faces</h2>\n<section>\n";
    for (; i < faces.size(); ++i) html += picture(faces[i], thumbnails[i]);
    html += "</section>\n";
  }
  return html + "</body></html>\n";
}

}  // namespace visavis::usecases
