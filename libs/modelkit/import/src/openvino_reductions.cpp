#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "openvino_converter.hpp"
#include "openvino_values.hpp"

namespace visavis::modelkit::ir {
namespace {

/// How many numbers there are along those axes.
Result<float> count_along(const Shape& shape, const Shape& axes) {
  std::int64_t count = 1;
  for (const std::int64_t axis : axes) {
    const std::int64_t n = shape[static_cast<std::size_t>(axis)];
    if (n < 0 || n > graph::kMaxElements / std::max<std::int64_t>(count, 1))
      return needs("sums over axes of known size");
    count *= n;
  }
  return static_cast<float>(count);
}

Result<Values> product_of_integers(const Call& call) {
  if (call.layer.type != "ReduceProd") return needs("numbers with a fraction");
  VISAVIS_TRY(given, call.integers(0));
  std::int64_t all = 1;
  for (const std::int64_t n : given.values) all = combined("Mul", all, n);
  const bool keeps = call.flag("keep_dims", false);
  return Values{Integers{.shape = keeps ? Shape(given.shape.size(), 1) : Shape{}, .values = {all}}};
}

}  // namespace

std::string Converter::mean_of(const std::string& name, const std::string& x, const Shape& axes) {
  const std::string made_name = fresh(name);
  node("ReduceMean", made_name, {x}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
  return made_name;
}

std::string Converter::squares_of(const std::string& name, const std::string& x) {
  const std::string made_name = fresh(name);
  node("Mul", made_name, {x, x});
  return made_name;
}

/// The square of a vector's length, by means, which every engine has.
Result<std::string> Converter::square_length(const Call& call, const Computed& x,
                                             const Shape& axes) {
  const std::string& name = call.layer.name;
  VISAVIS_TRY(count, count_along(x.shape, axes));
  const std::string mean = mean_of(name + ".mean", squares_of(name + ".squares", x.name), axes);
  std::string sum = fresh(name + ".sum");
  node("Mul", sum, {mean, single(name + ".count", count)});
  return sum;
}

Result<Values> Converter::reduce(const Call& call) {
  if (call.is_of_integers()) return product_of_integers(call);
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(given, call.known(1));
  VISAVIS_TRY(axes, axes_of(given, x->shape.size()));
  const std::int64_t keeps = call.flag("keep_dims", false) ? 1 : 0;
  const Attributes attributes = {{"axes", axes}, {"keepdims", keeps}};
  const std::string& type = call.layer.type;
  const std::string& name = call.layer.name;
  const bool kept = x->batched && !axes.empty() && axes[0] > 0;
  if (type == "ReduceMean")
    return with_samples(made("ReduceMean", call, {x->name}, attributes), kept);
  if (type == "ReduceSum") {
    VISAVIS_TRY(count, count_along(x->shape, axes));
    const std::string mean = fresh(name + ".mean");
    node("ReduceMean", mean, {x->name}, attributes);
    return made("Mul", call, {mean, single(name + ".count", count)});
  }
  if (type == "ReduceL2" && keeps == 1) {
    VISAVIS_TRY(sum, square_length(call, *x, axes));
    return made("Sqrt", call, {sum});
  }
  if (type == "ReduceMax" && x->shape.size() == 4 && axes == Shape{2, 3} && keeps == 1)
    return made("GlobalMaxPool", call, {x->name});
  return needs("axes that it keeps, or a mean or a sum");
}

/// x / √(Σ x² + ε), or x / √max(Σ x², ε)
Result<Values> Converter::normalize(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(given, call.known(1));
  VISAVIS_TRY(axes, axes_of(given, x->shape.size()));
  VISAVIS_TRY(epsilon, call.real("eps"));
  const std::string_view mode = call.text("eps_mode", "");
  if (mode != "add" && mode != "max") return needs("an eps_mode that is add or max");
  const std::string& name = call.layer.name;
  VISAVIS_TRY(sum, square_length(call, *x, axes));
  const std::string bounded = fresh(name + ".bounded");
  node(mode == "add" ? "Add" : "Clip", bounded,
       {sum, single(name + ".epsilon", static_cast<float>(epsilon))});
  const std::string length = fresh(name + ".length");
  node("Sqrt", length, {bounded});
  return made("Div", call, {x->name, length});
}

/// (x − mean), divided by √(variance + ε) or by √variance + ε if it says so
Result<Values> Converter::mean_variance(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr || call.layer.opset == "opset1" || call.layer.opset == "opset2")
    return needs("its form of operation set 6");
  VISAVIS_TRY(given, call.known(1));
  VISAVIS_TRY(axes, axes_of(given, x->shape.size()));
  VISAVIS_TRY(epsilon, call.real("eps"));
  const std::string& name = call.layer.name;
  const std::string mean = mean_of(name + ".mean", x->name, axes);
  if (!call.flag("normalize_variance", true)) return made("Sub", call, {x->name, mean});
  const std::string centred = fresh(name + ".centred");
  node("Sub", centred, {x->name, mean});
  std::string under = mean_of(name + ".variance", squares_of(name + ".squares", centred), axes);
  // The letters are large or small, as the release that wrote it had them.
  const std::string_view mode = call.text("eps_mode", "");
  const bool inside = mode == "inside_sqrt" || mode == "INSIDE_SQRT";
  if (!inside && mode != "outside_sqrt" && mode != "OUTSIDE_SQRT")
    return needs("an eps_mode that is inside_sqrt or outside_sqrt");
  const std::string offset = single(name + ".epsilon", static_cast<float>(epsilon));
  for (const bool adds : {inside, !inside}) {
    const std::string next = fresh(name + ".deviation");
    if (adds)
      node("Add", next, {under, offset});
    else
      node("Sqrt", next, {under});
    under = next;
  }
  return made("Div", call, {centred, under});
}

}  // namespace visavis::modelkit::ir
