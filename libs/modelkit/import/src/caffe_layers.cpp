/// The table of Caffe's layers.

#include "caffe_layers.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "caffe_net.hpp"
#include "caffe_rules.hpp"
#include "caffe_windows.hpp"

namespace visavis::modelkit {
namespace {

enum class Sizes : std::uint8_t { kFixed, kFree, kWindow };

struct Kind {
  std::string_view type;
  cf::Values (*convert)(CaffeCall&);
  Sizes sizes;
};
constexpr auto kKinds = std::to_array<Kind>({
    {"AbsVal", cf::absolute, Sizes::kFree},
    {"BatchNorm", cf::batch_norm, Sizes::kFree},
    {"Bias", cf::bias, Sizes::kFixed},
    {"Concat", cf::concat, Sizes::kFree},
    {"Convolution", cf::convolution, Sizes::kFree},
    {"ConvolutionDepthwise", cf::convolution, Sizes::kFree},
    {"Crop", cf::crop, Sizes::kFixed},
    {"Deconvolution", cf::deconvolution, Sizes::kFree},
    {"DepthwiseConvolution", cf::convolution, Sizes::kFree},
    {"Dropout", cf::copies, Sizes::kFree},
    {"ELU", cf::elu, Sizes::kFree},
    {"Eltwise", cf::eltwise, Sizes::kFree},
    {"Exp", cf::exponential, Sizes::kFree},
    {"Flatten", cf::flatten, Sizes::kFixed},
    {"InnerProduct", cf::inner_product, Sizes::kFixed},
    {"Log", cf::logarithm, Sizes::kFree},
    {"Normalize", cf::normalize, Sizes::kFixed},
    {"PReLU", cf::prelu, Sizes::kFree},
    {"Permute", cf::permute, Sizes::kFixed},
    {"Pooling", cf::pooling, Sizes::kWindow},
    {"Power", cf::power, Sizes::kFree},
    {"ReLU", cf::relu, Sizes::kFree},
    {"ReLU6", cf::relu6, Sizes::kFree},
    {"Reshape", cf::reshape, Sizes::kFixed},
    {"Scale", cf::scale, Sizes::kFree},
    {"Sigmoid", cf::sigmoid, Sizes::kFree},
    {"Silence", cf::silence, Sizes::kFree},
    {"Slice", cf::slice, Sizes::kFixed},
    {"Softmax", cf::softmax, Sizes::kFree},
    {"Split", cf::copies, Sizes::kFree},
    {"TanH", cf::tanh, Sizes::kFree},
});

}  // namespace

bool knows_caffe_layer(std::string_view type) noexcept {
  return std::ranges::find(kKinds, type, &Kind::type) != kKinds.end();
}

Result<bool> keeps_sizes_free(const CaffeLayer& layer) {
  const auto* kind = std::ranges::find(kKinds, layer.type, &Kind::type);
  if (kind == kKinds.end()) return false;
  if (layer.type == "Scale") return keeps_scale_free(*layer.text);
  if (kind->sizes == Sizes::kWindow) return keeps_pooling_free(*layer.text);
  return kind->sizes == Sizes::kFree;
}

Result<std::vector<CaffeValue>> convert_caffe_layer(CaffeCall& call) {
  const auto* kind = std::ranges::find(kKinds, call.layer.type, &Kind::type);
  if (kind == kKinds.end()) return cf::unsupported(call, "it is not known");
  return kind->convert(call);
}

}  // namespace visavis::modelkit
