#include "mobilefacenet.hpp"

#include <algorithm>
#include <array>
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
#include "torch_layers.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::int64_t kFree = -1;
constexpr std::int64_t kSide = 112;
constexpr double kEpsilon = 1e-5;
constexpr std::int64_t kLastChannels = 512;

/// How a layout calls the parts of the network. What begins with a point is added to the name of
/// what it belongs to.
struct Layout {
  std::array<const char*, 3> block;       ///< Convolution, batch normalisation, PReLU.
  std::array<const char*, 3> depth_wise;  ///< Widening, depth-wise, narrowing.
  const char* repeated;                   ///< Before the number of a residual block.
  std::array<const char*, 8> stages;      ///< From the first convolution to the last residuals.
  const char* last;                       ///< The convolution to 512 channels.
  const char* global;                     ///< The depth-wise one over the whole picture.
  const char* linear;
  const char* normalisation;
};

constexpr Layout kArcFace{.block = {".layers.0", ".layers.1", ".layers.2"},
                          .depth_wise = {".layers.0", ".layers.1", ".layers.2"},
                          .repeated = ".layers.",
                          .stages = {"layers.0", "layers.1", "layers.2", "layers.3", "layers.4",
                                     "layers.5", "layers.6", "layers.7"},
                          .last = "conv_sep",
                          .global = "features.layers.0",
                          .linear = "features.layers.2",
                          .normalisation = "features.layers.3"};

constexpr Layout kTreB1eN{
    .block = {".conv", ".bn", ".prelu"},
    .depth_wise = {".conv", ".conv_dw", ".project"},
    .repeated = ".model.",
    .stages = {"conv1", "conv2_dw", "conv_23", "conv_3", "conv_34", "conv_4", "conv_45", "conv_5"},
    .last = "conv_6_sep",
    .global = "conv_6_dw",
    .linear = "linear",
    .normalisation = "bn"};

std::string last_weight(const Layout& layout) {
  return std::string(layout.last) + layout.block[0] + ".weight";
}

/// Of a convolution in a block.
struct Window {
  std::int64_t side = 1;
  std::int64_t stride = 1;
  std::int64_t pad = 0;
  std::int64_t groups = 1;
};

/// A convolution and what is called after it, a batch normalisation.
struct Names {
  std::string convolution;
  std::string normalisation;
};

/// @param shape  of the weights
std::string normalised_conv(TorchLayers& layers, const std::string& x, const Names& names,
                            Shape shape, const Window& window) {
  Linear linear = layers.normalised(layers.plain(names.convolution, std::move(shape)),
                                    names.normalisation, kEpsilon);
  return layers.conv(x, names.convolution, std::move(linear),
                     {.groups = window.groups,
                      .stride_h = window.stride,
                      .stride_w = window.stride,
                      .pad_top = window.pad,
                      .pad_left = window.pad,
                      .pad_bottom = window.pad,
                      .pad_right = window.pad});
}

class Network {
 public:
  Network(const StateDict& weights, const Layout& layout)
      : layers_("mobilefacenet", weights, prefix_before(weights, last_weight(layout))),
        layout_(layout) {}

  Result<std::vector<std::byte>> write() {
    const std::int64_t width = width_of_first();
    const bool large = is_large();
    const int times = large ? 2 : 1;
    const auto& stages = layout_.stages;
    std::string x = layers_.builder().input("input", {kFree, 3, kSide, kSide});
    x = block(x, stages[0], width, 3, {.side = 3, .stride = 2, .pad = 1});
    x = large ? residuals(x, stages[1], 2, width, 128)
              : block(x, stages[1], width, width / 64, {.side = 3, .pad = 1, .groups = 64});
    x = depth_wise(x, stages[2], {.in = width, .wide = 128, .out = width, .stride = 2});
    x = residuals(x, stages[3], 4 * times, width, 128);
    x = depth_wise(x, stages[4], {.in = width, .wide = 256, .out = 2 * width, .stride = 2});
    x = residuals(x, stages[5], 6 * times, 2 * width, 256);
    x = depth_wise(x, stages[6], {.in = 2 * width, .wide = 512, .out = 2 * width, .stride = 2});
    x = residuals(x, stages[7], 2 * times, 2 * width, 256);
    x = block(x, layout_.last, kLastChannels, 2 * width, {});
    x = linear_block(x, layout_.global, kLastChannels, 1, {.side = 7, .groups = kLastChannels});
    return finish(layers_.builder().flatten("flat", x));
  }

 private:
  struct Widths {
    std::int64_t in = 0;
    std::int64_t wide = 0;
    std::int64_t out = 0;
    std::int64_t stride = 1;
  };

  /// 64, or a multiple in the wider variants.
  [[nodiscard]] std::int64_t width_of_first() const {
    const std::int64_t width =
        layers_.outputs_of(std::string(layout_.stages[0]) + layout_.block[0] + ".weight", 64);
    return width == 128 || width == 256 ? width : 64;
  }

  /// The large variant has residual blocks where others have one depth-wise convolution, and twice
  /// as many later.
  [[nodiscard]] bool is_large() const {
    return layers_.has(residual_name(layout_.stages[1], 0) + layout_.depth_wise[0] +
                       layout_.block[0] + ".weight");
  }

  [[nodiscard]] std::string residual_name(const std::string& stage, int i) const {
    return stage + layout_.repeated + std::to_string(i);
  }

  Result<std::vector<std::byte>> finish(const std::string& row) {
    const std::int64_t dimension =
        layers_.outputs_of(std::string(layout_.linear) + ".weight", kLastChannels);
    layers_.builder().output(
        layers_.dense(row, "embedding",
                      layers_.normalised(layers_.plain(layout_.linear, {dimension, kLastChannels}),
                                         layout_.normalisation, kEpsilon)),
        {kFree, dimension});
    return layers_.finish();
  }

  /// Convolution and batch normalisation; `in` are the channels that each group sees.
  std::string linear_block(const std::string& x, const std::string& name, std::int64_t out,
                           std::int64_t in, const Window& window) {
    return normalised_conv(layers_, x, {name + layout_.block[0], name + layout_.block[1]},
                           {out, in, window.side, window.side}, window);
  }

  std::string block(const std::string& x, const std::string& name, std::int64_t out,
                    std::int64_t in, const Window& window) {
    return layers_.prelu(linear_block(x, name, out, in, window), name + layout_.block[2], out);
  }

  std::string depth_wise(const std::string& x, const std::string& name, const Widths& widths) {
    std::string y = block(x, name + layout_.depth_wise[0], widths.wide, widths.in, {});
    y = block(y, name + layout_.depth_wise[1], widths.wide, 1,
              {.side = 3, .stride = widths.stride, .pad = 1, .groups = widths.wide});
    return linear_block(y, name + layout_.depth_wise[2], widths.out, widths.wide, {});
  }

  std::string residuals(std::string x, const std::string& stage, int count, std::int64_t channels,
                        std::int64_t wide) {
    for (int i = 0; i < count; ++i) {
      const std::string name = residual_name(stage, i);
      const std::string y = depth_wise(x, name, {.in = channels, .wide = wide, .out = channels});
      x = layers_.builder().add(name, x, y);
    }
    return x;
  }

  TorchLayers layers_;
  const Layout& layout_;
};

/// foamliu's MobileFaceNet: MobileNetV2's blocks with ReLU6 in MobileFaceNet's numbers, and a whole
/// depth-wise separable convolution with ReLU in the second place.
class FoamliuNetwork {
 public:
  static constexpr std::string_view kGlobal = "gdconv.depthwise.weight";

  explicit FoamliuNetwork(const StateDict& weights)
      : layers_("mobilefacenet", weights, prefix_before(weights, kGlobal)) {}

  Result<std::vector<std::byte>> write() {
    struct Stage {
      std::int64_t times;  ///< So much wider than its input is a block inside.
      std::int64_t out;
      int blocks;
      std::int64_t stride;  ///< Of the first block.
    };
    constexpr auto kStages = std::to_array<Stage>(
        {{2, 64, 5, 2}, {4, 128, 1, 2}, {2, 128, 6, 1}, {4, 128, 1, 2}, {2, 128, 2, 1}});
    std::string x = layers_.builder().input("input", {kFree, 3, kSide, kSide});
    x = relu6_block(x, "conv1", {64, 3, 3, 3}, {.side = 3, .stride = 2, .pad = 1});
    x = relu_block(x, {"dw_conv.depthwise", "dw_conv.bn1"}, {64, 1, 3, 3},
                   {.side = 3, .pad = 1, .groups = 64});
    x = relu_block(x, {"dw_conv.pointwise", "dw_conv.bn2"}, {64, 64, 1, 1}, {});
    std::int64_t in = 64;
    int number = 0;
    for (const Stage& stage : kStages)
      for (int i = 0; i < stage.blocks; ++i) {
        const std::string name = "features." + std::to_string(number++);
        x = inverted(x, name, {.in = in, .wide = stage.times * in, .out = stage.out},
                     i == 0 ? stage.stride : 1);
        in = stage.out;
      }
    x = relu6_block(x, "conv2", {kLastChannels, in, 1, 1}, {});
    x = normalised_conv(layers_, x, {"gdconv.depthwise", "gdconv.bn"}, {kLastChannels, 1, 7, 7},
                        {.side = 7, .groups = kLastChannels});
    return finish(x);
  }

 private:
  struct Widths {
    std::int64_t in = 0;
    std::int64_t wide = 0;
    std::int64_t out = 0;
  };

  std::string relu_block(const std::string& x, const Names& names, Shape shape,
                         const Window& window) {
    return layers_.builder().relu(names.normalisation + ".relu",
                                  normalised_conv(layers_, x, names, std::move(shape), window));
  }

  std::string relu6_block(const std::string& x, const std::string& name, Shape shape,
                          const Window& window) {
    return layers_.builder().relu6(
        name + ".2",
        normalised_conv(layers_, x, {name + ".0", name + ".1"}, std::move(shape), window));
  }

  std::string inverted(const std::string& x, const std::string& name, const Widths& widths,
                       std::int64_t stride) {
    const auto& [in, wide, out] = widths;
    std::string y = relu6_block(x, name + ".conv.0", {wide, in, 1, 1}, {});
    y = relu6_block(y, name + ".conv.1", {wide, 1, 3, 3},
                    {.side = 3, .stride = stride, .pad = 1, .groups = wide});
    y = normalised_conv(layers_, y, {name + ".conv.2", name + ".conv.3"}, {out, wide, 1, 1}, {});
    return stride == 1 && in == out ? layers_.builder().add(name, x, y) : y;
  }

  Result<std::vector<std::byte>> finish(const std::string& x) {
    const std::int64_t dimension = layers_.outputs_of("conv3.weight", 128);
    const std::string row =
        layers_.conv(x, "conv3",
                     layers_.normalised(layers_.biased("conv3", {dimension, kLastChannels, 1, 1}),
                                        "bn", kEpsilon),
                     {});
    layers_.builder().output(layers_.builder().flatten("embedding", row), {kFree, dimension});
    return layers_.finish();
  }

  TorchLayers layers_;
};

bool any_ends_with(const StateDict& weights, std::string_view end) {
  return std::ranges::any_of(weights.weights(),
                             [&](const auto& entry) { return entry.first.ends_with(end); });
}

}  // namespace

Result<std::vector<std::byte>> import_mobilefacenet(std::span<const std::byte> state_dict) {
  VISAVIS_TRY(weights, StateDict::read(state_dict));
  if (any_ends_with(weights, FoamliuNetwork::kGlobal)) return FoamliuNetwork(weights).write();
  const bool treb1en = any_ends_with(weights, last_weight(kTreB1eN));
  return Network(weights, treb1en ? kTreB1eN : kArcFace).write();
}

}  // namespace visavis::modelkit
