#include "window.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <visavis/core/result.hpp>

#include "kernel.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {
namespace {

constexpr std::int64_t kMost = 1 << 30;  // so that no sum or product of two overflows

Result<Ints> numbers(const Call& call, std::string_view name, std::size_t count,
                     std::int64_t otherwise, std::int64_t least) {
  Ints values = call.node.get_or<Ints>(name, Ints(count, otherwise));
  if (values.size() != count) return call.wrong(std::string(name) + " is not for images");
  for (const std::int64_t value : values)
    if (value < least || value > kMost) return call.wrong(std::string(name) + " is out of range");
  return values;
}

/// SAME: as many outputs as strides fit into the input; the odd pixel of padding goes to one side.
void pad_same(Window& window, bool odd_at_end) {
  window.output = (window.input + window.stride - 1) / window.stride;
  const std::int64_t reach = (window.kernel - 1) * window.dilation + 1;
  const std::int64_t total =
      std::max<std::int64_t>((window.output - 1) * window.stride + reach - window.input, 0);
  window.pad_begin = odd_at_end ? total / 2 : total - total / 2;
  window.pad_end = total - window.pad_begin;
}

void count_outputs(Window& window, bool ceil) {
  const std::int64_t reach = (window.kernel - 1) * window.dilation + 1;
  const std::int64_t room = window.input + window.pad_begin + window.pad_end - reach;
  if (room < 0) return;  // no window fits
  window.output = (ceil ? room + window.stride - 1 : room) / window.stride + 1;
  // A window that rounding up would start in the padding at the end is dropped.
  if (ceil && (window.output - 1) * window.stride >= window.input + window.pad_begin)
    --window.output;
}

}  // namespace

Range inside(const Window& window, std::int64_t k) noexcept {
  const std::int64_t shift =
      window.pad_begin - k * window.dilation;  // position = o * stride - shift
  const auto first_at_least = [&](std::int64_t position) {
    const std::int64_t from = position + shift;
    return from <= 0 ? 0 : (from + window.stride - 1) / window.stride;
  };
  const std::int64_t begin = std::min(first_at_least(0), window.output);
  return {.begin = begin, .end = std::clamp(first_at_least(window.input), begin, window.output)};
}

Result<std::array<Window, 2>> windows(const Call& call, const Shape& input,
                                      std::array<std::int64_t, 2> kernel) {
  if (input.size() != 4) return call.unsupported("only images (tensors of rank 4)");
  VISAVIS_TRY(strides, numbers(call, "strides", 2, 1, 1));
  VISAVIS_TRY(dilations, numbers(call, "dilations", 2, 1, 1));
  VISAVIS_TRY(pads, numbers(call, "pads", 4, 0, 0));
  const auto padding = call.node.get_or<std::string>("auto_pad", "NOTSET");
  const bool same = padding == "SAME_UPPER" || padding == "SAME_LOWER";
  if (!same && padding != "NOTSET" && padding != "VALID")
    return call.wrong("its auto_pad is none that ONNX knows");
  if (padding == "VALID") pads.assign(4, 0);
  const bool ceil = call.integer("ceil_mode", 0) != 0;
  std::array<Window, 2> axes;
  for (std::size_t i = 0; i < 2; ++i) {
    Window& axis = axes[i];
    if (kernel[i] < 1 || kernel[i] > kMost) return call.wrong("the kernel has no size");
    axis = {.input = input[i + 2],
            .kernel = kernel[i],
            .stride = strides[i],
            .dilation = dilations[i],
            .pad_begin = pads[i],
            .pad_end = pads[i + 2],
            .output = 0};
    if (same)
      pad_same(axis, padding == "SAME_UPPER");
    else
      count_outputs(axis, ceil);
    if (axis.output < 1) return call.wrong("the kernel is larger than the input");
  }
  return axes;
}

}  // namespace visavis::runtime::reference
