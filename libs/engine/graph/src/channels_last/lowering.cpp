#include "lowering.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"

namespace visavis::graph::channels_last {
namespace {

const Ints kToLast = {0, 2, 3, 1};
const Ints kToFirst = {0, 3, 1, 2};

std::size_t count_of(const Shape& shape) {
  std::size_t count = 1;
  for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
  return count;
}

template <class T>
std::vector<T> reordered(const std::vector<T>& values, const Shape& shape,
                         std::span<const std::int64_t> permutation) {
  const std::size_t rank = shape.size();
  Shape steps(rank, 1);
  for (std::size_t i = rank; i-- > 1;) steps[i - 1] = steps[i] * shape[i];
  std::vector<T> out;
  out.reserve(values.size());
  Shape at(rank, 0);
  for (std::size_t n = 0; n < values.size(); ++n) {
    std::int64_t from = 0;
    for (std::size_t i = 0; i < rank; ++i)
      from += at[i] * steps[static_cast<std::size_t>(permutation[i])];
    out.push_back(values[static_cast<std::size_t>(from)]);
    for (std::size_t i = rank; i-- > 0;) {
      if (++at[i] < shape[static_cast<std::size_t>(permutation[i])]) break;
      at[i] = 0;
    }
  }
  return out;
}

/// Real = (step - zero) * scale, along an axis or all alike.
template <class T>
std::vector<float> reals(const std::vector<T>& steps, const std::vector<T>& zeros,
                         const std::vector<float>& scales, std::size_t block) {
  std::vector<float> out;
  out.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::size_t channel = i / block % scales.size();
    const int zero = zeros.empty() ? 0 : zeros[zeros.size() == 1 ? 0 : channel];
    out.push_back(static_cast<float>(int{steps[i]} - zero) * scales[channel]);
  }
  return out;
}

}  // namespace

Shape last(const Shape& first) { return {first[0], first[2], first[3], first[1]}; }

Tensor permuted(const Tensor& tensor, std::span<const std::int64_t> permutation) {
  Tensor out{.name = tensor.name, .shape = {}, .values = {}};
  for (const std::int64_t axis : permutation)
    out.shape.push_back(tensor.shape[static_cast<std::size_t>(axis)]);
  out.values = std::visit(
      [&](const auto& values) {
        return Tensor::Values(reordered(values, tensor.shape, permutation));
      },
      tensor.values);
  return out;
}

std::unexpected<Error> unsupported(const Node& node, std::string_view what) {
  return fail(
      ErrorCode::kUnsupported,
      node.op + (node.name.empty() ? "" : " \"" + node.name + "\"") + " with " + std::string(what));
}

std::size_t axis_of(std::int64_t axis, std::size_t rank) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

Lowering::Lowering(const Graph& source, Shapes shapes)
    : source_(source), shapes_(std::move(shapes)) {
  graph_.name = source.name;
  graph_.opset = source.opset;
  for (const Tensor& tensor : source.initializers) constants_[tensor.name] = &tensor;
  for (const Node& node : source.nodes)
    for (const std::string& output : node.outputs) makers_[output] = &node;
  // What the outside knows keeps its name.
  for (const ValueInfo& value : source.inputs) names_.insert(value.name);
  for (const ValueInfo& value : source.outputs) names_.insert(value.name);
}

bool Lowering::sizes_are_free() const {
  return std::ranges::any_of(source_.inputs, [](const ValueInfo& input) {
    return input.shape.size() == 4 && (input.shape[2] < 0 || input.shape[3] < 0);
  });
}

bool Lowering::has(const Node& node, std::size_t input) {
  return input < node.inputs.size() && !node.inputs[input].empty();
}

const Tensor* Lowering::constant(const std::string& value) {
  if (const auto found = constants_.find(value); found != constants_.end()) return found->second;
  if (const auto found = dequantized_.find(value); found != dequantized_.end())
    return &found->second;
  const auto maker = makers_.find(value);
  if (maker == makers_.end() || maker->second->op != "DequantizeLinear") return nullptr;
  const Node& node = *maker->second;
  const auto stored = [&](std::size_t input) -> const Tensor* {
    if (!has(node, input)) return nullptr;
    const auto found = constants_.find(node.inputs[input]);
    return found == constants_.end() ? nullptr : found->second;
  };
  const Tensor* steps = stored(0);
  const Tensor* scale = stored(1);
  const Tensor* zero = stored(2);
  const auto* scales = scale == nullptr ? nullptr : std::get_if<std::vector<float>>(&scale->values);
  if (steps == nullptr || scales == nullptr || scales->empty() || (has(node, 2) && zero == nullptr))
    return nullptr;
  std::size_t block = count_of(steps->shape);
  if (scales->size() > 1)
    for (std::size_t i = 0; i <= axis_of(node.get_or<std::int64_t>("axis", 1), steps->shape.size());
         ++i)
      block /= static_cast<std::size_t>(std::max<std::int64_t>(steps->shape[i], 1));
  Tensor out{.name = value, .shape = steps->shape, .values = {}};
  const bool known = std::visit(
      [&](const auto& values) {
        using T = std::decay_t<decltype(values)>::value_type;
        if constexpr (sizeof(T) == 1) {
          const auto* zeros =
              zero == nullptr ? nullptr : std::get_if<std::vector<T>>(&zero->values);
          out.values = reals(values, zeros == nullptr ? std::vector<T>{} : *zeros, *scales,
                             std::max<std::size_t>(block, 1));
          return true;
        } else {
          return false;
        }
      },
      steps->values);
  return known ? &dequantized_.emplace(value, std::move(out)).first->second : nullptr;
}

std::vector<float> Lowering::weight_scales(const std::string& value, std::size_t outputs,
                                           std::size_t axis) {
  if (constant(value) == nullptr || !dequantized_.contains(value)) return {};
  const Node& node = *makers_.at(value);
  const Tensor& steps = *constants_.at(node.inputs[0]);
  auto scales = std::get<std::vector<float>>(constants_.at(node.inputs[1])->values);
  const bool along = axis_of(node.get_or<std::int64_t>("axis", 1), steps.shape.size()) == axis;
  const auto* zeros = has(node, 2) ? constants_.at(node.inputs[2]) : nullptr;
  const auto* small =
      zeros == nullptr ? nullptr : std::get_if<std::vector<std::int8_t>>(&zeros->values);
  if (steps.type() != ElementType::kInt8 ||
      (zeros != nullptr &&
       (small == nullptr || std::ranges::any_of(*small, [](int zero) { return zero != 0; }))))
    return {};
  if (scales.size() == 1) return std::vector<float>(outputs, scales[0]);
  if (!along || scales.size() != outputs) return {};
  return scales;
}

Result<std::vector<float>> Lowering::floats(const Node& node, std::size_t input) {
  const Tensor* found = has(node, input) ? constant(node.inputs[input]) : nullptr;
  const auto* values = found == nullptr ? nullptr : std::get_if<std::vector<float>>(&found->values);
  if (values == nullptr) return unsupported(node, "weights that are computed");
  return *values;
}

Result<Ints> Lowering::ints(const Node& node, std::size_t input) {
  const Tensor* found = has(node, input) ? constant(node.inputs[input]) : nullptr;
  if (found != nullptr) {
    if (const auto* values = std::get_if<Ints>(&found->values)) return *values;
    if (const auto* values = std::get_if<std::vector<std::int32_t>>(&found->values))
      return Ints(values->begin(), values->end());
  }
  return unsupported(node, "sizes or places that are computed");
}

bool Lowering::is_last(const std::string& value) const {
  const auto found = forms_.find(value);
  return found != forms_.end() && !found->second.last.empty();
}

bool Lowering::any_last(const Node& node) const {
  return std::ranges::any_of(node.inputs, [&](const std::string& input) { return is_last(input); });
}

std::string Lowering::first_of(const std::string& value) {
  Forms& forms = forms_[value];
  if (!forms.first.empty()) return forms.first;
  if (const Tensor* tensor = constant(value)) {
    forms.first = add(*tensor);
    return forms.first;
  }
  const Shape& wanted = shape(value);
  // Nothing changes its place where there is one channel or one pixel.
  if (wanted[1] == 1 || wanted[2] * wanted[3] == 1)
    forms.first = reshape(forms.last, wanted);
  else
    forms.first = transpose(forms.last, kToFirst);
  return forms.first;
}

std::string Lowering::last_of(const std::string& value) {
  Forms& forms = forms_[value];
  if (!forms.last.empty()) return forms.last;
  if (const Tensor* tensor = constant(value)) {
    forms.last = add(permuted(*tensor, kToLast));
    return forms.last;
  }
  const Shape& known = shape(value);
  if (known[1] == 1 || known[2] * known[3] == 1)
    forms.last = reshape(forms.first, last(known));
  else
    forms.last = transpose(forms.first, kToLast);
  return forms.last;
}

std::string Lowering::spread(const std::string& value, std::size_t rank, bool as_last) {
  const Shape& from = shape(value);
  if (const Tensor* tensor = constant(value)) {
    if (from.empty()) return first_of(value);
    Tensor wide = *tensor;
    wide.shape.insert(wide.shape.begin(), rank - from.size(), 1);
    return add(as_last ? permuted(wide, kToLast) : std::move(wide));
  }
  if (from.size() == rank) return in_order(value, as_last);
  Shape wide = from;
  wide.insert(wide.begin(), rank - from.size(), 1);
  const std::string spread = reshape(first_of(value), wide);
  return as_last ? transpose(spread, kToLast) : spread;
}

std::string Lowering::fresh(const std::string& stem) {
  std::string name = stem;
  std::size_t& count = counts_[stem];  // not from 1 again for each of many layers
  while (!names_.insert(name).second) name = stem + "_" + std::to_string(++count);
  return name;
}

std::string Lowering::add(Tensor tensor) {
  tensor.name = fresh(tensor.name.empty() ? "constant" : tensor.name);
  made_[tensor.name] = tensor.shape;
  graph_.initializers.push_back(std::move(tensor));
  return graph_.initializers.back().name;
}

std::string Lowering::add_floats(Shape shape, std::vector<float> values) {
  return add({.name = {}, .shape = std::move(shape), .values = std::move(values)});
}

std::string Lowering::add_ints(const Ints& values) {
  return add_ints({static_cast<std::int64_t>(values.size())}, values);
}

std::string Lowering::add_ints(Shape shape, const Ints& values) {
  std::vector<std::int32_t> small;
  small.reserve(values.size());
  for (const std::int64_t value : values)
    small.push_back(static_cast<std::int32_t>(
        std::clamp<std::int64_t>(value, std::numeric_limits<std::int32_t>::min(),
                                 std::numeric_limits<std::int32_t>::max())));
  return add({.name = {}, .shape = std::move(shape), .values = std::move(small)});
}

std::string Lowering::emit(std::string_view op, std::vector<std::string> inputs, Shape made,
                           Attributes attributes) {
  const std::string name = fresh(std::string(op));
  made_[name] = std::move(made);
  graph_.nodes.push_back({.op = std::string(op),
                          .name = name,
                          .inputs = std::move(inputs),
                          .outputs = {name},
                          .attributes = std::move(attributes)});
  return name;
}

std::string Lowering::reshape(const std::string& x, const Shape& to) {
  return made(x) == to ? x : reshaped(x, to);
}

std::string Lowering::reshaped(const std::string& x, Shape to) {
  Ints wanted = to;
  // The batch may be another one day.
  if (!to.empty() && count_of(to) > 0) wanted[0] = -1;
  const std::string shape = add_ints(wanted);
  return emit("Reshape", {x, shape}, std::move(to));
}

std::string Lowering::transpose(const std::string& x, const Ints& permutation) {
  if (std::ranges::is_sorted(permutation)) return x;
  const Shape& from = made(x);
  Shape to;
  for (const std::int64_t axis : permutation) to.push_back(from[static_cast<std::size_t>(axis)]);
  const std::string order = add_ints(permutation);
  return emit("Transpose", {x, order}, std::move(to));
}

std::string Lowering::pad(const std::string& x,
                          const std::vector<std::pair<std::int64_t, std::int64_t>>& padding,
                          float value) {
  Shape to = made(x);
  Ints flat;
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] += padding[i].first + padding[i].second;
    flat.push_back(padding[i].first);
    flat.push_back(padding[i].second);
  }
  const std::string paddings = add_ints({static_cast<std::int64_t>(to.size()), 2}, flat);
  return emit("Pad", {x, paddings}, std::move(to), {{"value", value}});
}

std::string Lowering::slice(const std::string& x, std::size_t axis, std::int64_t begin,
                            std::int64_t size) {
  Shape to = made(x);
  Ints begins(to.size(), 0);
  Ints sizes(to.size(), -1);
  begins[axis] = begin;
  sizes[axis] = size;
  to[axis] = size;
  const std::string from = add_ints(begins);
  const std::string count = add_ints(sizes);
  return emit("Slice", {x, from, count}, std::move(to));
}

void Lowering::keep(const std::string& value, const std::string& made, bool as_last) {
  Forms& forms = forms_[value];
  (as_last ? forms.last : forms.first) = made;
}

void Lowering::input(const ValueInfo& value, bool as_last) {
  const bool turned = as_last && rank(value.name) == 4;
  made_[value.name] = turned ? last(shape(value.name)) : shape(value.name);
  graph_.inputs.push_back(
      {.name = value.name, .type = value.type, .shape = turned ? last(value.shape) : value.shape});
  keep(value.name, value.name, turned);
}

void Lowering::output(const ValueInfo& value, bool as_last) {
  const bool turned = as_last && rank(value.name) == 4;
  std::string made = in_order(value.name, turned);
  const bool is_given = std::ranges::any_of(
      graph_.nodes, [&](const Node& node) { return node.outputs.front() == made; });
  if (!is_given || renamed_.contains(made)) made = reshaped(made, made_.at(made));
  renamed_[made] = value.name;
  graph_.outputs.push_back({.name = value.name, .type = value.type, .shape = made_.at(made)});
}

ChannelsLast Lowering::finish() && {
  const auto rename = [&](std::string& name) {
    if (const auto found = renamed_.find(name); found != renamed_.end()) name = found->second;
  };
  for (Node& node : graph_.nodes) {
    std::ranges::for_each(node.inputs, rename);
    std::ranges::for_each(node.outputs, rename);
  }
  for (const auto& [made, name] : renamed_) made_[name] = made_.at(made);
  return {.graph = std::move(graph_), .shapes = std::move(made_)};
}

}  // namespace visavis::graph::channels_last
