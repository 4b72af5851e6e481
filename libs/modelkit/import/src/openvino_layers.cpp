#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/resize.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "openvino_converter.hpp"
#include "openvino_values.hpp"

namespace visavis::modelkit::ir {
namespace {

struct Window {
  Attributes attributes;
  bool hangs_over = false;  ///< A window may begin behind the end of the padded input.
};

Result<Window> window_of(const Call& call, std::size_t axes, const Shape& kernel) {
  VISAVIS_TRY(strides, call.list("strides"));
  VISAVIS_TRY(begin, call.list("pads_begin"));
  VISAVIS_TRY(end, call.list("pads_end"));
  VISAVIS_TRY(dilations, call.list("dilations"));
  if (dilations.empty()) dilations.assign(axes, 1);
  if (strides.size() != axes || dilations.size() != axes || kernel.size() != axes)
    return needs("strides and dilations for each of its axes");
  const std::string_view padding = call.text("auto_pad", "explicit");
  Window out;
  out.attributes = {{"kernel_shape", kernel}, {"strides", strides}, {"dilations", dilations}};
  if (padding == "same_upper" || padding == "same_lower") {
    out.attributes.emplace_back("auto_pad",
                                std::string(padding == "same_upper" ? "SAME_UPPER" : "SAME_LOWER"));
    return out;
  }
  if (padding == "valid") {
    begin.assign(axes, 0);
    end = begin;
  } else if (padding != "explicit" && padding != "notset") {
    return needs("padding that is explicit, same_upper, same_lower or valid");
  }
  if (begin.size() != axes || end.size() != axes) return needs("pads for each of its axes");
  for (std::size_t i = 0; i < axes; ++i) {
    if (begin[i] < 0 || end[i] < 0 || strides[i] < 1 || dilations[i] < 1 || kernel[i] < 1)
      return needs("pads from 0 on, and strides and dilations from 1 on");
    out.hangs_over = out.hangs_over || strides[i] + end[i] > dilations[i] * (kernel[i] - 1) + 1;
  }
  begin.insert(begin.end(), end.begin(), end.end());
  out.attributes.emplace_back("pads", std::move(begin));
  return out;
}

const graph::Attribute* find(const Attributes& list, std::string_view name) {
  const auto found = std::ranges::find(
      list, name, [](const auto& each) -> std::string_view { return each.first; });
  return found == list.end() ? nullptr : &found->second;
}

/// How large an Interpolate makes its input.
struct Growth {
  std::vector<float> scales;  ///< One for each axis; of those that are given, or 1.
  Shape sizes;                ///< Of each axis, 0 as before; empty where scales are exact.
};

/// The axes of an Interpolate.
Result<std::vector<std::size_t>> resized_axes(const Call& call, std::size_t input,
                                              std::size_t rank) {
  std::vector<std::size_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (!call.has(input)) return axes;
  VISAVIS_TRY(given, call.known(input));
  axes.clear();
  for (const std::int64_t n : given) {
    VISAVIS_TRY(axis, axis_of(n, rank));
    axes.push_back(axis);
  }
  return axes;
}

Result<Growth> growth_of(const Call& call, const Computed& x) {
  constexpr std::int64_t kMost = std::int64_t{1} << 24;  // what float32 counts exactly
  const bool old = call.layer.opset == "opset4";
  if (!old && call.layer.opset != "opset11") return needs("its form of operation set 4 or 11");
  const std::string_view by = call.text("shape_calculation_mode", "");
  if (by != "sizes" && by != "scales")
    return needs("a shape_calculation_mode that is sizes or scales");
  VISAVIS_TRY(axes, resized_axes(call, old ? 3 : 2, x.shape.size()));
  Growth out{.scales = std::vector<float>(x.shape.size(), 1), .sizes = {}};
  if (by == "scales") {
    VISAVIS_TRY(given, call.numbers(old ? 2 : 1));
    if (given->values.size() != axes.size()) return needs("a scale for each of its axes");
    for (std::size_t i = 0; i < axes.size(); ++i) out.scales[axes[i]] = given->values[i];
    if (x.batched && out.scales[0] != 1) return needs("to leave the number of samples as it is");
    return out;
  }
  VISAVIS_TRY(given, call.integers(1));
  if (given.values.size() != axes.size()) return needs("a size for each of its axes");
  Shape sizes(x.shape.size(), 0);
  bool exact = true;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t in = x.shape[axes[i]];
    const std::int64_t size = given.values[i];
    if (axes[i] == 0 && x.batched) {
      if (size != kSamples) return needs("to leave the number of samples as it is");
      continue;
    }
    if (in < 1 || in > kMost) return needs("an input whose sizes are known");
    if (is_open(size) || size < 1 || size > kMost) return needs("sizes of 1 to 2^24");
    if (size == in) continue;
    const auto scale = graph::exact_scale(in, size);
    exact = exact && scale;
    out.scales[axes[i]] = static_cast<float>(size) / static_cast<float>(in);
    sizes[axes[i]] = size;
  }
  if (!exact) out.sizes = std::move(sizes);
  return out;
}

/// The attributes of a Resize that takes the same numbers.
Result<Attributes> placing_of(const Call& call, std::span<const float> scales) {
  const std::string_view mode = call.text("mode", "");
  const bool nearest = mode == "nearest";
  if (!nearest && mode != "linear" && mode != "linear_onnx")
    return needs("a mode that is nearest, linear or linear_onnx");
  if (call.flag("antialias", false)) return needs("to do without antialiasing");
  for (const char* key : {"pads_begin", "pads_end"}) {
    VISAVIS_TRY(pads, call.list(key));
    if (std::ranges::any_of(pads, std::identity())) return needs("to do without padding");
  }
  std::string coordinates(call.text("coordinate_transformation_mode", "half_pixel"));
  std::string rounding(call.text("nearest_mode", "round_prefer_floor"));
  // x is rounded down there; half a pixel less, it is rounded to the nearest, halves up.
  if (coordinates == "tf_half_pixel_for_nn" && nearest && rounding == "floor") {
    coordinates = "half_pixel";
    rounding = "round_prefer_ceil";
  }
  if (coordinates != "half_pixel" && coordinates != "pytorch_half_pixel" &&
      coordinates != "asymmetric" && coordinates != "align_corners")
    return needs("coordinates that ONNX has");
  // Down where the result is larger, up where it is smaller.
  if (rounding == "simple") {
    const bool grows = std::ranges::all_of(scales, [](float scale) { return scale >= 1; });
    const bool shrinks = std::ranges::all_of(scales, [](float scale) { return scale <= 1; });
    if (nearest && !grows && !shrinks) return needs("one rounding for all axes");
    rounding = grows ? "floor" : "ceil";
  }
  Attributes out = {{"coordinate_transformation_mode", coordinates},
                    {"mode", std::string(nearest ? "nearest" : "linear")}};
  if (!nearest) return out;
  if (rounding != "floor" && rounding != "ceil" && rounding != "round_prefer_floor" &&
      rounding != "round_prefer_ceil")
    return needs("a rounding that ONNX has");
  out.emplace_back("nearest_mode", rounding);
  return out;
}

}  // namespace

Result<Values> Converter::convolved(const Call& call, Constant kernel, std::int64_t groups) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  if (kernel.shape.size() < 3 || kernel.shape.size() != x->shape.size())
    return needs("a kernel of as many dimensions as its input");
  VISAVIS_TRY(window, window_of(call, kernel.shape.size() - 2,
                                {kernel.shape.begin() + 2, kernel.shape.end()}));
  window.attributes.emplace_back("group", groups);
  VISAVIS_TRY(name, operand(std::make_shared<const Constant>(std::move(kernel))));
  return made("Conv", call, {x->name, name}, std::move(window.attributes));
}

Result<Values> Converter::convolution(const Call& call) {
  VISAVIS_TRY(kernel, call.numbers(1));
  return convolved(call, *kernel, 1);
}

/// [groups, out of each, in of each, height, width]
Result<Values> Converter::group_convolution(const Call& call) {
  VISAVIS_TRY(given, call.numbers(1));
  if (given->shape.size() < 4) return needs("a kernel with groups");
  Constant kernel = *given;
  const std::int64_t groups = kernel.shape[0];
  kernel.shape.erase(kernel.shape.begin());
  kernel.shape[0] *= groups;
  return convolved(call, std::move(kernel), groups);
}

/// Where the size of the result is not given, pads say what is cut off.
Result<Values> Converter::transposed(const Call& call, Constant kernel, std::int64_t groups) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  if (kernel.shape.size() != 4 || x->shape.size() != 4) return needs("pictures");
  if (call.has(2) || call.text("auto_pad", "explicit").starts_with("same"))
    return needs("pads instead of a size for its result");
  VISAVIS_TRY(window, window_of(call, 2, {kernel.shape.begin() + 2, kernel.shape.end()}));
  VISAVIS_TRY(more, call.list("output_padding"));
  if (!more.empty() && more.size() != 2) return needs("an output_padding for each of its axes");
  if (std::ranges::any_of(more, [](std::int64_t n) { return n < 0; }))
    return needs("an output_padding from 0 on");
  if (!more.empty()) window.attributes.emplace_back("output_padding", std::move(more));
  window.attributes.emplace_back("group", groups);
  VISAVIS_TRY(name, operand(std::make_shared<const Constant>(std::move(kernel))));
  return made("ConvTranspose", call, {x->name, name}, std::move(window.attributes));
}

Result<Values> Converter::transposed_convolution(const Call& call) {
  VISAVIS_TRY(kernel, call.numbers(1));
  return transposed(call, *kernel, 1);
}

/// [groups, in of each, out of each, height, width]
Result<Values> Converter::transposed_group_convolution(const Call& call) {
  VISAVIS_TRY(given, call.numbers(1));
  if (given->shape.size() != 5) return needs("a kernel with groups");
  Constant kernel = *given;
  const std::int64_t groups = kernel.shape[0];
  kernel.shape.erase(kernel.shape.begin());
  kernel.shape[0] *= groups;
  return transposed(call, std::move(kernel), groups);
}

Result<Values> Converter::pool(const Call& call) {
  const bool is_mean = call.layer.type == "AvgPool";
  const Computed* x = call.computed(0);
  if (x == nullptr || x->shape.size() < 3) return needs("an input that is a picture");
  if (used_.contains({call.index, 1}))
    return needs("that nobody asks where the largest numbers were");
  VISAVIS_TRY(kernel, call.list("kernel"));
  VISAVIS_TRY(window, window_of(call, x->shape.size() - 2, kernel));
  const std::string_view rounding = call.text("rounding_type", "floor");
  if (rounding != "floor" && rounding != "ceil" && rounding != "ceil_torch")
    return needs("sizes rounded by floor or ceil");
  const bool up = rounding != "floor";
  if (rounding == "ceil" && window.hangs_over)
    return needs("that no window begins behind the end of the input");
  if (up) window.attributes.emplace_back("ceil_mode", std::int64_t{1});
  if (is_mean) {
    const bool counts = !call.flag("exclude-pad", false);
    const auto* pads = find(window.attributes, "pads");
    const bool padded =
        pads == nullptr || std::ranges::any_of(std::get<Shape>(*pads), std::identity());
    if (up && counts && padded) return needs("a mean that leaves out its padding");
    if (counts) window.attributes.emplace_back("count_include_pad", std::int64_t{1});
    std::erase_if(window.attributes, [](const auto& each) { return each.first == "dilations"; });
  }
  return made(is_mean ? "AveragePool" : "MaxPool", call, {x->name}, std::move(window.attributes));
}

/// Of operator sets 4 and 11.
Result<Values> Converter::interpolate(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(growth, growth_of(call, *x));
  VISAVIS_TRY(attributes, placing_of(call, growth.scales));
  const auto rank = static_cast<std::int64_t>(growth.scales.size());
  const std::string& name = call.layer.name;
  if (growth.sizes.empty()) {
    const std::string by = initializer(name + ".scales", {rank}, std::move(growth.scales));
    return made("Resize", call, {x->name, "", by}, std::move(attributes));
  }
  // In front of the first axis that changes all are as they were.
  const auto first = std::ranges::find_if(growth.sizes, [](std::int64_t n) { return n != 0; });
  const auto count = first - growth.sizes.begin();
  Shape behind(first, growth.sizes.end());
  for (std::size_t i = 0; i < behind.size(); ++i)
    if (behind[i] == 0) behind[i] = x->shape[static_cast<std::size_t>(count) + i];
  if (std::ranges::any_of(behind, [](std::int64_t n) { return n < 0; }))
    return needs("an input whose sizes are known");
  std::string sizes = integers(name + ".size", std::move(behind));
  if (count > 0) {
    Shape places(static_cast<std::size_t>(count));
    std::iota(places.begin(), places.end(), 0);
    const std::string all = fresh(name + ".shape");
    node("Shape", all, {x->name});
    const std::string kept = fresh(name + ".kept");
    node("Gather", kept, {all, integers(name + ".places", std::move(places))});
    const std::string joined = fresh(name + ".sizes");
    node("Concat", joined, {kept, sizes}, {{"axis", std::int64_t{0}}});
    sizes = joined;
  }
  return made("Resize", call, {x->name, "", "", sizes}, std::move(attributes));
}

Result<Values> Converter::batch_norm(const Call& call) {
  // The first version has the data behind scale and shift.
  const bool old = call.layer.opset == "opset1";
  const Computed* x = call.computed(old ? 2 : 0);
  if (x == nullptr || call.inputs.size() != 5) return needs("an input that is computed");
  std::vector<std::string> inputs = {x->name};
  for (const std::size_t i :
       {old ? std::size_t{0} : 1, old ? std::size_t{1} : 2, std::size_t{3}, std::size_t{4}}) {
    VISAVIS_TRY(name, operand(call.inputs[i]));
    inputs.push_back(std::move(name));
  }
  VISAVIS_TRY(epsilon, call.real("epsilon"));
  return made("BatchNormalization", call, std::move(inputs),
              {{"epsilon", static_cast<float>(epsilon)}});
}

Result<Values> Converter::mat_mul(const Call& call) {
  if (call.inputs.size() != 2) return needs("two inputs");
  std::array<std::string, 2> names;
  const Computed* x = call.computed(0);
  const Numbers* by = std::get_if<Numbers>(&call.inputs[1]);
  const bool turned[] = {call.flag("transpose_a", false), call.flag("transpose_b", false)};
  if (x != nullptr && by != nullptr && x->shape.size() == 2 && (*by)->shape.size() == 2 &&
      !turned[0]) {
    VISAVIS_TRY(matrix, turned[1] ? Result<Constant>(**by) : permuted(**by, {1, 0}));
    VISAVIS_TRY(name, operand(std::make_shared<const Constant>(std::move(matrix))));
    return made("Gemm", call, {x->name, name}, {{"transB", std::int64_t{1}}});
  }
  for (std::size_t i = 0; i < 2; ++i) {
    VISAVIS_TRY(name, operand(call.inputs[i]));
    names[i] = name;
    if (!turned[i]) continue;
    const std::size_t rank = rank_of(call.inputs[i]);
    if (rank < 2) return needs("matrices");
    Shape order(rank);
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[rank - 1], order[rank - 2]);
    names[i] = fresh(call.layer.name + ".transposed");
    node("Transpose", names[i], {name}, {{"perm", std::move(order)}});
  }
  return made("MatMul", call, {names[0], names[1]});
}

}  // namespace visavis::modelkit::ir
