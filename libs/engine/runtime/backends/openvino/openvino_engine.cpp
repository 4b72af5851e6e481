// The OpenVINO adapter. Everything that throws is caught here.
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <openvino/openvino.hpp>
#include <openvino/runtime/intel_cpu/properties.hpp>
#include <string>
#include <utility>
#include <vector>

#include "visavis/runtime/engine.hpp"

namespace visavis::runtime {
namespace {

/// OpenVINO's messages run over several lines with source paths; the last line says what is wrong.
std::string one_sentence(const std::exception& error) {
  std::string text = error.what();
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const std::size_t line = text.rfind('\n');
  if (line != std::string::npos) text.erase(0, line + 1);
  return "OpenVINO: " + text;
}

ov::Core& core() {
  static ov::Core instance;  // loads plugins once; OpenVINO documents it as thread-safe
  return instance;
}

Result<ElementType> from_openvino(const ov::element::Type& type) {
  if (type == ov::element::f32) return ElementType::kFloat32;
  if (type == ov::element::f16) return ElementType::kFloat16;
  if (type == ov::element::u8) return ElementType::kUint8;
  if (type == ov::element::i8) return ElementType::kInt8;
  if (type == ov::element::i64) return ElementType::kInt64;
  return fail(ErrorCode::kUnsupported, "OpenVINO: element type " + type.get_type_name());
}

ov::element::Type to_openvino(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return ov::element::f32;
    case ElementType::kFloat16:
      return ov::element::f16;
    case ElementType::kUint8:
      return ov::element::u8;
    case ElementType::kInt8:
      return ov::element::i8;
    case ElementType::kInt64:
      return ov::element::i64;
  }
  return ov::element::f32;
}

Result<std::vector<TensorSpec>> specs_of(const std::vector<ov::Output<const ov::Node>>& ports) {
  std::vector<TensorSpec> specs;
  for (const auto& port : ports) {
    TensorSpec spec;
    spec.name =
        port.get_names().empty() ? port.get_node()->get_friendly_name() : port.get_any_name();
    VISAVIS_TRY(type, from_openvino(port.get_element_type()));
    spec.type = type;
    const ov::PartialShape shape = port.get_partial_shape();
    if (shape.rank().is_dynamic())
      return fail(ErrorCode::kUnsupported, "OpenVINO: a tensor of unknown rank");
    for (const ov::Dimension& d : shape) spec.shape.push_back(d.is_static() ? d.get_length() : -1);
    specs.push_back(std::move(spec));
  }
  return specs;
}

class OpenVinoSession final : public Session {
 public:
  OpenVinoSession(ov::InferRequest request, std::vector<TensorSpec> inputs, std::size_t outputs)
      : request_(std::move(request)), inputs_(std::move(inputs)), outputs_(outputs) {}

  Result<std::vector<Tensor>> run(std::span<const TensorView> inputs) override {
    if (inputs.size() != inputs_.size())
      return fail(ErrorCode::kInvalidArgument, "the model has another number of inputs");
    try {
      for (std::size_t i = 0; i < inputs.size(); ++i) VISAVIS_CHECK(bind(i, inputs[i]));
      request_.infer();
      std::vector<Tensor> results(outputs_);
      for (std::size_t i = 0; i < outputs_; ++i) VISAVIS_CHECK(copy(i, results[i]));
      return results;
    } catch (const std::exception& error) {
      return fail(ErrorCode::kInternal, one_sentence(error));
    }
  }

 private:
  Result<void> bind(std::size_t index, const TensorView& view) {
    const TensorSpec& spec = inputs_[index];
    bool fits = view.type == spec.type && view.shape.size() == spec.shape.size();
    std::size_t count = 1;
    for (std::size_t d = 0; fits && d < spec.shape.size(); ++d) {
      fits = view.shape[d] > 0 && (spec.shape[d] < 0 || spec.shape[d] == view.shape[d]);
      count *= static_cast<std::size_t>(view.shape[d]);
    }
    if (!fits || count * to_openvino(view.type).size() != view.bytes.size())
      return fail(ErrorCode::kInvalidArgument, "a tensor does not fit the input " + spec.name);
    const ov::Shape shape(view.shape.begin(), view.shape.end());
    // The request only reads its inputs; the API has no const tensor.
    request_.set_input_tensor(index, ov::Tensor(to_openvino(view.type), shape,
                                                const_cast<std::byte*>(view.bytes.data())));
    return {};
  }

  Result<void> copy(std::size_t index, Tensor& to) {
    const ov::Tensor from = request_.get_output_tensor(index);
    VISAVIS_TRY(type, from_openvino(from.get_element_type()));
    to.type = type;
    for (const std::size_t n : from.get_shape()) to.shape.push_back(static_cast<std::int64_t>(n));
    to.bytes.resize(from.get_byte_size());
    std::memcpy(to.bytes.data(), from.data(), to.bytes.size());
    return {};
  }

  ov::InferRequest request_;
  std::vector<TensorSpec> inputs_;
  std::size_t outputs_;
};

class OpenVinoModel final : public Model {
 public:
  OpenVinoModel(ov::CompiledModel compiled, std::vector<TensorSpec> inputs,
                std::vector<TensorSpec> outputs, Precision precision)
      : compiled_(std::move(compiled)),
        inputs_(std::move(inputs)),
        outputs_(std::move(outputs)),
        precision_(precision) {}

  std::span<const TensorSpec> inputs() const noexcept override { return inputs_; }
  std::span<const TensorSpec> outputs() const noexcept override { return outputs_; }
  std::string_view engine_name() const noexcept override { return "openvino"; }
  Precision precision() const noexcept override { return precision_; }

  Result<std::unique_ptr<Session>> session() const override {
    try {
      // create_infer_request is documented as thread-safe but not marked const.
      auto compiled = compiled_;
      return std::make_unique<OpenVinoSession>(compiled.create_infer_request(), inputs_,
                                               outputs_.size());
    } catch (const std::exception& error) {
      return fail(ErrorCode::kInternal, one_sentence(error));
    }
  }

 private:
  ov::CompiledModel compiled_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
  Precision precision_;
};

Result<ov::element::Type> precision_type(Precision precision) {
  switch (precision) {
    case Precision::kF32:
    case Precision::kInt8:  // a quantised model carries its own int8 layers; the rest stays f32
      return ov::element::f32;
    case Precision::kBf16:
      return ov::element::bf16;
    case Precision::kF16:
      return ov::element::f16;
  }
  return ov::element::f32;
}

class OpenVinoEngine final : public Engine {
 public:
  std::string_view name() const noexcept override { return "openvino"; }

  Availability probe() const override {
    try {
      core();
      return {.usable = true, .reason = {}, .version = ov::get_openvino_version().buildNumber};
    } catch (const std::exception& error) {
      return {.usable = false, .reason = one_sentence(error), .version = {}};
    }
  }

  Result<std::shared_ptr<const Model>> load(std::span<const std::byte> model,
                                            const LoadOptions& options) const override {
    if (model.empty()) return fail(ErrorCode::kDecodeFailed, "the model file is empty");
    std::shared_ptr<ov::Model> network;
    try {
      network = core().read_model(
          std::string(reinterpret_cast<const char*>(model.data()), model.size()), ov::Tensor());
    } catch (const std::exception& error) {
      return fail(ErrorCode::kDecodeFailed, one_sentence(error));
    }
    try {
      VISAVIS_TRY(type, precision_type(options.precision));
      ov::AnyMap config{ov::hint::inference_precision(type),
                        ov::inference_num_threads(options.threads * options.streams),
                        ov::num_streams(options.streams), ov::hint::enable_cpu_pinning(false),
                        // Trained weights hold subnormal numbers (15 % of faceplugin-512's are
                        // below 1e-20), and arithmetic on them costs a factor of three.
                        ov::intel_cpu::denormals_optimization(true)};
      ov::CompiledModel compiled = core().compile_model(network, "CPU", config);
      if (compiled.get_property(ov::hint::inference_precision) != type)
        return fail(ErrorCode::kUnsupported,
                    "this CPU cannot compute in " + std::string(to_string(options.precision)));
      VISAVIS_TRY(inputs, specs_of(compiled.inputs()));
      VISAVIS_TRY(outputs, specs_of(compiled.outputs()));
      return std::make_shared<OpenVinoModel>(std::move(compiled), std::move(inputs),
                                             std::move(outputs), options.precision);
    } catch (const std::exception& error) {
      return fail(ErrorCode::kUnsupported, one_sentence(error));
    }
  }
};

}  // namespace

const Engine& openvino_engine() noexcept;
const Engine& openvino_engine() noexcept {
  static const OpenVinoEngine engine;
  return engine;
}

}  // namespace visavis::runtime
