#include "torch_layers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "state_dict.hpp"

namespace visavis::modelkit {
namespace {

/// Of each kind of difference a message names so many, and so much of a name.
constexpr std::size_t kMostNamed = 5;
constexpr std::size_t kMostOfAName = 120;

/// A name from a file, fit for a message.
std::string printable(std::string name) {
  std::erase_if(name, [](char c) { return static_cast<unsigned char>(c) - 0x20U > 0x5eU; });
  return name.substr(0, kMostOfAName);
}

/// ": 7 are missing (a, b, c, d, e and more)", or nothing.
std::string told(const std::vector<std::string>& names, const char* one, const char* many) {
  if (names.empty()) return {};
  std::string text = "; " + std::to_string(names.size()) + (names.size() == 1 ? one : many) + " (";
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i)
    text += (i > 0 ? ", " : "") + names[i];
  return text + (names.size() > kMostNamed ? " and more)" : ")");
}

void scale_output(Linear& linear, std::size_t i, double factor) {
  const std::size_t length = linear.weights.size() / linear.bias.size();
  for (float& weight : std::span(linear.weights).subspan(i * length, length))
    weight = static_cast<float>(weight * factor);
  linear.bias[i] *= factor;
}

Constant weights_of(Linear& linear) {
  return {
      .name = linear.name + ".weight", .shape = linear.shape, .values = std::move(linear.weights)};
}

Constant bias_of(const Linear& linear) {
  return {.name = linear.name + ".bias",
          .shape = {static_cast<std::int64_t>(linear.bias.size())},
          .values = std::vector<float>(linear.bias.begin(), linear.bias.end())};
}

}  // namespace

std::string prefix_before(const StateDict& weights, std::string_view name) {
  std::string best;
  bool found = false;
  for (const auto& [key, weight] : weights.weights()) {
    if (!key.ends_with(name)) continue;
    const std::string prefix = key.substr(0, key.size() - name.size());
    if (!prefix.empty() && !prefix.ends_with('.')) continue;
    if (!found || prefix.size() < best.size()) best = prefix;
    found = true;
  }
  return best;
}

TorchLayers::TorchLayers(std::string_view network, const StateDict& weights,
                         std::string_view prefix)
    : network_(network), builder_(network), weights_(weights), prefix_(prefix) {}

bool TorchLayers::has(std::string_view name) const {
  return weights_.weights().contains(prefix_ + std::string(name));
}

std::int64_t TorchLayers::outputs_of(std::string_view name, std::int64_t otherwise) const {
  const auto found = weights_.weights().find(prefix_ + std::string(name));
  if (found == weights_.weights().end() || found->second.shape.empty()) return otherwise;
  return found->second.shape[0] > 0 ? found->second.shape[0] : otherwise;
}

Constant TorchLayers::take(const std::string& name, Shape shape) {
  used_.insert(name);
  wanted_.push_back({.name = name, .shape = shape});
  Result<std::vector<float>> values = weights_.floats(prefix_ + name, shape);
  if (!values) {
    if (values.error().code == ErrorCode::kNotFound)
      missing_.push_back(name);
    else
      different_.push_back(printable(values.error().message));
    return {.name = name, .shape = std::move(shape), .values = {}};
  }
  if (!std::ranges::all_of(*values, [](float v) { return std::isfinite(v); })) {
    different_.push_back(name + " has numbers that are not finite");
    values->clear();
  }
  return {.name = name, .shape = std::move(shape), .values = *std::move(values)};
}

BatchNormalization TorchLayers::take_batch_norm(const std::string& name, std::int64_t channels) {
  BatchNormalization out{.scale = take(name + ".weight", {channels}),
                         .shift = take(name + ".bias", {channels}),
                         .mean = take(name + ".running_mean", {channels}),
                         .variance = take(name + ".running_var", {channels})};
  if (std::ranges::any_of(out.variance.values, [](float v) { return v < 0; })) {
    different_.push_back(out.variance.name + " has negative numbers");
    out.variance.values.clear();
  }
  return out;
}

Linear TorchLayers::plain(const std::string& name, Shape shape) {
  Constant weights = take(name + ".weight", std::move(shape));
  const auto outputs = static_cast<std::size_t>(weights.values.empty() ? 0 : weights.shape[0]);
  return {.name = name,
          .shape = std::move(weights.shape),
          .weights = std::move(weights.values),
          .bias = std::vector<double>(outputs)};
}

Linear TorchLayers::biased(const std::string& name, Shape shape) {
  Linear linear = plain(name, std::move(shape));
  const std::vector<float> bias = take(name + ".bias", {linear.shape[0]}).values;
  linear.bias.assign(bias.begin(), bias.end());
  return linear;
}

Linear TorchLayers::normalised(Linear linear, const std::string& name, double epsilon) {
  const BatchNormalization given = take_batch_norm(name, linear.shape[0]);
  if (!missing_.empty() || !different_.empty()) return linear;
  for (std::size_t i = 0; i < linear.bias.size(); ++i) {
    linear.bias[i] -= static_cast<double>(given.mean.values[i]);
    scale_output(linear, i, given.scale.values[i] / std::sqrt(given.variance.values[i] + epsilon));
    linear.bias[i] += static_cast<double>(given.shift.values[i]);
  }
  return linear;
}

Linear TorchLayers::scaled(Linear linear, double factor) {
  for (std::size_t i = 0; i < linear.bias.size(); ++i) scale_output(linear, i, factor);
  return linear;
}

std::string TorchLayers::conv(const std::string& x, const std::string& result, Linear linear,
                              const ConvolutionShape& shape) {
  Constant weights = weights_of(linear);
  return builder_.convolution(result, x, std::move(weights), bias_of(linear), shape);
}

std::string TorchLayers::dense(const std::string& x, const std::string& result, Linear linear) {
  Constant weights = weights_of(linear);
  return builder_.dense(result, x, std::move(weights), bias_of(linear));
}

std::string TorchLayers::batch_norm(const std::string& x, const std::string& name,
                                    std::int64_t channels, double epsilon) {
  return builder_.batch_normalization(name, x, take_batch_norm(name, channels),
                                      static_cast<float>(epsilon));
}

std::string TorchLayers::prelu(const std::string& x, const std::string& name,
                               std::int64_t channels) {
  Constant slopes = take(name + ".weight", {channels});
  slopes.shape = {channels, 1, 1};
  return builder_.prelu(name, x, std::move(slopes));
}

std::string TorchLayers::prelu_row(const std::string& x, const std::string& name,
                                   std::int64_t channels) {
  return builder_.prelu(name, x, take(name + ".weight", {channels}));
}

/// PyTorch counts batches in every batch normalisation, which no answer depends on.
std::vector<std::string> TorchLayers::left_over() const {
  std::vector<std::string> names;
  for (const auto& [key, weight] : weights_.weights()) {
    if (!key.starts_with(prefix_) || key.ends_with(".num_batches_tracked")) continue;
    const std::string name = key.substr(prefix_.size());
    if (used_.contains(name)) continue;
    if (std::ranges::any_of(ignored_, [&](const auto& start) { return name.starts_with(start); }))
      continue;
    names.push_back(printable(name));
  }
  return names;
}

Result<std::vector<std::byte>> TorchLayers::finish() {
  const std::string problems =
      told(missing_, " weight is missing", " weights are missing") +
      told(different_, " is not as it should be", " are not as they should be") +
      told(left_over(), " is left over", " are left over");
  if (problems.empty()) return builder_.finish();
  return fail(ErrorCode::kModelMismatch,
              "these weights belong to another network than " + network_ + problems);
}

}  // namespace visavis::modelkit
