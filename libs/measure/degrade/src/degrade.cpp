#include "visavis/degrade/degrade.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/image/encode.hpp"
#include "visavis/image/resize.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::degrade {
namespace {

struct Range {
  std::string_view name;
  double least;
  bool least_is_allowed;
  double most;
  bool is_whole;
};

// In the order of the enumerators.
constexpr std::array<Range, 5> kRanges = {{
    {.name = "downscale", .least = 1, .least_is_allowed = true, .most = 64, .is_whole = false},
    {.name = "blur", .least = 0, .least_is_allowed = false, .most = 64, .is_whole = false},
    {.name = "jpeg", .least = 1, .least_is_allowed = true, .most = 100, .is_whole = true},
    {.name = "noise", .least = 0, .least_is_allowed = false, .most = 128, .is_whole = false},
    {.name = "dark", .least = 0, .least_is_allowed = false, .most = 1, .is_whole = false},
}};
constexpr std::size_t kMaxSteps = 8;
constexpr std::size_t kMaxWays = 256;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): near
/// numbers become far ones.
std::uint64_t scattered(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

std::uint8_t to_level(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

image::Window whole(ImageView image) { return {.width = image.width, .height = image.height}; }

std::vector<double> gaussian(double sigma) {
  const int reach = static_cast<int>(std::ceil(3 * sigma));
  std::vector<double> weights;
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    weights.push_back(std::exp(-i * i / (2 * sigma * sigma)));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// `count` values that lie `step` apart, smoothed along themselves.
void smooth(std::span<const double> weights, double* first, std::ptrdiff_t step, int count,
            std::vector<double>& line) {
  line.resize(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) line[static_cast<std::size_t>(i)] = first[i * step];
  const int reach = static_cast<int>(weights.size() / 2);
  for (int i = 0; i < count; ++i) {
    double sum = 0;
    int from = i - reach;
    for (const double weight : weights)
      sum += weight * line[static_cast<std::size_t>(std::clamp(from++, 0, count - 1))];
    first[i * step] = sum;
  }
}

Result<double> parse_strength(std::string_view text, const Range& range) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  // Written so that NaN fits nowhere.
  const bool fits = is_number && value <= range.most &&
                    (value > range.least || (range.least_is_allowed && value == range.least)) &&
                    (!range.is_whole || value == std::floor(value));
  if (!fits)
    return fail(ErrorCode::kInvalidArgument,
                "the strength of " + std::string(range.name) + " is out of its range");
  return value;
}

Result<Step> parse_step(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view name = text.substr(0, colon);
  const auto range = std::ranges::find(kRanges, name, &Range::name);
  if (range == kRanges.end() || colon == text.size())
    return fail(ErrorCode::kInvalidArgument,
                "a degradation is one of downscale:N, blur:N, jpeg:N, noise:N and dark:N");
  VISAVIS_TRY(strength, parse_strength(text.substr(colon + 1), *range));
  return Step{.kind = static_cast<Kind>(range - kRanges.begin()), .strength = strength};
}

Result<Image> apply(ImageView image, const Step& step, std::uint64_t seed) {
  switch (step.kind) {
    case Kind::kDownscale:
      return downscale(image, step.strength);
    case Kind::kBlur:
      return blur(image, step.strength);
    case Kind::kJpeg:
      return jpeg(image, static_cast<int>(step.strength));
    case Kind::kNoise:
      return noise(image, step.strength, seed);
    case Kind::kDarken:
      return darken(image, step.strength);
  }
  return fail(ErrorCode::kInternal, "there is no such degradation");
}

}  // namespace

Image downscale(ImageView image, double factor) {
  const auto smaller = [&](int side) {
    return std::max(1, static_cast<int>(std::floor(side / factor + 0.5)));
  };
  const Image small =
      image::resize_area(image, whole(image), smaller(image.width), smaller(image.height));
  return image::resize_bilinear(small.view(), whole(small.view()), image.width, image.height);
}

Image blur(ImageView image, double sigma_px) {
  const std::vector<double> weights = gaussian(sigma_px);
  const std::ptrdiff_t row = std::ptrdiff_t{3} * image.width;
  std::vector<double> values(image.rgb, image.rgb + row * image.height);
  std::vector<double> line;
  for (int y = 0; y < image.height; ++y)
    for (int c = 0; c < 3; ++c) smooth(weights, &values[0] + y * row + c, 3, image.width, line);
  for (std::ptrdiff_t x = 0; x < row; ++x) smooth(weights, &values[0] + x, row, image.height, line);
  Image result(image.width, image.height);
  std::ranges::transform(values, result.bytes().begin(), to_level);
  return result;
}

Result<Image> jpeg(ImageView image, int quality) {
  VISAVIS_TRY(bytes, image::encode_jpeg(image, quality));
  VISAVIS_TRY(decoded, image::decode(bytes));
  return std::move(decoded.image);
}

Image noise(ImageView image, double sigma_levels, std::uint64_t seed) {
  constexpr double kOne = 65536;  // a uniform number is sixteen bits
  std::mt19937_64 random(seed);
  Image result(image.width, image.height);
  const std::uint8_t* from = image.rgb;
  for (std::uint8_t& level : result.bytes()) {
    std::int64_t sum = 0;
    for (int word = 0; word < 3; ++word) {
      std::uint64_t bits = random();
      for (int i = 0; i < 4; ++i, bits >>= 16U) sum += static_cast<std::int64_t>(bits & 0xffffU);
    }
    // Twelve of mean (2^16 − 1)/2, whose variances add up to one, in units of 2^16.
    level = to_level(*from++ + sigma_levels * (static_cast<double>(sum) - 6 * (kOne - 1)) / kOne);
  }
  return result;
}

Image darken(ImageView image, double factor) {
  Image result(image.width, image.height);
  const std::uint8_t* from = image.rgb;
  for (std::uint8_t& level : result.bytes()) level = to_level(factor * *from++);
  return result;
}

std::string_view to_string(Kind kind) noexcept {
  return kRanges[static_cast<std::size_t>(kind)].name;
}

Result<std::vector<Step>> parse_steps(std::string_view text) {
  std::vector<Step> steps;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    VISAVIS_TRY(step, parse_step(text.substr(begin, end - begin)));
    steps.push_back(step);
    begin = end + 1;
  }
  if (steps.size() > kMaxSteps)
    return fail(ErrorCode::kInvalidArgument, "there are more than eight degradations");
  return steps;
}

std::string to_string(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    char number[32];
    const auto end = std::to_chars(number, number + sizeof number, step.strength).ptr;
    text += (text.empty() ? "" : ",") + std::string(to_string(step.kind)) + ":" +
            std::string(number, end);
  }
  return text;
}

Result<Image> apply(ImageView image, const std::vector<Step>& steps, std::uint64_t seed) {
  std::optional<Image> changed;
  for (const Step& step : steps) {
    VISAVIS_TRY(next, apply(changed ? changed->view() : image, step, seed));
    changed = std::move(next);
  }
  if (!changed) return fail(ErrorCode::kInvalidArgument, "there is no degradation");
  return *std::move(changed);
}

std::string_view default_ways() noexcept {
  return "downscale:2;downscale:3;downscale:4;downscale:5;downscale:6;blur:1;blur:2;blur:3;blur:4;"
         "jpeg:30;jpeg:15;jpeg:8;jpeg:5;noise:10;noise:20;noise:30;noise:45;dark:0.4;dark:0.2;"
         "dark:0.1;dark:0.06;downscale:3,jpeg:30;blur:1.5,noise:10;dark:0.25,noise:5";
}

Result<Recipe> parse_recipe(std::string_view ways, std::uint64_t seed) {
  Recipe recipe{.ways = {}, .seed = seed};
  for (std::size_t begin = 0; begin <= ways.size();) {
    const std::size_t end = std::min(ways.find(';', begin), ways.size());
    VISAVIS_TRY(steps, parse_steps(ways.substr(begin, end - begin)));
    recipe.ways.push_back(std::move(steps));
    begin = end + 1;
  }
  if (recipe.ways.size() > kMaxWays)
    return fail(ErrorCode::kInvalidArgument, "there are more than 256 ways to degrade");
  return recipe;
}

std::string to_string(const Recipe& recipe) {
  std::string text;
  for (const std::vector<Step>& way : recipe.ways)
    text += (text.empty() ? "" : ";") + to_string(way);
  return text;
}

const std::vector<Step>& way_of(const Recipe& recipe, std::uint64_t photo) {
  return recipe.ways[scattered(photo ^ scattered(recipe.seed)) % recipe.ways.size()];
}

Result<Image> apply(ImageView image, const Recipe& recipe, std::uint64_t photo) {
  return apply(image, way_of(recipe, photo), scattered(scattered(photo) ^ recipe.seed));
}

}  // namespace visavis::degrade
