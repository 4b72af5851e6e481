#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "visavis/import/costs.hpp"

namespace visavis::modelkit {
namespace {

constexpr int kRow = 26;
constexpr int kBox = 20;
constexpr int kLeft = 16;
constexpr int kWidth = 620;
constexpr int kTop = 48;
constexpr int kArcs = 220;  // room at the right
constexpr std::size_t kMostText = 40;

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text.substr(0, kMostText)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else if (c == '"') {
      safe += "&quot;";
    } else {
      safe += byte >= 0x20 && byte < 0x7f ? c : '?';
    }
  }
  return safe;
}

std::string_view colour_of(std::string_view op) {
  constexpr auto kHeavy =
      std::to_array<std::string_view>({"Conv", "ConvTranspose", "Gemm", "MatMul"});
  constexpr auto kPools = std::to_array<std::string_view>(
      {"AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "ReduceMean"});
  constexpr auto kBends =
      std::to_array<std::string_view>({"Clip", "Elu", "HardSigmoid", "HardSwish", "LeakyRelu",
                                       "PRelu", "Relu", "Sigmoid", "Softmax", "Tanh"});
  const auto among = [&](const auto& ops) { return std::ranges::find(ops, op) != ops.end(); };
  if (among(kHeavy)) return "#cfe2f3";
  if (among(kPools)) return "#d9ead3";
  if (among(kBends)) return "#fce5cd";
  return "#eeeeee";
}

std::string shape_text(const graph::Shape& shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text;
}

std::string scaled(std::uint64_t n) {
  if (n >= 10'000'000) return std::to_string(n / 1'000'000) + " M";
  if (n >= 10'000) return std::to_string(n / 1'000) + " k";
  return std::to_string(n);
}

int middle(std::size_t row) { return kTop + static_cast<int>(row) * kRow + kBox / 2; }

std::string text_at(int x, int y, std::string_view text, std::string_view more = "") {
  return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\"" +
         std::string(more) + ">" + std::string(text) + "</text>\n";
}

std::string box(const LayerCost& layer, std::size_t row) {
  const int y = middle(row) - kBox / 2;
  std::string svg = "<rect x=\"" + std::to_string(kLeft) + "\" y=\"" + std::to_string(y) +
                    "\" width=\"" + std::to_string(kWidth) + "\" height=\"" + std::to_string(kBox) +
                    "\" rx=\"4\" fill=\"" + std::string(colour_of(layer.op)) +
                    "\" stroke=\"#888888\"/>\n";
  const int base = y + kBox - 6;
  svg += text_at(kLeft + 8, base, escaped(layer.op), " font-weight=\"bold\"");
  svg += text_at(kLeft + 140, base, escaped(layer.name));
  svg += text_at(kLeft + 380, base, shape_text(layer.shape));
  if (layer.multiply_adds != 0)
    svg += text_at(kLeft + kWidth - 8, base, scaled(layer.multiply_adds) + " mul-adds",
                   " text-anchor=\"end\"");
  return svg;
}

/// To the next layer straight down, to a later one around those between.
std::string edge(std::size_t from, std::size_t to) {
  const std::string stroke = "\" fill=\"none\" stroke=\"#555555\"/>\n";
  if (to == from + 1) {
    const std::string x = std::to_string(kLeft + 70);
    return "<path d=\"M " + x + " " + std::to_string(middle(from) + kBox / 2) + " V " +
           std::to_string(middle(to) - kBox / 2) + stroke;
  }
  const int right = kLeft + kWidth;
  const int out =
      right + std::min(kArcs - 10, 12 * static_cast<int>(std::min<std::size_t>(to - from, 64)));
  const std::string x = std::to_string(right);
  const std::string c = std::to_string(out);
  const std::string y = std::to_string(middle(to));
  return "<path d=\"M " + x + " " + std::to_string(middle(from)) + " C " + c + " " +
         std::to_string(middle(from)) + " " + c + " " + y + " " + x + " " + y + stroke;
}

}  // namespace

std::string draw(const Costs& costs, const std::string& title) {
  const int height = kTop + static_cast<int>(costs.layers.size()) * kRow + 16;
  const std::string size = std::to_string(kLeft + kWidth + kArcs);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"" + size +
                    "\" height=\"" + std::to_string(height) +
                    "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" "
                    "height=\"100%\" fill=\"#ffffff\"/>\n";
  svg += text_at(kLeft, 28,
                 escaped(title) + ": " + std::to_string(costs.layers.size()) + " layers, " +
                     scaled(costs.multiply_adds) + " multiply-adds",
                 " font-size=\"15\"");
  for (std::size_t row = 0; row < costs.layers.size(); ++row) {
    for (const std::size_t source : costs.layers[row].sources) svg += edge(source, row);
    svg += box(costs.layers[row], row);
  }
  return svg + "</svg>\n";
}

}  // namespace visavis::modelkit
