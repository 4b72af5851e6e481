#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "openvino_converter.hpp"
#include "openvino_values.hpp"
#include "refusals.hpp"

namespace visavis::modelkit::ir {
namespace {

struct ElementType {
  std::string_view name;
  std::size_t size;
  float (*as_float)(const std::byte*);           ///< Null for whole numbers.
  std::int64_t (*as_integer)(const std::byte*);  ///< Null for numbers with a fraction.
};

template <class T>
T raw(const std::byte* at) {
  T value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <class T>
float as_float(const std::byte* at) {
  return static_cast<float>(raw<T>(at));
}
template <class T>
std::int64_t as_integer(const std::byte* at) {
  return static_cast<std::int64_t>(raw<T>(at));
}
float from_bfloat(const std::byte* at) {
  const std::uint32_t bits = std::uint32_t{raw<std::uint16_t>(at)} << 16U;
  return std::bit_cast<float>(bits);
}
float from_half_at(const std::byte* at) { return from_half(raw<std::uint16_t>(at)); }

constexpr auto kTypes =
    std::to_array<ElementType>({{"f32", 4, as_float<float>, nullptr},
                                {"f64", 8, as_float<double>, nullptr},
                                {"f16", 2, from_half_at, nullptr},
                                {"bf16", 2, from_bfloat, nullptr},
                                {"i64", 8, nullptr, as_integer<std::int64_t>},
                                {"i32", 4, nullptr, as_integer<std::int32_t>},
                                {"i16", 2, nullptr, as_integer<std::int16_t>},
                                {"i8", 1, nullptr, as_integer<std::int8_t>},
                                {"u32", 4, nullptr, as_integer<std::uint32_t>},
                                {"u16", 2, nullptr, as_integer<std::uint16_t>},
                                {"u8", 1, nullptr, as_integer<std::uint8_t>},
                                {"boolean", 1, nullptr, as_integer<std::uint8_t>}});

const ElementType* type_of(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &ElementType::name);
  return found == kTypes.end() ? nullptr : found;
}

}  // namespace

Result<Values> Converter::constant(const Call& call) {
  const ElementType* type = type_of(call.text("element_type", ""));
  if (type == nullptr)
    return needs("numbers of another type than " + printable(call.text("element_type", "none")));
  VISAVIS_TRY(shape, call.list("shape"));
  const auto count = graph::element_count(shape);
  if (!count) return malformed("a constant is out of range: " + count.error().message);
  const std::span<const std::byte> bytes = call.layer.constant;
  if (bytes.size() != *count * type->size)
    return malformed("a constant has another size than its shape");
  read_ += *count * (type->as_float != nullptr ? sizeof(float) : sizeof(std::int64_t));
  // Constants may share their bytes, but not without end.
  if (read_ > 8 * network_.bytes + kMostFolded * sizeof(float))
    return fail(ErrorCode::kResourceExhausted,
                "the constants of this OpenVINO IR are larger than its file");
  if (type->as_float != nullptr) {
    Constant out{.name = call.layer.name, .shape = std::move(shape), .values = {}};
    out.values.resize(*count);
    for (std::size_t i = 0; i < *count; ++i)
      out.values[i] = type->as_float(bytes.data() + i * type->size);
    return Values{std::make_shared<const Constant>(std::move(out))};
  }
  Integers out{.shape = std::move(shape), .values = {}};
  out.values.resize(*count);
  for (std::size_t i = 0; i < *count; ++i)
    out.values[i] = type->as_integer(bytes.data() + i * type->size);
  return Values{std::move(out)};
}

Result<Values> Converter::convert_type(const Call& call) {
  if (!call.has(0)) return needs("an input");
  const ElementType* to = type_of(call.text("destination_type", ""));
  if (to == nullptr) return needs("a type that is known");
  const bool to_floats = to->as_float != nullptr;
  if (const Integers* whole = std::get_if<Integers>(&call.inputs[0]);
      whole != nullptr && to_floats) {
    Constant out{.name = call.layer.name, .shape = whole->shape, .values = {}};
    for (const std::int64_t n : whole->values) {
      if (is_open(n)) return needs("numbers that do not depend on free sizes");
      out.values.push_back(static_cast<float>(n));
    }
    return folded(std::move(out));
  }
  const Computed* x = call.computed(0);
  if (x != nullptr && !to_floats && !x->whole)
    return needs("numbers with a fraction as its result");
  if (std::holds_alternative<Numbers>(call.inputs[0]) && !to_floats)
    return needs("numbers with a fraction as its result");
  return Values{call.inputs[0]};
}

/// Steps of 8 bits, if it is one for the whole tensor; of constants whatever it says.
Result<Values> Converter::fake_quantize(const Call& call) {
  VISAVIS_TRY(levels, call.integer("levels", ""));
  if (levels < 2 || call.inputs.size() != 5) return needs("levels from 2 on, and four limits");
  if (const Numbers* x = std::get_if<Numbers>(&call.inputs[0]))
    return quantized_constant(call, **x, levels);
  const Computed* x = call.computed(0);
  VISAVIS_TRY(low, call.scalar(1));
  VISAVIS_TRY(high, call.scalar(2));
  VISAVIS_TRY(out_low, call.scalar(3));
  VISAVIS_TRY(out_high, call.scalar(4));
  if (x == nullptr || levels != 256 || !(low <= 0 && high >= 0 && high > low))
    return needs("256 levels around 0, the same for the whole tensor");
  const float scale = (high - low) / 255;
  const float zero = std::round(-low / scale);
  if (std::abs(zero + low / scale) > .01F) return needs("0 as one of its levels");
  const std::string& name = call.layer.name;
  const std::string unit = single(name + ".scale", scale);
  const std::string offset =
      initializer(name + ".zero", {}, std::vector{static_cast<std::uint8_t>(zero)});
  const std::string steps = fresh(name + ".steps");
  node("QuantizeLinear", steps, {x->name, unit, offset});
  const bool same = out_low == low && out_high == high;
  const std::string back = same ? name_of(call) : fresh(name + ".back");
  node("DequantizeLinear", back, {steps, unit, offset});
  const float factor = (out_high - out_low) / (high - low);
  if (same)
    return Values{Computed{.name = back, .shape = call.declared(), .batched = keeps_samples(call)}};
  const std::string larger = fresh(name + ".larger");
  node("Mul", larger, {back, single(name + ".factor", factor)});
  VISAVIS_TRY(moved, made("Add", call, {larger, single(name + ".offset", out_low - low * factor)}));
  Computed out = std::get<Computed>(moved[0]);
  out.whole = std::abs(out_high - out_low - 255) < 1e-3F;
  return Values{std::move(out)};
}

Result<Values> Converter::quantized_constant(const Call& call, const Constant& x,
                                             std::int64_t levels) {
  std::array<Numbers, 4> limits;
  for (std::size_t i = 0; i < 4; ++i) {
    VISAVIS_TRY(limit, call.numbers(i + 1));
    const auto shape = stretched(x.shape, limit->shape);
    if (!shape || *shape != x.shape) return needs("limits that go with its input");
    limits[i] = limit;
  }
  Constant out{.name = call.layer.name, .shape = x.shape, .values = x.values};
  const auto steps = static_cast<float>(levels - 1);
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const auto limit = [&](std::size_t k) {
      return limits[k]->values[place_in(limits[k]->shape, x.shape, i)];
    };
    float& value = out.values[i];
    if (value <= std::min(limit(0), limit(1)))
      value = limit(2);
    else if (value > std::max(limit(0), limit(1)))
      value = limit(3);
    else
      value = std::nearbyint((value - limit(0)) / (limit(1) - limit(0)) * steps) / steps *
                  (limit(3) - limit(2)) +
              limit(2);
  }
  return folded(std::move(out));
}

}  // namespace visavis::modelkit::ir
