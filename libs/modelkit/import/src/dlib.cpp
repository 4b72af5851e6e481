#include "dlib.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"

namespace visavis::modelkit {
namespace {

using Kind = DlibLayer::Kind;

constexpr std::int64_t kTensorVersion = 2;
constexpr std::size_t kMaxName = 15;  // its length takes one byte

auto damaged(const char* why) {
  return fail(ErrorCode::kDecodeFailed, std::string("a network of dlib's: ") + why);
}

/// The name of a layer with weights, which ends with a version of at most one digit.
std::optional<Kind> kind_of(std::string_view name) {
  if (!name.empty() && name.back() >= '0' && name.back() <= '9') name.remove_suffix(1);
  if (name == "con_") return Kind::kConvolution;
  if (name == "affine_") return Kind::kAffine;
  if (name == "fc_") return Kind::kDense;
  return std::nullopt;
}

}  // namespace

/// A text is its length, as an integer, and its bytes.
std::optional<std::string> DlibReader::find_name() {
  for (; at_ + 2 < bytes_.size(); ++at_) {
    const std::size_t length = byte(at_ + 1);
    if (byte(at_) != 1 || length > kMaxName || at_ + 2 + length > bytes_.size()) continue;
    std::string name(reinterpret_cast<const char*>(&bytes_[at_ + 2]), length);
    if (!kind_of(name)) continue;
    at_ += 2 + length;
    return name;
  }
  return std::nullopt;
}

/// A byte that says of how many bytes it is (and, in its highest bit, that it is negative), then
/// these, the lowest first.
Result<std::int64_t> DlibReader::integer() {
  if (at_ >= bytes_.size()) return damaged("it is cut off");
  const std::uint8_t control = byte(at_++);
  const std::size_t length = control & 0x0FU;
  if (length == 0 || length > 8 || (control & 0x70U) != 0) return damaged("a number is damaged");
  if (bytes_.size() - at_ < length) return damaged("it is cut off");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < length; ++i) value |= std::uint64_t{byte(at_ + i)} << (8 * i);
  at_ += length;
  if ((control & 0x80U) != 0 || value > INT64_MAX) return damaged("a number is damaged");
  return static_cast<std::int64_t>(value);
}

/// Version, four dimensions, then 32-bit floats, the lowest byte first.
Result<std::vector<float>> DlibReader::tensor() {
  static_assert(std::endian::native == std::endian::little);
  VISAVIS_TRY(version, integer());
  if (version != kTensorVersion) return damaged("its tensors are of a version that is not known");
  const std::size_t most = (bytes_.size() - at_) / sizeof(float);
  std::size_t count = 1;
  for (int i = 0; i < 4; ++i) {
    VISAVIS_TRY(dimension, integer());
    if (dimension == 0) return damaged("a layer has no weights");
    if (static_cast<std::uint64_t>(dimension) > most / count) return damaged("it is cut off");
    count *= static_cast<std::size_t>(dimension);
  }
  if ((bytes_.size() - at_) / sizeof(float) < count) return damaged("it is cut off");
  std::vector<float> values(count);
  std::memcpy(values.data(), &bytes_[at_], count * sizeof(float));
  at_ += count * sizeof(float);
  return values;
}

Result<std::optional<DlibLayer>> DlibReader::next() {
  auto name = find_name();
  if (!name) return std::nullopt;
  DlibLayer layer{.kind = *kind_of(*name), .name = *std::move(name), .outputs = 0, .values = {}};
  if (layer.kind == Kind::kDense) {
    VISAVIS_TRY(outputs, integer());
    VISAVIS_CHECK(integer());  // inputs
    layer.outputs = outputs;
  }
  VISAVIS_TRY(values, tensor());
  layer.values = std::move(values);
  if (layer.kind == Kind::kConvolution) {
    VISAVIS_TRY(outputs, integer());
    layer.outputs = outputs;
  }
  return layer;
}

namespace {

constexpr std::int64_t kFree = -1;
constexpr std::int64_t kSide = 150;

/// What flows between layers.
struct Flow {
  std::string name;
  std::int64_t channels = 0;
  std::int64_t side = 0;
};

struct Window {
  std::int64_t side = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 0;

  [[nodiscard]] std::int64_t over(std::int64_t length) const {
    return (length + 2 * padding - side) / stride + 1;
  }
};

/// Layers in the order of their weights. The first failure is kept, and what follows it is never
/// used, so that the network reads as a list of its layers.
class Layers {
 public:
  explicit Layers(std::span<const std::byte> bytes) : reader_(bytes) {}

  Builder& builder() noexcept { return builder_; }

  /// A convolution and what dlib makes of a batch normalisation for use: a factor and an addend for
  /// each channel, which go into its kernels and biases.
  Flow convolution(const Flow& x, std::int64_t channels, const Window& window) {
    const Flow result{.name = "con" + std::to_string(++count_),
                      .channels = channels,
                      .side = window.over(x.side)};
    const auto outputs = static_cast<std::size_t>(channels);
    const auto area = static_cast<std::size_t>(x.channels * window.side * window.side);
    std::vector<float> kernels = take(Kind::kConvolution, channels, outputs * area + outputs);
    const std::vector<float> affine = take(Kind::kAffine, 0, 2 * outputs);
    if (problem_) return result;
    std::vector<float> biases(outputs);
    for (std::size_t i = 0; i < outputs; ++i) {
      for (float& weight : std::span(kernels).subspan(i * area, area)) weight *= affine[i];
      const double bias = static_cast<double>(kernels[outputs * area + i]) * affine[i];
      biases[i] = static_cast<float>(bias + affine[outputs + i]);
    }
    kernels.resize(outputs * area);
    builder_.convolution(
        result.name, x.name,
        {.name = result.name + ".weight",
         .shape = {channels, x.channels, window.side, window.side},
         .values = std::move(kernels)},
        {.name = result.name + ".bias", .shape = {channels}, .values = std::move(biases)},
        {.stride_h = window.stride,
         .stride_w = window.stride,
         .pad_top = window.padding,
         .pad_left = window.padding,
         .pad_bottom = window.padding,
         .pad_right = window.padding});
    return result;
  }

  Flow relu(Flow x) {
    x.name = builder_.relu("relu" + std::to_string(++count_), x.name);
    return x;
  }

  /// dlib adds what differs in shape as if the smaller had zeros at its ends.
  Flow add(Flow a, Flow b) {
    const std::int64_t channels = std::max(a.channels, b.channels);
    const std::int64_t side = std::max(a.side, b.side);
    return {.name = builder_.add("add" + std::to_string(++count_), grown(a, channels, side),
                                 grown(b, channels, side)),
            .channels = channels,
            .side = side};
  }

  Flow average_pool(Flow x, const Window& window) {
    x.name = builder_.average_pool("average" + std::to_string(++count_), x.name, window.side,
                                   window.stride);
    x.side = window.over(x.side);
    return x;
  }

  Flow residual(const Flow& x) {
    const Flow first = relu(convolution(x, x.channels, {.padding = 1}));
    return relu(add(convolution(first, x.channels, {.padding = 1}), x));
  }

  Flow residual_down(const Flow& x, std::int64_t channels) {
    const Flow first = relu(convolution(x, channels, {.stride = 2}));
    const Flow second = convolution(first, channels, {.padding = 1});
    return relu(add(second, average_pool(x, {.side = 2, .stride = 2})));
  }

  Constant dense(std::int64_t inputs, std::int64_t outputs) {
    return {.name = "fc.weight",
            .shape = {inputs, outputs},
            .values = take(Kind::kDense, outputs, static_cast<std::size_t>(inputs * outputs))};
  }

  Result<std::vector<std::byte>> finish() {
    if (problem_) return std::unexpected(*std::move(problem_));
    VISAVIS_TRY(more, reader_.next());
    if (more) return other_network();
    return builder_.finish();
  }

 private:
  std::string grown(const Flow& x, std::int64_t channels, std::int64_t side) {
    if (x.channels == channels && x.side == side) return x.name;
    const std::int64_t more = side - x.side;
    return builder_.pad_end("pad" + std::to_string(++count_), x.name,
                            {0, channels - x.channels, more, more});
  }

  static std::unexpected<Error> other_network() {
    return fail(ErrorCode::kModelMismatch, "this network of dlib's has other layers");
  }

  /// As many numbers as are asked for; none once something went wrong.
  std::vector<float> take(Kind kind, std::int64_t outputs, std::size_t count) {
    if (!problem_) {
      auto layer = reader_.next();
      if (!layer)
        problem_ = std::move(layer).error();
      else if (*layer && (*layer)->kind == kind && (*layer)->outputs == outputs &&
               (*layer)->values.size() == count)
        return std::move((*layer)->values);
      else
        problem_ = other_network().error();
    }
    return {};
  }

  DlibReader reader_;
  Builder builder_{"dlib-resnet"};
  int count_ = 0;
  std::optional<Error> problem_;
};

}  // namespace

Result<std::vector<std::byte>> import_dlib_resnet(std::span<const std::byte> bytes) {
  Layers net(bytes);
  Flow x{
      .name = net.builder().input("input", {kFree, 3, kSide, kSide}), .channels = 3, .side = kSide};
  x = net.relu(net.convolution(x, 32, {.side = 7, .stride = 2}));
  x = {.name = net.builder().max_pool("pool", x.name, 3, 2),
       .channels = x.channels,
       .side = Window{.side = 3, .stride = 2}.over(x.side)};
  struct Level {
    std::int64_t channels;
    int blocks;
  };
  for (int i = 0; i < 3; ++i) x = net.residual(x);
  for (const Level& level : {Level{64, 3}, Level{128, 2}, Level{256, 2}, Level{256, 0}}) {
    x = net.residual_down(x, level.channels);
    for (int i = 0; i < level.blocks; ++i) x = net.residual(x);
  }
  const std::string mean =
      net.builder().flatten("flat", net.builder().global_average_pool("mean", x.name));
  net.builder().output(net.builder().product("embedding", mean, net.dense(256, 128)), {kFree, 128});
  return net.finish();
}

}  // namespace visavis::modelkit
