// Operators that treat each element by itself, with ONNX's (NumPy's) broadcasting.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

#include "kernel.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {
namespace {

/// How two operands meet: dimensions with each operand's step, which is 0 where it is repeated.
struct Meeting {
  Shape shape;                     ///< Of the output.
  std::vector<std::size_t> sizes;  ///< As `shape`, with neighbours merged where both run on.
  std::vector<std::size_t> a_steps;
  std::vector<std::size_t> b_steps;
};

/// Adds a dimension in front.
void prepend(Meeting& meeting, std::size_t size, std::size_t a_step, std::size_t b_step) {
  const bool merges = !meeting.sizes.empty() &&
                      a_step == meeting.a_steps.back() * meeting.sizes.back() &&
                      b_step == meeting.b_steps.back() * meeting.sizes.back();
  if (merges) {
    meeting.sizes.back() *= size;
    return;
  }
  meeting.sizes.push_back(size);
  meeting.a_steps.push_back(a_step);
  meeting.b_steps.push_back(b_step);
}

/// Dimensions are held innermost first.
Result<Meeting> meet(const Call& call, const Shape& a, const Shape& b) {
  Meeting meeting;
  const std::size_t rank = std::max(a.size(), b.size());
  meeting.shape.resize(rank);
  std::size_t a_step = 1;
  std::size_t b_step = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t a_size = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t b_size = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (a_size != b_size && a_size != 1 && b_size != 1)
      return call.wrong("the shapes of the operands do not fit each other");
    const std::int64_t size = a_size == 1 ? b_size : a_size;
    meeting.shape[rank - 1 - i] = size;
    if (size != 1)
      prepend(meeting, static_cast<std::size_t>(size), a_size == 1 ? 0 : a_step,
              b_size == 1 ? 0 : b_step);
    a_step *= static_cast<std::size_t>(a_size);
    b_step *= static_cast<std::size_t>(b_size);
  }
  if (meeting.sizes.empty()) prepend(meeting, 1, 0, 0);
  return meeting;
}

template <class T, class Operation>
void combine_row(const Meeting& meeting, const T* a, const T* b, T* out, Operation operation) {
  const std::size_t count = meeting.sizes[0];
  const std::size_t a_step = meeting.a_steps[0];
  const std::size_t b_step = meeting.b_steps[0];
  // Spelled out, because a loop with a fixed step becomes vector code.
  if (a_step == 1 && b_step == 1)
    for (std::size_t i = 0; i < count; ++i) out[i] = operation(a[i], b[i]);
  else if (a_step == 1 && b_step == 0)
    for (std::size_t i = 0; i < count; ++i) out[i] = operation(a[i], *b);
  else
    for (std::size_t i = 0; i < count; ++i) out[i] = operation(a[i * a_step], b[i * b_step]);
}

template <class T, class Operation>
void combine(const Meeting& meeting, std::size_t axis, const T* a, const T* b, T*& out,
             Operation operation) {
  if (axis == 0) {
    combine_row(meeting, a, b, out, operation);
    out += meeting.sizes[0];
    return;
  }
  for (std::size_t i = 0; i < meeting.sizes[axis]; ++i)
    combine(meeting, axis - 1, a + i * meeting.a_steps[axis], b + i * meeting.b_steps[axis], out,
            operation);
}

template <class T, class Operation>
Outputs combine_all(const Call& call, std::span<const T> a, std::span<const T> b,
                    Operation operation) {
  VISAVIS_TRY(meeting, meet(call, call.inputs[0]->shape, call.inputs[1]->shape));
  VISAVIS_TRY(count, call.count(meeting.shape));
  std::vector<T> values(count);
  T* out = values.data();
  if (count > 0) combine(meeting, meeting.sizes.size() - 1, a.data(), b.data(), out, operation);
  return one({.shape = std::move(meeting.shape), .data = std::move(values)});
}

// Integers wrap around, as in the other engines; in C++ only unsigned arithmetic may.
std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

struct Plus {
  float operator()(float a, float b) const { return a + b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return wrapped(bits(a) + bits(b));
  }
};
struct Minus {
  float operator()(float a, float b) const { return a - b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return wrapped(bits(a) - bits(b));
  }
};
struct Times {
  float operator()(float a, float b) const { return a * b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return wrapped(bits(a) * bits(b));
  }
};
struct Over {
  float operator()(float a, float b) const { return a / b; }
  /// @pre b != 0
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return b == -1 ? wrapped(0 - bits(a)) : a / b;
  }
};

template <class Operation>
Outputs arithmetic(const Call& call) {
  VISAVIS_TRY(a, call.value(0));
  if (std::holds_alternative<Floats>(a->data)) {
    VISAVIS_TRY(right, call.floats(1));
    return combine_all<float>(call, std::get<Floats>(a->data), right, Operation{});
  }
  VISAVIS_TRY(left, call.ints(0));
  VISAVIS_TRY(right, call.ints(1));
  if (std::is_same_v<Operation, Over> && std::ranges::find(right, 0) != right.end())
    return call.wrong("division of an integer by zero");
  return combine_all<std::int64_t>(call, left, right, Operation{});
}

template <class Operation>
Outputs real_arithmetic(const Call& call, Operation operation) {
  VISAVIS_TRY(a, call.floats(0));
  VISAVIS_TRY(b, call.floats(1));
  return combine_all<float>(call, a, b, operation);
}

Outputs prelu(const Call& call) {
  VISAVIS_TRY(meeting, meet(call, call.inputs[0]->shape, call.inputs[1]->shape));
  if (meeting.shape != call.inputs[0]->shape)
    return call.wrong("more slopes than the input has numbers");
  return real_arithmetic(call, [](float x, float slope) { return x < 0 ? x * slope : x; });
}
/// Of any number of inputs, one after the other.
template <class Operation>
Outputs combine_inputs(const Call& call, Operation operation) {
  VISAVIS_TRY(first, call.floats(0));
  Value all{.shape = call.inputs[0]->shape, .data = Floats(first.begin(), first.end())};
  for (std::size_t i = 1; i < call.inputs.size(); ++i) {
    VISAVIS_TRY(next, call.floats(i));
    const std::array<const Value*, 2> two = {&all, call.inputs[i]};
    const Call pair{
        .node = call.node, .opset = call.opset, .max_elements = call.max_elements, .inputs = two};
    VISAVIS_TRY(made, combine_all<float>(pair, std::get<Floats>(all.data), next, operation));
    all = std::move(made.front());
  }
  return one(std::move(all));
}

Outputs maximum(const Call& call) {
  return combine_inputs(call, [](float a, float b) { return std::max(a, b); });
}
Outputs minimum(const Call& call) {
  return combine_inputs(call, [](float a, float b) { return std::min(a, b); });
}
Outputs sum(const Call& call) { return combine_inputs(call, Plus{}); }

template <class T>
Outputs expanded(const Call& call, std::span<const T> x, const Shape& target) {
  VISAVIS_TRY(meeting, meet(call, call.inputs[0]->shape, target));
  VISAVIS_TRY(count, call.count(meeting.shape));
  // Nothing is read of the other operand, which is there for its shape.
  std::ranges::fill(meeting.b_steps, 0);
  std::vector<T> values(count);
  T* out = values.data();
  if (count > 0)
    combine(meeting, meeting.sizes.size() - 1, x.data(), x.data(), out, [](T a, T) { return a; });
  return one({.shape = std::move(meeting.shape), .data = std::move(values)});
}

Outputs expand(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  VISAVIS_TRY(given, call.ints(1));
  const Shape target(given.begin(), given.end());
  VISAVIS_CHECK(call.count(target));
  if (const auto* floats = std::get_if<Floats>(&x->data))
    return expanded<float>(call, *floats, target);
  VISAVIS_TRY(ints, call.ints(0));
  return expanded<std::int64_t>(call, ints, target);
}

Outputs power(const Call& call) {
  return real_arithmetic(call, [](float x, float exponent) { return std::pow(x, exponent); });
}

template <class Function>
Outputs each(const Call& call, Function function) {
  VISAVIS_TRY(x, call.floats(0));
  Floats out(x.size());
  std::ranges::transform(x, out.begin(), function);
  return one({.shape = call.inputs[0]->shape, .data = std::move(out)});
}

Outputs relu(const Call& call) {
  return each(call, [](float x) { return x < 0 ? 0.F : x; });
}
Outputs leaky_relu(const Call& call) {
  return each(call, [alpha = call.real("alpha", .01F)](float x) { return x < 0 ? alpha * x : x; });
}
Outputs elu(const Call& call) {
  return each(call, [alpha = call.real("alpha", 1.F)](float x) {
    return x < 0 ? alpha * std::expm1(x) : x;
  });
}
Outputs sigmoid(const Call& call) {
  return each(call, [](float x) { return 1 / (1 + std::exp(-x)); });
}
Outputs hard_sigmoid(const Call& call) {
  return each(call, [alpha = call.real("alpha", .2F), beta = call.real("beta", .5F)](float x) {
    return std::clamp(alpha * x + beta, 0.F, 1.F);
  });
}
Outputs hard_swish(const Call& call) {
  return each(call, [](float x) { return x * std::clamp(x / 6 + .5F, 0.F, 1.F); });
}
Outputs hyperbolic_tangent(const Call& call) {
  return each(call, [](float x) { return std::tanh(x); });
}
Outputs error_function(const Call& call) {
  return each(call, [](float x) { return std::erf(x); });
}
Outputs exponential(const Call& call) {
  return each(call, [](float x) { return std::exp(x); });
}
Outputs logarithm(const Call& call) {
  return each(call, [](float x) { return std::log(x); });
}
Outputs square_root(const Call& call) {
  return each(call, [](float x) { return std::sqrt(x); });
}
Outputs negative(const Call& call) {
  return each(call, [](float x) { return -x; });
}
Outputs absolute(const Call& call) {
  return each(call, [](float x) { return std::abs(x); });
}

/// A bound of Clip: an attribute before opset 11, an input since.
Result<float> bound(const Call& call, std::string_view attribute, std::size_t input, float none) {
  if (call.opset < 11) return call.real(attribute, none);
  if (!call.has(input)) return none;
  VISAVIS_TRY(given, call.floats(input));
  if (given.size() != 1) return call.wrong("a bound is one number");
  return given[0];
}

Outputs clip(const Call& call) {
  VISAVIS_TRY(low, bound(call, "min", 1, std::numeric_limits<float>::lowest()));
  VISAVIS_TRY(high, bound(call, "max", 2, std::numeric_limits<float>::max()));
  return each(call, [low, high](float x) { return std::min(std::max(x, low), high); });
}

/// Inputs 1 to 4: one number per channel each.
struct Normalisation {
  std::span<const float> scale;
  std::span<const float> shift;
  std::span<const float> mean;
  std::span<const float> variance;
};

Result<Normalisation> normalisation_of(const Call& call, std::size_t channels) {
  VISAVIS_TRY(scale, call.floats(1));
  VISAVIS_TRY(shift, call.floats(2));
  VISAVIS_TRY(mean, call.floats(3));
  VISAVIS_TRY(variance, call.floats(4));
  for (const std::size_t size : {scale.size(), shift.size(), mean.size(), variance.size()})
    if (size != channels) return call.wrong("its numbers do not fit the input's channels");
  return Normalisation{.scale = scale, .shift = shift, .mean = mean, .variance = variance};
}

Outputs batch_normalization(const Call& call) {
  if (call.integer("training_mode", 0) != 0) return call.unsupported("training");
  VISAVIS_TRY(x, call.floats(0));
  const Shape& shape = call.inputs[0]->shape;
  if (shape.size() < 2) return call.wrong("the input has no channels");
  const auto channels = static_cast<std::size_t>(shape[1]);
  VISAVIS_TRY(norm, normalisation_of(call, channels));
  const std::size_t pixels = product(std::span(shape).subspan(2));
  const float epsilon = call.real("epsilon", 1e-5F);
  Floats out(x.size());
  for (std::size_t plane = 0; plane * pixels < x.size(); ++plane) {
    const std::size_t c = plane % channels;
    const float factor = norm.scale[c] / std::sqrt(norm.variance[c] + epsilon);
    for (std::size_t i = plane * pixels; i < (plane + 1) * pixels; ++i)
      out[i] = (x[i] - norm.mean[c]) * factor + norm.shift[c];
  }
  return one({.shape = shape, .data = std::move(out)});
}

constexpr std::size_t kMostInputs = 1'000;

constexpr auto kOperators =
    std::to_array<Operator>({{"Abs", absolute, 1, 1},
                             {"Add", arithmetic<Plus>, 2, 2},
                             {"BatchNormalization", batch_normalization, 5, 5},
                             {"Clip", clip, 1, 3},
                             {"Div", arithmetic<Over>, 2, 2},
                             {"Elu", elu, 1, 1},
                             {"Erf", error_function, 1, 1},
                             {"Exp", exponential, 1, 1},
                             {"Expand", expand, 2, 2},
                             {"HardSigmoid", hard_sigmoid, 1, 1},
                             {"HardSwish", hard_swish, 1, 1},
                             {"LeakyRelu", leaky_relu, 1, 1},
                             {"Log", logarithm, 1, 1},
                             {"Max", maximum, 1, kMostInputs},
                             {"Min", minimum, 1, kMostInputs},
                             {"Mul", arithmetic<Times>, 2, 2},
                             {"Neg", negative, 1, 1},
                             {"PRelu", prelu, 2, 2},
                             {"Pow", power, 2, 2},
                             {"Relu", relu, 1, 1},
                             {"Sigmoid", sigmoid, 1, 1},
                             {"Sqrt", square_root, 1, 1},
                             {"Sub", arithmetic<Minus>, 2, 2},
                             {"Sum", sum, 1, kMostInputs},
                             {"Tanh", hyperbolic_tangent, 1, 1}});

}  // namespace

std::span<const Operator> elementwise_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
