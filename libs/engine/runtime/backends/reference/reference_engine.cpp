// Every operator in plain C++: the oracle that other engines are compared with, and the engine of a
// build without any. One thread per session; see README.md.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>

#include "model_file.hpp"
#include "plan.hpp"
#include "subnormals.hpp"
#include "tensor.hpp"
#include "value.hpp"

namespace visavis::runtime {
namespace {

using reference::Floats;
using reference::Ints;
using reference::Plan;
using reference::Value;

std::vector<TensorSpec> specs_of(std::span<const graph::ValueInfo> values) {
  std::vector<TensorSpec> specs;
  for (const graph::ValueInfo& value : values) {
    const bool real = value.type == graph::ElementType::kFloat32;
    specs.push_back({.name = value.name,
                     .type = real ? ElementType::kFloat32 : ElementType::kInt64,
                     .shape = value.shape});
  }
  return specs;
}

template <class T>
std::vector<T> copied(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Value value_of(const TensorView& view) {
  Value value{.shape = {view.shape.begin(), view.shape.end()}, .data = {}};
  if (view.type == ElementType::kFloat32)
    value.data = copied<float>(view.bytes);
  else
    value.data = copied<std::int64_t>(view.bytes);
  return value;
}

/// @return kUnsupported for small integers: they may flow inside a network only.
Result<Tensor> tensor_of(const Value& value) {
  const bool real = std::holds_alternative<Floats>(value.data);
  if (!real && !std::holds_alternative<Ints>(value.data))
    return fail(ErrorCode::kUnsupported,
                "the reference engine lacks outputs other than float32 and int64");
  Tensor tensor{.type = real ? ElementType::kFloat32 : ElementType::kInt64,
                .shape = value.shape,
                .bytes = {}};
  std::visit(
      [&](const auto& held) {
        const auto bytes = std::as_bytes(std::span(held));
        tensor.bytes.assign(bytes.begin(), bytes.end());
      },
      value.data);
  return tensor;
}

class ReferenceSession final : public Session {
 public:
  explicit ReferenceSession(std::shared_ptr<const Plan> plan)
      : plan_(std::move(plan)), inputs_(specs_of(plan_->graph().inputs)) {}

  Result<std::vector<Tensor>> run(std::span<const TensorView> inputs) override {
    VISAVIS_CHECK(check_inputs(inputs_, inputs));
    for (const TensorView& input : inputs)
      VISAVIS_CHECK(graph::element_count(input.shape));  // the engine's own, lower limit
    const SubnormalsAsZero mode;
    try {
      std::vector<Value> values;
      std::ranges::transform(inputs, std::back_inserter(values), value_of);
      VISAVIS_TRY(outputs, plan_->run(std::move(values)));
      std::vector<Tensor> tensors;
      for (Value& output : outputs) {
        VISAVIS_TRY(tensor, tensor_of(output));
        tensors.push_back(std::move(tensor));
        output = {};  // not all of them twice at once
      }
      return tensors;
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kResourceExhausted, "there is too little memory for the network");
    }
  }

 private:
  std::shared_ptr<const Plan> plan_;
  std::vector<TensorSpec> inputs_;
};

class ReferenceModel final : public Model {
 public:
  explicit ReferenceModel(std::shared_ptr<const Plan> plan)
      : plan_(std::move(plan)),
        inputs_(specs_of(plan_->graph().inputs)),
        outputs_(specs_of(plan_->graph().outputs)) {}

  [[nodiscard]] std::span<const TensorSpec> inputs() const noexcept override { return inputs_; }
  [[nodiscard]] std::span<const TensorSpec> outputs() const noexcept override { return outputs_; }
  [[nodiscard]] std::string_view engine_name() const noexcept override { return "reference"; }
  [[nodiscard]] Precision precision() const noexcept override { return Precision::kF32; }

  [[nodiscard]] Result<std::unique_ptr<Session>> session() const override {
    return std::make_unique<ReferenceSession>(plan_);
  }

 private:
  std::shared_ptr<const Plan> plan_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
};

/// The option for how many elements one tensor, and all that are alive at once, may have.
constexpr std::string_view kMaxElements = "max_elements";

Result<std::size_t> max_elements_of(const LoadOptions& options) {
  constexpr auto kMost = static_cast<std::size_t>(graph::kMaxElements);
  std::size_t most = kMost;
  for (const auto& [key, value] : options.extra) {
    if (key != kMaxElements)
      return fail(ErrorCode::kUnsupported, "the reference engine has no option \"" + key + "\"");
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), most);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == value.data() + value.size();
    if (!whole || most < 1 || most > kMost)
      return fail(ErrorCode::kInvalidArgument,
                  "max_elements is a number from 1 to " + std::to_string(kMost));
  }
  return most;
}

class ReferenceEngine final : public Engine {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "reference"; }

  [[nodiscard]] Availability probe() const override {
    return {.usable = true, .reason = {}, .version = "1"};
  }

  [[nodiscard]] Result<std::shared_ptr<const Model>> load(
      std::span<const std::byte> model, const LoadOptions& options) const override {
    if (options.precision != Precision::kF32)
      return fail(ErrorCode::kUnsupported, "the reference engine computes in f32, not in " +
                                               std::string(to_string(options.precision)));
    VISAVIS_CHECK(check_threads(options));
    VISAVIS_TRY(max_elements, max_elements_of(options));
    VISAVIS_TRY(network, read_model(model));
    try {
      VISAVIS_TRY(plan, Plan::make(std::move(network), max_elements));
      return std::make_shared<ReferenceModel>(std::move(plan));
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kResourceExhausted, "there is too little memory for the model");
    }
  }
};

}  // namespace

const Engine& reference_engine() noexcept;
const Engine& reference_engine() noexcept {
  static const ReferenceEngine engine;
  return engine;
}

}  // namespace visavis::runtime
