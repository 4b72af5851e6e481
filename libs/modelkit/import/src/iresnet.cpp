#include "iresnet.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
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
constexpr std::int64_t kLastSide = 7;
constexpr std::array<std::int64_t, 4> kChannels = {64, 128, 256, 512};
constexpr const char* kFirst = "layer1.0.conv1.weight";

using Depths = std::array<int, 4>;  ///< Blocks per layer.
constexpr std::array<Depths, 4> kKnown = {
    {{2, 2, 2, 2}, {3, 4, 6, 3}, {3, 4, 14, 3}, {3, 13, 30, 3}}};

class Network {
 public:
  Network(const StateDict& weights, double epsilon)
      : layers_("iresnet", weights, prefix_before(weights, kFirst)), epsilon_(epsilon) {}

  Result<std::vector<std::byte>> write() {
    const Depths depths = count_blocks();
    if (std::ranges::find(kKnown, depths) == kKnown.end()) return unknown(depths);
    std::string x = layers_.builder().input("input", {kFree, 3, kSide, kSide});
    x = layers_.prelu(conv(x, "conv1", "bn1", {64, 3, 3, 3}, 1), "prelu", 64);
    std::int64_t in = 64;
    for (std::size_t i = 0; i < depths.size(); ++i) {
      for (int k = 0; k < depths[i]; ++k)
        x = block(x, "layer" + std::to_string(i + 1) + "." + std::to_string(k),
                  k == 0 ? in : kChannels[i], kChannels[i], k == 0 ? 2 : 1);
      in = kChannels[i];
    }
    x = layers_.builder().flatten("flat", layers_.batch_norm(x, "bn2", in, epsilon_));
    const std::int64_t dimension = layers_.outputs_of("fc.weight", 512);
    x = layers_.dense(
        x, "embedding",
        layers_.normalised(layers_.biased("fc", {dimension, in * kLastSide * kLastSide}),
                           "features", epsilon_));
    layers_.builder().output(x, {kFree, dimension});
    return layers_.finish();
  }

 private:
  [[nodiscard]] Depths count_blocks() const {
    Depths depths{};
    for (std::size_t i = 0; i < depths.size(); ++i)
      while (layers_.has("layer" + std::to_string(i + 1) + "." + std::to_string(depths[i]) +
                         ".conv1.weight"))
        ++depths[i];
    return depths;
  }

  static std::unexpected<Error> unknown(const Depths& depths) {
    std::string text;
    for (const int depth : depths) text += (text.empty() ? "" : ", ") + std::to_string(depth);
    return fail(ErrorCode::kModelMismatch,
                "these weights belong to no iResNet-18, -34, -50 or -100: layer1 to layer4 have " +
                    text + " blocks");
  }

  /// A convolution that keeps the size, but for its stride, with the batch normalisation behind it.
  std::string conv(const std::string& x, const std::string& name, const std::string& normalisation,
                   const Shape& kernel, std::int64_t stride) {
    const std::int64_t pad = kernel[2] / 2;
    return layers_.conv(x, name,
                        layers_.normalised(layers_.plain(name, kernel), normalisation, epsilon_),
                        {.stride_h = stride,
                         .stride_w = stride,
                         .pad_top = pad,
                         .pad_left = pad,
                         .pad_bottom = pad,
                         .pad_right = pad});
  }

  /// The first batch normalisation stays a layer: the zeros around a picture come after it.
  std::string block(const std::string& x, const std::string& name, std::int64_t in,
                    std::int64_t out, std::int64_t stride) {
    std::string y = layers_.batch_norm(x, name + ".bn1", in, epsilon_);
    y = conv(y, name + ".conv1", name + ".bn2", {out, in, 3, 3}, 1);
    y = layers_.prelu(y, name + ".prelu", out);
    y = conv(y, name + ".conv2", name + ".bn3", {out, out, 3, 3}, stride);
    const std::string past = stride == 1 ? x
                                         : conv(x, name + ".downsample.0", name + ".downsample.1",
                                                {out, in, 1, 1}, stride);
    return layers_.builder().add(name, y, past);
  }

  TorchLayers layers_;
  double epsilon_;
};

}  // namespace

Result<std::vector<std::byte>> import_iresnet(std::span<const std::byte> state_dict) {
  VISAVIS_TRY(weights, StateDict::read(state_dict));
  return Network(weights, 1e-5).write();
}

Result<std::vector<std::byte>> import_iresnet_magface(std::span<const std::byte> state_dict) {
  VISAVIS_TRY(weights, StateDict::read(state_dict));
  return Network(weights, 2e-5).write();
}

}  // namespace visavis::modelkit
