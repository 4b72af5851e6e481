/// Caffe's convolutions and poolings.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "caffe_layers.hpp"
#include "caffe_net.hpp"
#include "caffe_rules.hpp"
#include "caffe_text.hpp"
#include "caffe_weights.hpp"
#include "caffe_windows.hpp"

namespace visavis::modelkit::cf {
namespace {

/// What a convolution and a deconvolution say of themselves.
struct Convolved {
  const CaffeValue* x = nullptr;
  std::string name;
  std::int64_t outputs = 0;
  std::int64_t groups = 1;
  bool has_bias = true;
  CaffeWindow window;
};

/// @param depthwise  whether each channel is a group unless the file says otherwise
Result<Convolved> read_convolved(CaffeCall& call, bool depthwise) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("convolution_param"));
  parameters->pass_over({"weight_filler", "bias_filler", "engine", "force_nd_im2col"});
  VISAVIS_TRY(axis, parameters->integer("axis", 1));
  if (x->shape.size() != 4 || axis != 1)
    return unsupported(call, "a convolution of other than pictures");
  VISAVIS_TRY(outputs, parameters->integer("num_output", 0));
  VISAVIS_TRY(has_bias, parameters->boolean("bias_term", true));
  VISAVIS_TRY(window, read_caffe_window(*parameters, WindowOf::kConvolution));
  const std::int64_t channels = x->shape[1];
  VISAVIS_TRY(groups, parameters->integer("group", depthwise ? channels : 1));
  if (outputs < 1 || groups < 1 || channels % groups != 0 || outputs % groups != 0)
    return malformed(call, "numbers of channels and groups that do not go together");
  return Convolved{.x = x,
                   .name = *name,
                   .outputs = outputs,
                   .groups = groups,
                   .has_bias = has_bias,
                   .window = window};
}

}  // namespace

Values convolution(CaffeCall& call) {
  VISAVIS_TRY(read, read_convolved(call, call.layer.type != "Convolution"));
  const auto& [x, name, outputs, groups, has_bias, window] = read;
  const std::int64_t channels = x->shape[1];
  const Shape weights = {outputs, channels / groups, window.rows.kernel, window.columns.kernel};
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, has_bias ? 2 : 1));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], weights));
  if (has_bias) VISAVIS_CHECK(check_count(call, (*blobs)[1], {outputs}));
  const std::int64_t height = convolved(window.rows, x->shape[2]);
  const std::int64_t width = convolved(window.columns, x->shape[3]);
  if (height < 1 || width < 1) return malformed(call, "a kernel larger than its input");
  std::vector<float> bias =
      has_bias ? (*blobs)[1].values : std::vector<float>(static_cast<std::size_t>(outputs), 0.F);
  call.builder.convolution(name, x->name, constant(name + ".weight", weights, (*blobs)[0].values),
                           constant(name + ".bias", {outputs}, std::move(bias)),
                           {.groups = groups,
                            .stride_h = window.rows.stride,
                            .stride_w = window.columns.stride,
                            .dilation_h = window.rows.dilation,
                            .dilation_w = window.columns.dilation,
                            .pad_top = window.rows.pad,
                            .pad_left = window.columns.pad,
                            .pad_bottom = window.rows.pad,
                            .pad_right = window.columns.pad});
  return one(name, {x->shape[0], outputs, height, width});
}

/// deconv_layer.cpp: stride · (in − 1) + reach − 2 · pad numbers; weights: in, out / groups, …
Values deconvolution(CaffeCall& call) {
  VISAVIS_TRY(read, read_convolved(call, false));
  const auto& [x, name, outputs, groups, has_bias, window] = read;
  const std::int64_t channels = x->shape[1];
  const Shape weights = {channels, outputs / groups, window.rows.kernel, window.columns.kernel};
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, has_bias ? 2 : 1));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], weights));
  if (has_bias) VISAVIS_CHECK(check_count(call, (*blobs)[1], {outputs}));
  const std::int64_t height = deconvolved(window.rows, x->shape[2]);
  const std::int64_t width = deconvolved(window.columns, x->shape[3]);
  if (height < 1 || width < 1) return malformed(call, "a padding larger than the output");
  std::vector<std::string> inputs = {
      x->name, call.builder.constant(constant(name + ".weight", weights, (*blobs)[0].values))};
  if (has_bias)
    inputs.push_back(
        call.builder.constant(constant(name + ".bias", {outputs}, (*blobs)[1].values)));
  const auto pair = [&](std::int64_t CaffeAxis::* side) {
    return Shape{window.rows.*side, window.columns.*side};
  };
  const Shape pads = pair(&CaffeAxis::pad);
  call.builder.node("ConvTranspose", name, std::move(inputs),
                    {{"dilations", pair(&CaffeAxis::dilation)},
                     {"group", groups},
                     {"kernel_shape", pair(&CaffeAxis::kernel)},
                     {"pads", Shape{pads[0], pads[1], pads[0], pads[1]}},
                     {"strides", pair(&CaffeAxis::stride)}});
  return one(name, {x->shape[0], outputs, height, width});
}

Values pooling(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  if (x->shape.size() != 4) return unsupported(call, "an input that is no picture");
  VISAVIS_TRY(parameters, call.layer.parameters("pooling_param"));
  parameters->pass_over({"engine"});
  VISAVIS_TRY(kind, parameters->word("pool", "MAX"));
  const bool is_max = kind == "MAX" || kind == "0";
  if (!is_max && kind != "AVE" && kind != "1")
    return unsupported(call, "pooling other than MAX and AVE");
  VISAVIS_TRY(global, parameters->boolean("global_pooling", false));
  if (global) {
    call.builder.node(is_max ? "GlobalMaxPool" : "GlobalAveragePool", *name, {x->name}, {});
    return one(*name, {x->shape[0], x->shape[1], 1, 1});
  }
  VISAVIS_TRY(window, read_caffe_window(*parameters, WindowOf::kPooling));
  VISAVIS_TRY(up, rounds_up(*parameters));
  const bool clips = window.rows.pad > 0 || window.columns.pad > 0;
  const Pooled rows = pooled(window.rows, x->shape[2], up, clips);
  const Pooled columns = pooled(window.columns, x->shape[3], up, clips);
  if (!rows.makes_sense || !columns.makes_sense)
    return unsupported(call, "a window that does not meet its input");
  constexpr std::int64_t kMostCut = 65'536;  // each gets a number of its own
  for (const Pooled& axis : {rows, columns})
    if (!is_max && axis.cut > 0 && axis.count > kMostCut)
      return unsupported(call, "averages of so large a picture");
  if (call.free_sizes)
    max_pool_of_any_size(call.builder, *name, x->name, window, up);
  else if (is_max)
    max_pool(call.builder, *name, x->name, window, rows, columns);
  else
    average_pool(call.builder, *name, x->name, window, rows, columns);
  return one(*name, {x->shape[0], x->shape[1], rows.count, columns.count});
}

}  // namespace visavis::modelkit::cf
