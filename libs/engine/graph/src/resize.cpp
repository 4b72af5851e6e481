#include "visavis/graph/resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/graph/shapes.hpp>

#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"

namespace visavis::graph {
namespace {

std::unexpected<Error> wrong(const Node& node, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, node.op + ": " + std::string(what));
}

std::unexpected<Error> unsupported(const Node& node, std::string_view what) {
  return fail(ErrorCode::kUnsupported, node.op + ": " + std::string(what));
}

constexpr auto kCoordinates = std::to_array<std::pair<std::string_view, Coordinates>>(
    {{"asymmetric", Coordinates::kAsymmetric},
     {"half_pixel", Coordinates::kHalfPixel},
     {"pytorch_half_pixel", Coordinates::kPytorchHalfPixel},
     {"align_corners", Coordinates::kAlignCorners},
     {"tf_half_pixel_for_nn", Coordinates::kTfHalfPixel}});

constexpr auto kNearest = std::to_array<std::pair<std::string_view, Nearest>>(
    {{"floor", Nearest::kFloor},
     {"ceil", Nearest::kCeil},
     {"round_prefer_floor", Nearest::kPreferFloor},
     {"round_prefer_ceil", Nearest::kPreferCeil}});

float place(const Resizing& how, const ResizeAxis& axis, std::int64_t at) {
  const auto x = static_cast<float>(at);
  switch (how.coordinates) {
    case Coordinates::kAsymmetric:
      return x / axis.scale;
    case Coordinates::kTfHalfPixel:
      return (x + .5F) / axis.scale;
    case Coordinates::kAlignCorners:
      if (axis.out < 2) return 0;
      return x * static_cast<float>(axis.in - 1) / static_cast<float>(axis.out - 1);
    case Coordinates::kPytorchHalfPixel:
      if (axis.out < 2) return 0;
      break;
    case Coordinates::kHalfPixel:
      break;
  }
  return (x + .5F) / axis.scale - .5F;
}

float rounded(Nearest how, float place, bool shrinks) {
  switch (how) {
    case Nearest::kFloor:
      return std::floor(place);
    case Nearest::kCeil:
      return std::ceil(place);
    case Nearest::kPreferFloor:
      return std::ceil(place - .5F);
    case Nearest::kPreferCeil:
      return std::floor(place + .5F);
    case Nearest::kSimple:
      break;
  }
  return shrinks ? std::ceil(place) : std::floor(place);
}

/// What operator sets before 11 have no attributes for.
Result<Resizing> modes_of(const Node& node, std::int64_t opset) {
  Resizing out;
  const auto mode = node.get_or<std::string>("mode", "nearest");
  if (mode != "nearest" && mode != "linear") return unsupported(node, "the mode " + mode);
  out.linear = mode == "linear";
  if (node.op == "Upsample" || opset < 11) {
    out.coordinates = Coordinates::kAsymmetric;
    out.nearest = Nearest::kSimple;
    return out;
  }
  const auto coordinates = node.get_or<std::string>("coordinate_transformation_mode", "half_pixel");
  const auto nearest = node.get_or<std::string>("nearest_mode", "round_prefer_floor");
  const auto* known = std::ranges::find(kCoordinates, coordinates,
                                        &std::pair<std::string_view, Coordinates>::first);
  const auto* way =
      std::ranges::find(kNearest, nearest, &std::pair<std::string_view, Nearest>::first);
  if (known == kCoordinates.end()) return unsupported(node, "the coordinates " + coordinates);
  if (way == kNearest.end()) return unsupported(node, "the rounding " + nearest);
  if (out.linear && known->second == Coordinates::kTfHalfPixel)
    return unsupported(node, "the coordinates " + coordinates + " of other than the nearest");
  if (node.get_or<std::int64_t>("antialias", 0) != 0) return unsupported(node, "antialiasing");
  if (node.get_or<std::string>("keep_aspect_ratio_policy", "stretch") != "stretch")
    return unsupported(node, "an aspect ratio that is kept");
  out.coordinates = known->second;
  out.nearest = way->second;
  return out;
}

}  // namespace

Shape Resizing::shape() const {
  Shape out;
  for (const ResizeAxis& axis : axes) out.push_back(axis.out);
  return out;
}

ResizeTap Resizing::tap(const ResizeAxis& axis, std::int64_t at) const {
  const auto last = static_cast<float>(axis.in - 1);
  const float from = place(*this, axis, at);
  if (!linear) {
    const float whole = std::clamp(rounded(nearest, from, axis.scale < 1), 0.F, last);
    const auto index = std::min(static_cast<std::int64_t>(whole), axis.in - 1);
    return {.first = index, .second = index, .weight = 0};
  }
  const float on = std::clamp(from, 0.F, last);
  const auto first = std::min(static_cast<std::int64_t>(on), axis.in - 1);
  return {.first = first,
          .second = std::min(first + 1, axis.in - 1),
          .weight = on - static_cast<float>(first)};
}

bool Resizing::is_like(const ResizeAxis& axis, Coordinates other_coordinates,
                       Nearest other_nearest) const {
  constexpr double kRounding = 1e-6;
  const Resizing other{
      .linear = linear, .coordinates = other_coordinates, .nearest = other_nearest};
  const ResizeAxis by_size = {.in = axis.in,
                              .out = axis.out,
                              .scale = static_cast<float>(axis.out) / static_cast<float>(axis.in)};
  for (std::int64_t at = 0; at < axis.out; ++at) {
    const ResizeTap a = tap(axis, at);
    const ResizeTap b = other.tap(by_size, at);
    const double apart =
        static_cast<double>(a.first - b.first) + double{a.weight} - double{b.weight};
    if (std::abs(apart) > kRounding * static_cast<double>(axis.in)) return false;
  }
  return true;
}

std::optional<float> exact_scale(std::int64_t in, std::int64_t out) {
  const float scale = static_cast<float>(out) / static_cast<float>(in);
  // Two numbers of 24 bits: the product is exact.
  if (double{scale} * static_cast<double>(in) != static_cast<double>(out)) return std::nullopt;
  return scale;
}

ResizeInputs resize_inputs(const Node& node, std::int64_t opset) {
  const auto there = [&](std::size_t i) -> std::optional<std::size_t> {
    if (i < node.inputs.size() && !node.inputs[i].empty()) return i;
    return std::nullopt;
  };
  if (node.op == "Upsample" || opset < 11) return {.scales = there(1), .sizes = std::nullopt};
  return {.scales = there(2), .sizes = there(3)};
}

Result<std::vector<std::size_t>> resize_axes(const Node& node, std::size_t rank) {
  std::vector<std::size_t> out;
  const auto* given = node.find("axes");
  if (given == nullptr) {
    for (std::size_t axis = 0; axis < rank; ++axis) out.push_back(axis);
    return out;
  }
  for (const std::int64_t axis : node.get_or<std::vector<std::int64_t>>("axes", {})) {
    const auto counted = axis_among(axis, rank);
    if (!counted) return wrong(node, "an axis that its input does not have");
    if (std::ranges::find(out, *counted) != out.end()) return wrong(node, "an axis twice");
    out.push_back(*counted);
  }
  return out;
}

Result<Resizing> resizing_of(const Node& node, std::int64_t opset, const Shape& x,
                             std::span<const float> scales, std::span<const std::int64_t> sizes) {
  VISAVIS_TRY(out, modes_of(node, opset));
  VISAVIS_TRY(axes, resize_axes(node, x.size()));
  for (const std::int64_t n : x) out.axes.push_back({.in = n, .out = n});
  const auto attribute = node.get_or<std::vector<float>>("scales", {});
  if (scales.empty()) scales = attribute;
  if (scales.empty() == sizes.empty()) return wrong(node, "it wants either scales or sizes");
  if (std::max(scales.size(), sizes.size()) != axes.size())
    return wrong(node, "scales or sizes for other axes");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& axis = out.axes[axes[i]];
    if (sizes.empty()) {
      axis.scale = scales[i];
      const float size = std::floor(static_cast<float>(axis.in) * axis.scale);
      // The negation refuses what is no number, too.
      if (!(axis.scale > 0 && size <= static_cast<float>(kMaxElements)))
        return wrong(node, "a scale out of range");
      axis.out = static_cast<std::int64_t>(size);
    } else {
      if (sizes[i] < 0 || sizes[i] > kMaxElements) return wrong(node, "a size out of range");
      axis.out = sizes[i];
      axis.scale = axis.in == 0 ? 1.F : static_cast<float>(axis.out) / static_cast<float>(axis.in);
    }
    if (axis.in == 0 && axis.out != 0) return wrong(node, "an input without numbers");
  }
  return out;
}

}  // namespace visavis::graph
