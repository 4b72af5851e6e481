#include "mtcnn.hpp"

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

class Layers : public TorchLayers {
 public:
  using TorchLayers::TorchLayers;

  /// `name` is the weights'; the result has that name too unless it is given one of its own.
  std::string kernels(const std::string& x, const std::string& name, std::int64_t out,
                      std::int64_t in, std::int64_t side, const std::string& result = {}) {
    return conv(x, result.empty() ? name : result, biased(name, {out, in, side, side}), {});
  }

  std::string matrix(const std::string& x, const std::string& name, std::int64_t out,
                     std::int64_t in, const std::string& result = {}) {
    return dense(x, result.empty() ? name : result, biased(name, {out, in}));
  }

  /// The weights of the first dense layer were trained on Caffe's transposed picture: columns
  /// first.
  std::string flatten_columns_first(const std::string& x) {
    return builder().flatten("flat", builder().transpose("columns", x, {0, 3, 2, 1}));
  }
};

constexpr std::int64_t kFree = -1;

}  // namespace

Result<std::vector<std::byte>> import_pnet(std::span<const std::byte> state_dict) {
  VISAVIS_TRY(weights, StateDict::read(state_dict));
  Layers net("mtcnn-pnet", weights, prefix_before(weights, "conv4_2.weight"));
  std::string x = net.builder().input("input", {kFree, 3, kFree, kFree});
  x = net.prelu(net.kernels(x, "conv1", 10, 3, 3), "prelu1", 10);
  x = net.builder().max_pool_ceil("pool1", x, 2, 2);
  x = net.prelu(net.kernels(x, "conv2", 16, 10, 3), "prelu2", 16);
  x = net.prelu(net.kernels(x, "conv3", 32, 16, 3), "prelu3", 32);
  const std::string scores = net.kernels(x, "conv4_1", 2, 32, 1);
  const std::string box = net.kernels(x, "conv4_2", 4, 32, 1, "box");
  net.builder().output(net.builder().softmax("prob", scores), {kFree, 2, kFree, kFree});
  net.builder().output(box, {kFree, 4, kFree, kFree});
  return net.finish();
}

Result<std::vector<std::byte>> import_rnet(std::span<const std::byte> state_dict) {
  VISAVIS_TRY(weights, StateDict::read(state_dict));
  Layers net("mtcnn-rnet", weights, prefix_before(weights, "dense5_2.weight"));
  std::string x = net.builder().input("input", {kFree, 3, 24, 24});
  x = net.prelu(net.kernels(x, "conv1", 28, 3, 3), "prelu1", 28);
  x = net.builder().max_pool_ceil("pool1", x, 3, 2);
  x = net.prelu(net.kernels(x, "conv2", 48, 28, 3), "prelu2", 48);
  x = net.builder().max_pool_ceil("pool2", x, 3, 2);
  x = net.prelu(net.kernels(x, "conv3", 64, 48, 2), "prelu3", 64);
  x = net.prelu_row(net.matrix(net.flatten_columns_first(x), "dense4", 128, 576), "prelu4", 128);
  const std::string scores = net.matrix(x, "dense5_1", 2, 128);
  const std::string box = net.matrix(x, "dense5_2", 4, 128, "box");
  net.builder().output(net.builder().softmax("prob", scores), {kFree, 2});
  net.builder().output(box, {kFree, 4});
  return net.finish();
}

Result<std::vector<std::byte>> import_onet(std::span<const std::byte> state_dict) {
  VISAVIS_TRY(weights, StateDict::read(state_dict));
  Layers net("mtcnn-onet", weights, prefix_before(weights, "dense6_3.weight"));
  std::string x = net.builder().input("input", {kFree, 3, 48, 48});
  x = net.prelu(net.kernels(x, "conv1", 32, 3, 3), "prelu1", 32);
  x = net.builder().max_pool_ceil("pool1", x, 3, 2);
  x = net.prelu(net.kernels(x, "conv2", 64, 32, 3), "prelu2", 64);
  x = net.builder().max_pool_ceil("pool2", x, 3, 2);
  x = net.prelu(net.kernels(x, "conv3", 64, 64, 3), "prelu3", 64);
  x = net.builder().max_pool_ceil("pool3", x, 2, 2);
  x = net.prelu(net.kernels(x, "conv4", 128, 64, 2), "prelu4", 128);
  x = net.prelu_row(net.matrix(net.flatten_columns_first(x), "dense5", 256, 1152), "prelu5", 256);
  const std::string scores = net.matrix(x, "dense6_1", 2, 256);
  const std::string box = net.matrix(x, "dense6_2", 4, 256, "box");
  const std::string points = net.matrix(x, "dense6_3", 10, 256, "points");
  net.builder().output(net.builder().softmax("prob", scores), {kFree, 2});
  net.builder().output(box, {kFree, 4});
  net.builder().output(points, {kFree, 10});
  return net.finish();
}

}  // namespace visavis::modelkit
