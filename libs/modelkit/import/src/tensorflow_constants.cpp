#include <tensorflow.pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "bundle.hpp"
#include "tensorflow_converter.hpp"
#include "tensorflow_values.hpp"

namespace visavis::modelkit::tf {

namespace {

/// Numbers that a constant may hold beyond those that lie in the file, all together.
constexpr std::size_t kMostStretched = std::size_t{1} << 24;

/// The values of a list, the last of them as often as it takes.
template <class T, class List, class Convert>
std::vector<T> filled(const List& list, std::size_t count, const Convert& convert) {
  std::vector<T> out;
  out.reserve(count);
  for (const auto& each : list) {
    if (out.size() == count) break;
    out.push_back(convert(each));
  }
  out.resize(count, out.empty() ? T{} : out.back());
  return out;
}

template <class T, class Raw, class Convert>
std::vector<T> copied(const std::string& bytes, const Convert& convert) {
  std::vector<T> out(bytes.size() / sizeof(Raw));
  for (std::size_t i = 0; i < out.size(); ++i) {
    Raw raw{};
    std::memcpy(&raw, bytes.data() + i * sizeof(Raw), sizeof raw);
    out[i] = convert(raw);
  }
  return out;
}

/// How many numbers lie in the file, if not as bytes.
std::size_t numbers_given(const tensorflow::TensorProto& tensor) {
  std::size_t count = 0;
  for (const int size : {tensor.float_val_size(), tensor.double_val_size(), tensor.half_val_size(),
                         tensor.int_val_size(), tensor.int64_val_size(), tensor.bool_val_size()})
    count += static_cast<std::size_t>(size);
  return count;
}

std::vector<float> floats_of(const tensorflow::TensorProto& tensor, std::size_t count) {
  const auto half = [](auto bits) { return from_half(static_cast<std::uint16_t>(bits)); };
  const auto as_float = [](auto value) { return static_cast<float>(value); };
  const std::string& bytes = tensor.tensor_content();
  switch (static_cast<TensorflowType>(tensor.dtype())) {
    case TensorflowType::kHalf:
      return bytes.empty() ? filled<float>(tensor.half_val(), count, half)
                           : copied<float, std::uint16_t>(bytes, half);
    case TensorflowType::kDouble:
      return bytes.empty() ? filled<float>(tensor.double_val(), count, as_float)
                           : copied<float, double>(bytes, as_float);
    default:
      return bytes.empty() ? filled<float>(tensor.float_val(), count, as_float)
                           : copied<float, float>(bytes, as_float);
  }
}

Result<std::vector<std::int64_t>> integers_of(const tensorflow::TensorProto& tensor,
                                              std::size_t count) {
  const auto wide = [](auto value) { return static_cast<std::int64_t>(value); };
  const std::string& bytes = tensor.tensor_content();
  std::vector<std::int64_t> out;
  switch (static_cast<TensorflowType>(tensor.dtype())) {
    case TensorflowType::kInt64:
      out = bytes.empty() ? filled<std::int64_t>(tensor.int64_val(), count, wide)
                          : copied<std::int64_t, std::int64_t>(bytes, wide);
      break;
    case TensorflowType::kBool:
      out = bytes.empty() ? filled<std::int64_t>(tensor.bool_val(), count, wide)
                          : copied<std::int64_t, std::int8_t>(bytes, wide);
      break;
    default:
      out = bytes.empty() ? filled<std::int64_t>(tensor.int_val(), count, wide)
                          : copied<std::int64_t, std::int32_t>(bytes, wide);
  }
  for (const std::int64_t n : out)
    if (n == kBatchSize || n == kUnknownSize) return needs("integers within bounds");
  return out;
}

}  // namespace

Result<Value> Converter::constant(const Call& call) {
  const auto* attribute = call.find("value");
  if (attribute == nullptr) return needs("a value");
  const tensorflow::TensorProto& tensor = attribute->tensor();
  const auto wrong = [](const std::string& what) {
    return fail(ErrorCode::kDecodeFailed,
                "this is no well-formed TensorFlow graph: a constant " + what);
  };
  Shape shape;
  for (const auto& dim : tensor.tensor_shape().dim()) shape.push_back(dim.size());
  const auto count = graph::element_count(shape);
  if (!count) return wrong("is too large: " + count.error().message);
  const std::int32_t type = tensor.dtype();
  if (!is_float(type) && !is_integer(type)) return Variable{};  // text, which is not needed
  if (tensor.tensor_content().empty()) {
    stretched_ += *count - std::min(*count, numbers_given(tensor));
    if (stretched_ > kMostStretched)
      return fail(ErrorCode::kResourceExhausted,
                  "the constants of this TensorFlow graph are larger than its file");
  }
  if (is_integer(type)) {
    if (*count > kMostIntegers) return needs("fewer integers");
    VISAVIS_TRY(values, integers_of(tensor, *count));
    if (values.size() != *count) return wrong("has another size than its shape");
    return Integers{.shape = std::move(shape), .values = std::move(values)};
  }
  std::vector<float> values = floats_of(tensor, *count);
  if (values.size() != *count) return wrong("has another size than its shape");
  VISAVIS_TRY(id,
              network_.constant(
                  {.name = call.name(), .shape = std::move(shape), .values = std::move(values)}));
  return id;
}

/// A cast of integers stays integers: they describe shapes.
Result<Value> Converter::cast(const Call& call) {
  if (std::holds_alternative<Id>(call.inputs.at(0)) && !is_float(call.type("DstT")))
    return needs("float32 as its result");
  if (call.is_of_integers() && !is_integer(call.type("DstT"))) {
    VISAVIS_TRY(values, call.numbers(0));
    std::vector<float> out(values.begin(), values.end());
    VISAVIS_TRY(id, network_.constant({.name = call.name(),
                                       .shape = std::get<Integers>(call.inputs[0]).shape,
                                       .values = std::move(out)}));
    return id;
  }
  return hand_on(call);
}

Result<Value> Converter::variable(const Call& call) { return numbers_of(call.name()); }

Result<Value> Converter::handle(const Call& call) {
  const std::string shared = call.text("shared_name", "");
  return Variable{.name = shared.empty() ? std::string(call.node.def->name()) : shared};
}

Result<Value> Converter::read_variable(const Call& call) {
  const Variable* resource = call.inputs.empty() ? nullptr : std::get_if<Variable>(&call.inputs[0]);
  if (resource == nullptr) return needs("a variable");
  const auto found = read_.find(resource->name);
  if (found != read_.end()) return found->second;
  VISAVIS_TRY(value, numbers_of(resource->name));
  read_.emplace(resource->name, value);
  return value;
}

Result<Value> Converter::numbers_of(const std::string& name) {
  if (variables_ == nullptr) return needs("a checkpoint or a SavedModel, for it is a variable");
  const std::string* key = variables_->key_of(name);
  if (key == nullptr) return needs("a variable that the checkpoint has");
  VISAVIS_TRY(numbers, variables_->floats(*key));
  numbers.name = name;
  VISAVIS_TRY(id, network_.constant(std::move(numbers)));
  return id;
}

}  // namespace visavis::modelkit::tf
