#include "inception_resnet.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "state_dict.hpp"
#include "torch_layers.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::int64_t kFree = -1;
constexpr double kEpsilon = 1e-3;  // TensorFlow's, not PyTorch's own
constexpr std::int64_t kDimension = 512;
constexpr const char* kFirst = "conv2d_1a.conv.weight";

struct Window {
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t stride = 1;
  std::int64_t pad_y = 0;
  std::int64_t pad_x = 0;
};
constexpr Window kPoint{};
constexpr Window kSame{.height = 3, .width = 3, .pad_y = 1, .pad_x = 1};
constexpr Window kInside{.height = 3, .width = 3};
constexpr Window kHalf{.height = 3, .width = 3, .stride = 2};

std::string numbered(std::string name, int i) {
  name += '.';
  return name += std::to_string(i);
}

class Network {
 public:
  explicit Network(const StateDict& weights)
      : layers_("inception-resnet-v1", weights, prefix_before(weights, kFirst)) {
    layers_.ignore("logits.");
  }

  TorchLayers& layers() noexcept { return layers_; }

  /// From the picture to the row before normalisation.
  std::string trunk() {
    std::string x = layers_.builder().input("input", {kFree, 3, kFree, kFree});
    x = basic(x, "conv2d_1a", 32, 3, kHalf);
    x = basic(x, "conv2d_2a", 32, 32, kInside);
    x = basic(x, "conv2d_2b", 64, 32, kSame);
    x = layers_.builder().max_pool("maxpool_3a", x, 3, 2);
    x = basic(x, "conv2d_3b", 80, 64, kPoint);
    x = basic(x, "conv2d_4a", 192, 80, kInside);
    x = basic(x, "conv2d_4b", 256, 192, kHalf);
    for (int i = 0; i < 5; ++i) x = block35(x, numbered("repeat_1", i));
    x = mixed_6a(x);
    for (int i = 0; i < 10; ++i) x = block17(x, numbered("repeat_2", i));
    x = mixed_7a(x);
    for (int i = 0; i < 5; ++i) x = block8_with_relu(x, numbered("repeat_3", i));
    x = block8(x, "block8", 1);
    x = layers_.builder().flatten("flat", layers_.builder().global_average_pool("mean", x));
    return layers_.dense(
        x, "last_linear",
        layers_.normalised(layers_.plain("last_linear", {kDimension, 1792}), "last_bn", kEpsilon));
  }

  /// From the row to what is no probability yet.
  std::string head(const std::string& row, std::int64_t classes) {
    return layers_.dense(row, "logits", layers_.biased("logits", {classes, kDimension}));
  }

 private:
  /// Convolution, batch normalisation, ReLU.
  std::string basic(const std::string& x, const std::string& name, std::int64_t out,
                    std::int64_t in, const Window& window) {
    Linear linear =
        layers_.normalised(layers_.plain(name + ".conv", {out, in, window.height, window.width}),
                           name + ".bn", kEpsilon);
    const std::string y = layers_.conv(x, name + ".conv", std::move(linear),
                                       {.stride_h = window.stride,
                                        .stride_w = window.stride,
                                        .pad_top = window.pad_y,
                                        .pad_left = window.pad_x,
                                        .pad_bottom = window.pad_y,
                                        .pad_right = window.pad_x});
    return layers_.builder().relu(name + ".relu", y);
  }

  /// x + scale · (a convolution of the branches).
  std::string residual(const std::string& x, const std::string& name,
                       const std::vector<std::string>& branches, std::int64_t out, std::int64_t in,
                       double scale) {
    const std::string joined = layers_.builder().concat(name + ".joined", branches);
    Linear linear = TorchLayers::scaled(layers_.biased(name + ".conv2d", {out, in, 1, 1}), scale);
    return layers_.builder().add(name + ".sum",
                                 layers_.conv(joined, name + ".conv2d", std::move(linear), {}), x);
  }

  std::string block35(const std::string& x, const std::string& name) {
    const std::string a = basic(x, name + ".branch0", 32, 256, kPoint);
    std::string b = basic(x, name + ".branch1.0", 32, 256, kPoint);
    b = basic(b, name + ".branch1.1", 32, 32, kSame);
    std::string c = basic(x, name + ".branch2.0", 32, 256, kPoint);
    c = basic(c, name + ".branch2.1", 32, 32, kSame);
    c = basic(c, name + ".branch2.2", 32, 32, kSame);
    return layers_.builder().relu(name + ".relu", residual(x, name, {a, b, c}, 256, 96, .17));
  }

  std::string mixed_6a(const std::string& x) {
    const std::string a = basic(x, "mixed_6a.branch0", 384, 256, kHalf);
    std::string b = basic(x, "mixed_6a.branch1.0", 192, 256, kPoint);
    b = basic(b, "mixed_6a.branch1.1", 192, 192, kSame);
    b = basic(b, "mixed_6a.branch1.2", 256, 192, kHalf);
    const std::string c = layers_.builder().max_pool("mixed_6a.branch2", x, 3, 2);
    return layers_.builder().concat("mixed_6a", {a, b, c});
  }

  std::string block17(const std::string& x, const std::string& name) {
    const std::string a = basic(x, name + ".branch0", 128, 896, kPoint);
    std::string b = basic(x, name + ".branch1.0", 128, 896, kPoint);
    b = basic(b, name + ".branch1.1", 128, 128, {.width = 7, .pad_x = 3});
    b = basic(b, name + ".branch1.2", 128, 128, {.height = 7, .pad_y = 3});
    return layers_.builder().relu(name + ".relu", residual(x, name, {a, b}, 896, 256, .1));
  }

  std::string mixed_7a(const std::string& x) {
    std::string a = basic(x, "mixed_7a.branch0.0", 256, 896, kPoint);
    a = basic(a, "mixed_7a.branch0.1", 384, 256, kHalf);
    std::string b = basic(x, "mixed_7a.branch1.0", 256, 896, kPoint);
    b = basic(b, "mixed_7a.branch1.1", 256, 256, kHalf);
    std::string c = basic(x, "mixed_7a.branch2.0", 256, 896, kPoint);
    c = basic(c, "mixed_7a.branch2.1", 256, 256, kSame);
    c = basic(c, "mixed_7a.branch2.2", 256, 256, kHalf);
    const std::string d = layers_.builder().max_pool("mixed_7a.branch3", x, 3, 2);
    return layers_.builder().concat("mixed_7a", {a, b, c, d});
  }

  std::string block8_with_relu(const std::string& x, const std::string& name) {
    return layers_.builder().relu(name + ".relu", block8(x, name, .2));
  }

  /// Without a ReLU at its end: the last one has none.
  std::string block8(const std::string& x, const std::string& name, double scale) {
    const std::string a = basic(x, name + ".branch0", 192, 1792, kPoint);
    std::string b = basic(x, name + ".branch1.0", 192, 1792, kPoint);
    b = basic(b, name + ".branch1.1", 192, 192, {.width = 3, .pad_x = 1});
    b = basic(b, name + ".branch1.2", 192, 192, {.height = 3, .pad_y = 1});
    return residual(x, name, {a, b}, 1792, 384, scale);
  }

  TorchLayers layers_;
};

}  // namespace

Result<std::vector<std::byte>> import_inception_resnet_v1(std::span<const std::byte> state_dict) {
  VISAVIS_TRY(weights, StateDict::read(state_dict));
  Network network(weights);
  Builder& builder = network.layers().builder();
  const std::string row = network.trunk();
  builder.output(builder.unit_rows("embedding", row, kDimension), {kFree, kDimension});
  return network.layers().finish();
}

Result<std::vector<std::byte>> import_inception_resnet_v1_classify(
    std::span<const std::byte> state_dict) {
  VISAVIS_TRY(weights, StateDict::read(state_dict));
  Network network(weights);
  TorchLayers& layers = network.layers();
  const std::int64_t classes = layers.outputs_of("logits.weight", 1);
  const std::string row = network.trunk();
  layers.builder().output(network.head(row, classes), {kFree, classes});
  return layers.finish();
}

std::vector<Wanted> inception_resnet_v1_tensors(std::int64_t classes) {
  const StateDict nothing;
  Network network(nothing);
  const std::string row = network.trunk();
  if (classes > 0) network.head(row, classes);
  return network.layers().wanted();
}

}  // namespace visavis::modelkit
