#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "openvino_converter.hpp"
#include "openvino_values.hpp"

namespace visavis::modelkit::ir {
namespace {

/// The sizes a Reshape wants, one of which at most is -1; 0 stands for what `x` has there.
Result<Shape> target_of(const Call& call, Shape out, bool zero_copies) {
  if (out.size() > graph::kMaxRank) return needs("a shape of at most 8 dimensions");
  const Computed* x = call.computed(0);
  for (const std::int64_t n : out)
    if (n == 0 && !zero_copies) return needs("a shape without a size of 0");
  if (!out.empty() && out[0] == kSamples && x != nullptr && x->batched) out[0] = 0;
  const auto is_free = [](std::int64_t n) { return n == -1 || is_open(n); };
  // What cannot be computed beforehand the file may state.
  if (std::ranges::count_if(out, is_free) > 1 && call.declared().size() == out.size())
    for (std::size_t i = 0; i < out.size(); ++i)
      if (is_free(out[i])) out[i] = call.declared()[i];
  if (std::ranges::count_if(out, is_free) > 1) return needs("a shape with one open dimension");
  for (std::int64_t& n : out) {
    if (is_open(n)) n = -1;
    if (n < -1 || n > graph::kMaxElements) return needs("a shape within bounds");
  }
  return out;
}

/// All of them known, and `all` together.
Result<Shape> sizes_of_parts(const Call& call, std::int64_t all) {
  if (all < 0) return needs("an axis of known size");
  if (call.layer.type == "Split") {
    VISAVIS_TRY(count, call.integer("num_splits", ""));
    if (count < 1 || count > static_cast<std::int64_t>(kMostIntegers) || all % count != 0)
      return needs("parts of one size");
    return Shape(static_cast<std::size_t>(count), all / count);
  }
  VISAVIS_TRY(sizes, call.known(2));
  std::int64_t left = all;
  for (const std::int64_t n : sizes) {
    if (n < -1 || n > all) return needs("parts that its input has");
    left -= std::max<std::int64_t>(n, 0);
  }
  if (const auto open = std::ranges::find(sizes, -1); open != sizes.end()) {
    *open = left;
    left = 0;
  }
  if (left != 0 || sizes.empty() || std::ranges::any_of(sizes, [](auto n) { return n < 0; }))
    return needs("parts that its input has");
  return sizes;
}

/// Where a part of a list of whole numbers begins and ends.
Result<Values> part_of(const Integers& list, std::int64_t begin, std::int64_t end,
                       std::int64_t step) {
  const auto count = static_cast<std::int64_t>(list.values.size());
  if (list.shape.size() != 1 || step != 1) return needs("steps of 1 in a list of whole numbers");
  const auto place = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + count : at, 0, count);
  };
  const std::int64_t first = place(begin);
  const std::int64_t last = std::max(place(end), first);
  return Values{Integers{.shape = {last - first},
                         .values = {list.values.begin() + first, list.values.begin() + last}}};
}

}  // namespace

Result<Values> Converter::shape_of(const Call& call) {
  if (!call.has(0)) return needs("an input");
  Integers out;
  if (const Computed* x = call.computed(0))
    out.values = x->shape;
  else if (const Numbers* numbers = std::get_if<Numbers>(&call.inputs[0]))
    out.values = (*numbers)->shape;
  else
    out.values = std::get<Integers>(call.inputs[0]).shape;
  for (std::int64_t& n : out.values) n = n < 0 ? kUnknown : n;
  if (const Computed* x = call.computed(0); x != nullptr && x->batched) out.values[0] = kSamples;
  out.shape = {static_cast<std::int64_t>(out.values.size())};
  return Values{std::move(out)};
}

Result<Values> Converter::reshape(const Call& call) {
  VISAVIS_TRY(wanted, call.integers(1));
  const bool zero_copies = call.flag("special_zero", false);
  if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
    if (wanted.values.size() > 1) return needs("a list of whole numbers");
    Integers out = *list;
    out.shape =
        wanted.values.empty() ? Shape{} : Shape{static_cast<std::int64_t>(out.values.size())};
    return Values{std::move(out)};
  }
  VISAVIS_TRY(target, target_of(call, wanted.values, zero_copies));
  if (const Numbers* numbers = std::get_if<Numbers>(&call.inputs[0]))
    return reshaped(**numbers, std::move(target));
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input");
  const bool kept = x->batched && !target.empty() && target[0] == 0;
  return with_samples(
      made("Reshape", call, {x->name, integers(call.layer.name + ".shape", std::move(target))}),
      kept);
}

Result<Values> Converter::reshaped(const Constant& given, Shape target) {
  std::int64_t others = 1;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] == 0 && i < given.shape.size()) target[i] = given.shape[i];
    if (target[i] >= 0) others = std::min(others * target[i], graph::kMaxElements + 1);
  }
  const auto count = static_cast<std::int64_t>(given.values.size());
  for (std::int64_t& n : target)
    if (n < 0) n = others > 0 ? count / others : 0;
  const auto now = graph::element_count(target);
  if (!now || static_cast<std::int64_t>(*now) != count)
    return fail(ErrorCode::kModelMismatch, "a constant of the OpenVINO IR is given another size");
  Constant out = given;
  out.shape = std::move(target);
  return folded(std::move(out));
}

Result<Values> Converter::squeeze(const Call& call) { return other_rank(call, "Squeeze"); }

Result<Values> Converter::unsqueeze(const Call& call) { return other_rank(call, "Unsqueeze"); }

Result<Values> Converter::other_rank(const Call& call, std::string_view op) {
  if (!call.has(0)) return needs("an input");
  const bool adds = op == "Unsqueeze";
  if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
    if (list->values.size() != 1 && (adds || list->shape.size() != 1))
      return needs("a single whole number");
    Integers out = *list;
    if (adds)
      out.shape.insert(out.shape.begin(), 1);
    else if (out.values.size() == 1)
      out.shape = {};
    return Values{std::move(out)};
  }
  Shape axes;
  if (call.has(1)) {
    VISAVIS_TRY(given, call.known(1));
    VISAVIS_TRY(known, axes_of(given, rank_of(call.inputs[0]) + (adds ? given.size() : 0)));
    axes = std::move(known);
  } else if (adds) {
    return needs("axes");
  }
  if (const Numbers* numbers = std::get_if<Numbers>(&call.inputs[0])) {
    Shape shape = (*numbers)->shape;
    if (adds)
      for (const std::int64_t axis : axes) shape.insert(shape.begin() + axis, 1);
    else
      for (std::size_t i = shape.size(); i-- > 0;)
        if (shape[i] == 1 &&
            (axes.empty() || std::ranges::find(axes, static_cast<std::int64_t>(i)) != axes.end()))
          shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(i));
    return reshaped(**numbers, std::move(shape));
  }
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input");
  std::vector<std::string> inputs = {x->name};
  const bool kept = x->batched && !axes.empty() && axes[0] > 0;
  if (call.has(1)) inputs.push_back(integers(call.layer.name + ".axes", std::move(axes)));
  return with_samples(made(op, call, std::move(inputs)), kept);
}

Result<Values> Converter::transpose(const Call& call) {
  if (!call.has(0)) return needs("an input");
  VISAVIS_TRY(order, call.known(1));
  const std::size_t rank = rank_of(call.inputs[0]);
  if (order.empty())
    for (std::size_t i = rank; i-- > 0;) order.push_back(static_cast<std::int64_t>(i));
  VISAVIS_TRY(axes, axes_of(order, rank));
  if (axes.size() != rank || std::ranges::any_of(order, [](auto n) { return n < 0; }))
    return needs("an order of all axes");
  if (const Numbers* numbers = std::get_if<Numbers>(&call.inputs[0])) {
    VISAVIS_TRY(turned, permuted(**numbers, {order.begin(), order.end()}));
    return folded(std::move(turned));
  }
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input");
  const bool kept = x->batched && order[0] == 0;
  return with_samples(made("Transpose", call, {x->name}, {{"perm", std::move(order)}}), kept);
}

Result<Values> Converter::concat(const Call& call) {
  if (call.inputs.empty()) return needs("parts");
  if (call.is_of_integers()) {
    Integers out;
    for (const Value& part : call.inputs) {
      const Integers& list = std::get<Integers>(part);
      if (list.shape.size() != 1 || out.values.size() + list.values.size() > kMostIntegers)
        return needs("lists of whole numbers");
      out.values.insert(out.values.end(), list.values.begin(), list.values.end());
    }
    out.shape = {static_cast<std::int64_t>(out.values.size())};
    return Values{std::move(out)};
  }
  VISAVIS_TRY(given, call.integer("axis", ""));
  VISAVIS_TRY(axis, axis_of(given, rank_of(call.inputs[0])));
  std::vector<std::string> inputs;
  for (const Value& part : call.inputs) {
    VISAVIS_TRY(name, operand(part));
    inputs.push_back(std::move(name));
  }
  const bool kept = axis > 0 && std::ranges::all_of(call.inputs, [](const Value& part) {
                      const Computed* computed = std::get_if<Computed>(&part);
                      return computed != nullptr && computed->batched;
                    });
  return with_samples(
      made("Concat", call, std::move(inputs), {{"axis", static_cast<std::int64_t>(axis)}}), kept);
}

Result<Values> Converter::split(const Call& call) {
  VISAVIS_TRY(given, call.one(1));
  if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
    VISAVIS_TRY(sizes, sizes_of_parts(call, static_cast<std::int64_t>(list->values.size())));
    if (list->shape.size() != 1) return needs("a list of whole numbers");
    Values out;
    auto from = list->values.begin();
    for (const std::int64_t n : sizes) {
      out.emplace_back(Integers{.shape = {n}, .values = {from, from + n}});
      from += n;
    }
    return out;
  }
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(axis, axis_of(given, x->shape.size()));
  VISAVIS_TRY(sizes, sizes_of_parts(call, x->shape[axis]));
  graph::Node node{.op = "Split",
                   .name = {},
                   .inputs = {x->name, integers(call.layer.name + ".sizes", sizes)},
                   .outputs = {},
                   .attributes = {{"axis", static_cast<std::int64_t>(axis)}}};
  Values out;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    node.outputs.push_back(name_of(call, i));
    out.emplace_back(Computed{
        .name = node.outputs.back(), .shape = call.declared(i), .batched = x->batched && axis > 0});
  }
  node.name = node.outputs.front();
  graph_.nodes.push_back(std::move(node));
  return out;
}

Result<Values> Converter::slice(const Call& call) {
  VISAVIS_TRY(begin, call.known(1));
  VISAVIS_TRY(end, call.known(2));
  VISAVIS_TRY(step, call.known(3));
  Shape axes(begin.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (call.has(4)) {
    VISAVIS_TRY(given, call.known(4));
    axes = std::move(given);
  }
  if (end.size() != begin.size() || step.size() != begin.size() || axes.size() != begin.size())
    return needs("as many beginnings as ends, steps and axes");
  if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
    if (begin.size() != 1) return needs("a list of whole numbers");
    return part_of(*list, begin[0], end[0], step[0]);
  }
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  const std::string& name = call.layer.name;
  return made("Slice", call,
              {x->name, integers(name + ".begin", std::move(begin)),
               integers(name + ".end", std::move(end)), integers(name + ".axes", std::move(axes)),
               integers(name + ".steps", std::move(step))});
}

Result<Values> Converter::strided_slice(const Call& call) {
  VISAVIS_TRY(begin, call.known(1));
  VISAVIS_TRY(end, call.known(2));
  Shape steps(begin.size(), 1);
  if (call.has(3)) {
    VISAVIS_TRY(given, call.known(3));
    steps = std::move(given);
  }
  VISAVIS_TRY(from_start, call.list("begin_mask"));
  VISAVIS_TRY(to_end, call.list("end_mask"));
  VISAVIS_TRY(shrinks, call.list("shrink_axis_mask"));
  VISAVIS_TRY(adds, call.list("new_axis_mask"));
  VISAVIS_TRY(dots, call.list("ellipsis_mask"));
  const auto is_set = [](const Shape& mask, std::size_t i) {
    return i < mask.size() && mask[i] != 0;
  };
  if (std::ranges::any_of(adds, std::identity()) || std::ranges::any_of(dots, std::identity()) ||
      end.size() != begin.size() || steps.size() != begin.size())
    return needs("as many beginnings as ends, for axes that are there");
  constexpr std::int64_t kAll = kMostNumber;
  for (std::size_t i = 0; i < begin.size(); ++i) {
    if (is_set(shrinks, i)) {
      end[i] = begin[i] == -1 ? kAll : begin[i] + 1;
      continue;
    }
    if (is_set(from_start, i)) begin[i] = steps[i] < 0 ? kAll : 0;
    if (is_set(to_end, i)) end[i] = steps[i] < 0 ? -kAll : kAll;
  }
  if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
    if (begin.size() != 1) return needs("a list of whole numbers");
    VISAVIS_TRY(part, part_of(*list, begin[0], end[0], steps[0]));
    Integers& out = std::get<Integers>(part[0]);
    if (is_set(shrinks, 0) && out.values.size() != 1) return needs("a whole number that is there");
    if (is_set(shrinks, 0)) out.shape = {};
    return part;
  }
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  if (std::ranges::any_of(shrinks, std::identity())) return needs("axes that it keeps");
  Shape axes(begin.size());
  std::iota(axes.begin(), axes.end(), 0);
  const std::string& name = call.layer.name;
  return made("Slice", call,
              {x->name, integers(name + ".begin", std::move(begin)),
               integers(name + ".end", std::move(end)), integers(name + ".axes", std::move(axes)),
               integers(name + ".steps", std::move(steps))});
}

Result<Values> Converter::gather(const Call& call) {
  if (call.inputs.size() != 3) return needs("three inputs");
  VISAVIS_TRY(places, call.integers(1));
  VISAVIS_TRY(axis, call.one(2));
  VISAVIS_TRY(batched, call.integer("batch_dims", "0"));
  if (batched != 0) return needs("batch_dims of 0");
  if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
    const auto count = static_cast<std::int64_t>(list->values.size());
    if (list->shape.size() != 1 || places.values.size() > kMostIntegers)
      return needs("a list of whole numbers");
    Integers out{.shape = places.shape, .values = {}};
    for (const std::int64_t at : places.values) {
      const std::int64_t place = at < 0 ? at + count : at;
      if (is_open(at) || place < 0 || place >= count) return needs("a whole number that is there");
      out.values.push_back(list->values[static_cast<std::size_t>(place)]);
    }
    return Values{std::move(out)};
  }
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(along, axis_of(axis, x->shape.size()));
  if (std::ranges::any_of(places.values, is_open)) return needs("places that are known");
  const std::string at =
      initializer(call.layer.name + ".places", places.shape, std::move(places.values));
  return made("Gather", call, {x->name, at}, {{"axis", static_cast<std::int64_t>(along)}});
}

/// Of a single whole number, as often as it takes.
Result<Values> Converter::broadcast(const Call& call) {
  VISAVIS_TRY(given, call.integers(0));
  VISAVIS_TRY(target, call.known(1));
  const auto count = graph::element_count(target);
  if (given.values.size() != 1 || !count || *count > kMostIntegers)
    return needs("a single whole number, and a shape that is known");
  return Values{Integers{.shape = std::move(target),
                         .values = std::vector<std::int64_t>(*count, given.values[0])}};
}

Result<Values> Converter::range(const Call& call) {
  VISAVIS_TRY(start, call.one(0));
  VISAVIS_TRY(limit, call.one(1));
  VISAVIS_TRY(step, call.one(2));
  if (step == 0 || std::max({std::abs(start), std::abs(limit), std::abs(step)}) > kMostNumber)
    return needs("a step that is not 0, and numbers below 2^31");
  Integers out;
  for (std::int64_t n = start; step > 0 ? n < limit : n > limit; n += step) {
    if (out.values.size() >= kMostIntegers) return needs("fewer whole numbers");
    out.values.push_back(n);
  }
  out.shape = {static_cast<std::int64_t>(out.values.size())};
  return Values{std::move(out)};
}

Result<Values> Converter::pad(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(begin, call.known(1));
  VISAVIS_TRY(end, call.known(2));
  const std::string mode(call.text("pad_mode", ""));
  if (mode != "constant" && mode != "edge" && mode != "reflect")
    return needs("a mode that is constant, edge or reflect");
  if (begin.size() != x->shape.size() || end.size() != begin.size())
    return needs("pads for every axis");
  begin.insert(begin.end(), end.begin(), end.end());
  const std::string& name = call.layer.name;
  std::vector<std::string> inputs = {x->name, integers(name + ".pads", std::move(begin))};
  if (mode == "constant" && call.has(3)) {
    VISAVIS_TRY(value, call.scalar(3));
    inputs.push_back(single(name + ".value", value));
  }
  return made("Pad", call, std::move(inputs), {{"mode", mode}});
}

}  // namespace visavis::modelkit::ir
