/// Intel's OpenVINO on the CPU. The only file that sees its headers.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <openvino/core/runtime_attribute.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/softmax.hpp>
#include <openvino/openvino.hpp>
#include <openvino/pass/serialize.hpp>
#include <openvino/runtime/intel_cpu/properties.hpp>
#include <optional>
#include <span>
#include <spanstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/openvino_ir.hpp>

#include "compiled_cache.hpp"
#include "model_file.hpp"
#include "subnormals.hpp"
#include "tensor.hpp"

namespace visavis::runtime {
namespace {

constexpr const char* kDevice = "CPU";

/// What an OpenVINO exception has to say, without the lines that only tell source paths
/// ("Exception from src/inference/src/cpp/core.cpp:126:", "Check 'x' failed at ...").
std::string reason_of(const std::exception& failure) {
  std::istringstream lines{failure.what()};
  std::string best;
  for (std::string line; std::getline(lines, line);) {
    line = first_sentence(line);
    if (line.empty()) continue;
    best = line;
    if (!line.starts_with("Exception from ") && !line.starts_with("Check '")) break;
  }
  return best;
}

/// Every call into OpenVINO goes through here: no foreign exception leaves this file.
template <class Work>
auto guarded(ErrorCode code, std::string_view what, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "OpenVINO ran out of memory");
  } catch (const std::exception& failure) {
    return fail(code, "OpenVINO " + std::string(what) + ": " + reason_of(failure));
  }
}

/// One core for all: making one costs some 35 ms. It is documented as thread-safe.
const std::shared_ptr<ov::Core>& shared_core() {
  static const auto core = std::make_shared<ov::Core>();
  return core;
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
  return ov::element::dynamic;
}

std::optional<ElementType> from_openvino(const ov::element::Type& type) {
  for (const ElementType ours : {ElementType::kFloat32, ElementType::kFloat16, ElementType::kUint8,
                                 ElementType::kInt8, ElementType::kInt64}) {
    if (to_openvino(ours) == type) return ours;
  }
  return std::nullopt;
}

ov::element::Type arithmetic(Precision precision) {
  switch (precision) {
    case Precision::kBf16:
      return ov::element::bf16;
    case Precision::kF16:
      return ov::element::f16;
    case Precision::kF32:
    case Precision::kInt8:  // the layers between the quantised ones
      return ov::element::f32;
  }
  return ov::element::f32;
}

template <class Port>
Result<std::vector<TensorSpec>> specs_of(const std::vector<Port>& ports) {
  std::vector<TensorSpec> specs;
  for (const Port& port : ports) {
    const std::optional<ElementType> type = from_openvino(port.get_element_type());
    if (!type)
      return fail(ErrorCode::kUnsupported,
                  "the model has a tensor of type " + port.get_element_type().get_type_name());
    TensorSpec spec{
        .name = port.get_names().empty() ? "" : port.get_any_name(), .type = *type, .shape = {}};
    for (const ov::Dimension& dimension : port.get_partial_shape())
      spec.shape.push_back(dimension.is_static() ? dimension.get_length() : -1);
    specs.push_back(std::move(spec));
  }
  return specs;
}

class OpenVinoSession final : public Session {
 public:
  OpenVinoSession(std::span<const TensorSpec> inputs, std::size_t outputs, ov::InferRequest request)
      : inputs_(inputs.begin(), inputs.end()), outputs_(outputs), request_(std::move(request)) {}

  Result<std::vector<Tensor>> run(std::span<const TensorView> inputs) override {
    VISAVIS_CHECK(check_inputs(inputs_, inputs));
    const SubnormalsAsZero fast;
    return guarded(ErrorCode::kInvalidArgument, "could not run the model",
                   [&]() -> Result<std::vector<Tensor>> {
                     for (std::size_t i = 0; i < inputs.size(); ++i)
                       request_.set_input_tensor(i, borrow(inputs[i]));
                     request_.infer();
                     return collect();
                   });
  }

 private:
  /// OpenVINO reads the caller's memory in place; it takes a mutable pointer but never writes.
  static ov::Tensor borrow(const TensorView& view) {
    const ov::Shape shape(view.shape.begin(), view.shape.end());
    return {to_openvino(view.type), shape, const_cast<std::byte*>(view.bytes.data())};
  }

  /// One reference for both ends: `get_shape()` fills its object anew at every call.
  static std::vector<std::int64_t> shape_of(const ov::Shape& shape) {
    return {shape.begin(), shape.end()};
  }

  std::vector<Tensor> collect() {
    std::vector<Tensor> results(outputs_);
    for (std::size_t i = 0; i < outputs_; ++i) {
      const ov::Tensor tensor = request_.get_output_tensor(i);
      const auto* bytes = static_cast<const std::byte*>(tensor.data());
      results[i].type = from_openvino(tensor.get_element_type()).value_or(ElementType::kFloat32);
      results[i].shape = shape_of(tensor.get_shape());
      results[i].bytes.assign(bytes, bytes + tensor.get_byte_size());
    }
    return results;
  }

  std::vector<TensorSpec> inputs_;
  std::size_t outputs_;
  ov::InferRequest request_;
};

class OpenVinoModel final : public Model {
 public:
  OpenVinoModel(std::shared_ptr<ov::Core> core, ov::CompiledModel compiled, Precision precision,
                std::vector<TensorSpec> inputs, std::vector<TensorSpec> outputs)
      : core_(std::move(core)),
        compiled_(std::move(compiled)),
        precision_(precision),
        inputs_(std::move(inputs)),
        outputs_(std::move(outputs)) {}

  [[nodiscard]] std::span<const TensorSpec> inputs() const noexcept override { return inputs_; }
  [[nodiscard]] std::span<const TensorSpec> outputs() const noexcept override { return outputs_; }
  [[nodiscard]] std::string_view engine_name() const noexcept override { return "openvino"; }
  [[nodiscard]] Precision precision() const noexcept override { return precision_; }

  [[nodiscard]] Result<std::unique_ptr<Session>> session() const override {
    return guarded(ErrorCode::kResourceExhausted, "could not open a session",
                   [&]() -> Result<std::unique_ptr<Session>> {
                     ov::CompiledModel handle = compiled_;  // a counted reference
                     return std::make_unique<OpenVinoSession>(inputs_, outputs_.size(),
                                                              handle.create_infer_request());
                   });
  }

 private:
  std::shared_ptr<ov::Core> core_;  // owns the plugin's library, so it is destroyed last
  ov::CompiledModel compiled_;
  Precision precision_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
};

Result<void> check_precision(const ov::Core& core, Precision precision) {
  const auto able = core.get_property(kDevice, ov::device::capabilities);
  const auto has = [&](std::string_view name) {
    return std::ranges::find(able, name) != able.end();
  };
  if (precision == Precision::kBf16 && !has("BF16"))
    return fail(ErrorCode::kUnsupported, "this CPU has no bf16 arithmetic");
  if (precision == Precision::kF16 && !has("FP16"))
    return fail(ErrorCode::kUnsupported, "this CPU has no f16 arithmetic");
  return {};
}

Result<void> check_options(const LoadOptions& options) {
  VISAVIS_CHECK(check_threads(options));
  if (!options.extra.empty())
    return fail(ErrorCode::kUnsupported,
                "the openvino engine has no option \"" + options.extra.front().first + "\"");
  return {};
}

/// Kernels that a network keeps for shapes it has seen, some ten per shape. With the plugin's own
/// 5000 MTCNN's P-Net grows by .9 GB over 3000 photographs of different sizes, with 300 by .1 GB.
/// The property has no constant in the public headers.
constexpr const char* kKeptKernels = "512";

ov::AnyMap configuration(const LoadOptions& options) {
  return {ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
          ov::num_streams(options.streams),
          ov::inference_num_threads(options.threads * options.streams),
          // Pinned threads of several processes or containers end up on the same cores.
          ov::hint::enable_cpu_pinning(false),
          // Some CPUs default to bf16 (cosine .9994 to f32), so it is always said.
          ov::hint::inference_precision(arithmetic(options.precision)),
          // Trained weights hold subnormal numbers (15 % of faceplugin-512's are below 1e-20), and
          // arithmetic on them costs a factor of three.
          ov::intel_cpu::denormals_optimization(true),
          {"CPU_RUNTIME_CACHE_CAPACITY", kKeptKernels}};
}

Result<std::shared_ptr<ov::Model>> read(ov::Core& core, std::span<const std::byte> bytes) {
  return guarded(ErrorCode::kUnsupported, "cannot read the model",
                 [&]() -> Result<std::shared_ptr<ov::Model>> {
                   // From bytes: the key of OpenVINO's own cache ignores a file's content.
                   const std::string text(reinterpret_cast<const char*>(bytes.data()),
                                          bytes.size());
                   return core.read_model(text, ov::Tensor());
                 });
}

/// Until operator set 12 a Softmax normalises over all dimensions from its axis on. OpenVINO 2026.4
/// does so up to set 10, but gives those of sets 11 and 12 the later meaning.
Result<void> check_softmax(const ov::Model& model, std::int64_t opset) {
  if (opset != 11 && opset != 12) return {};
  for (const std::shared_ptr<ov::Node>& node : model.get_ops()) {
    const auto softmax = std::dynamic_pointer_cast<ov::op::v8::Softmax>(node);
    if (!softmax) continue;
    const ov::Rank rank = softmax->get_output_partial_shape(0).rank();
    const bool last = softmax->get_axis() == -1 ||
                      (rank.is_static() && softmax->get_axis() == rank.get_length() - 1);
    if (!last)
      return fail(ErrorCode::kUnsupported,
                  "OpenVINO misreads Softmax over several dimensions in operator set " +
                      std::to_string(opset));
  }
  return {};
}

Result<std::shared_ptr<ov::Model>> read_onnx(ov::Core& core, std::span<const std::byte> bytes) {
  VISAVIS_TRY(graph, read_model(bytes));
  VISAVIS_TRY(model, read(core, bytes));
  VISAVIS_CHECK(check_softmax(*model, graph.opset));
  return model;
}

/// Everything that a compiled model depends on beside the model itself.
std::string cache_key(const ov::Core& core, const LoadOptions& options) {
  std::string key = ov::get_openvino_version().buildNumber;
  key += '|' + core.get_property(kDevice, ov::device::full_name);
  for (const std::string& able : core.get_property(kDevice, ov::device::capabilities))
    key += '|' + able;
  return key + '|' + std::string(to_string(options.precision)) + '|' +
         std::to_string(options.threads) + '|' + std::to_string(options.streams);
}

CompiledCache cache_for(const ov::Core& core, std::span<const std::byte> model,
                        const LoadOptions& options) {
  if (options.cache_dir.empty()) return {{}, {}, {}};
  const std::string key = cache_key(core, options);
  const bool known = options.model_sha256.size() == 2 * Sha256{}.size();
  return {options.cache_dir, known ? options.model_sha256 : to_hex(sha256(model)), key};
}

std::optional<ov::CompiledModel> import(ov::Core& core, std::span<const std::byte> blob,
                                        const LoadOptions& options) {
  try {
    std::ispanstream stream{
        std::span<const char>(reinterpret_cast<const char*>(blob.data()), blob.size())};
    return core.import_model(stream, kDevice, configuration(options));
  } catch (const std::exception&) {
    return std::nullopt;  // whatever is wrong with it, compiling anew heals it
  }
}

/// @return nothing if the library fails: the model runs all the same, only the next start takes
/// longer.
std::optional<std::string> export_blob(ov::CompiledModel& compiled) {
  try {
    std::ostringstream stream;
    compiled.export_model(stream);
    return std::move(stream).str();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

/// True if layers run in int8: that follows from the model, whatever the arithmetic of the others.
bool runs_int8(const ov::CompiledModel& compiled) {
  const std::shared_ptr<const ov::Model> executed = compiled.get_runtime_model();
  return std::ranges::any_of(executed->get_ops(), [](const std::shared_ptr<ov::Node>& node) {
    const auto& facts = node->get_rt_info();
    const auto type = facts.find("runtimePrecision");
    return type != facts.end() && type->second.as<std::string>() == "i8";
  });
}

/// Checks that what was compiled is what was asked for.
Result<std::shared_ptr<const Model>> finish(const std::shared_ptr<ov::Core>& core,
                                            ov::CompiledModel compiled,
                                            const LoadOptions& options) {
  if (compiled.get_property(ov::hint::inference_precision) != arithmetic(options.precision))
    return fail(ErrorCode::kUnsupported,
                "this CPU cannot compute in " + std::string(to_string(options.precision)));
  const bool int8 = runs_int8(compiled);
  if (options.precision == Precision::kInt8 && !int8)
    return fail(ErrorCode::kUnsupported, "int8 needs a quantised model, and this one is not");
  VISAVIS_TRY(inputs, specs_of(compiled.inputs()));
  VISAVIS_TRY(outputs, specs_of(compiled.outputs()));
  return std::make_shared<OpenVinoModel>(core, std::move(compiled),
                                         int8 ? Precision::kInt8 : options.precision,
                                         std::move(inputs), std::move(outputs));
}

class OpenVinoEngine final : public Engine {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "openvino"; }

  [[nodiscard]] Availability probe() const override {
    const Result<std::string> version =
        guarded(ErrorCode::kUnavailable, "does not start", [&]() -> Result<std::string> {
          shared_core()->get_property(kDevice, ov::device::full_name);
          return std::string(ov::get_openvino_version().buildNumber);
        });
    if (!version) return {.usable = false, .reason = version.error().message, .version = {}};
    return {.usable = true, .reason = {}, .version = version->substr(0, version->find('-'))};
  }

  [[nodiscard]] Result<std::shared_ptr<const Model>> load(
      std::span<const std::byte> bytes, const LoadOptions& options) const override {
    VISAVIS_CHECK(check_options(options));
    const SubnormalsAsZero fast;  // the library's worker threads take the mode over from here
    return guarded(ErrorCode::kUnsupported, "cannot compile the model",
                   [&] { return compile(bytes, options); });
  }

 private:
  static Result<std::shared_ptr<const Model>> compile(std::span<const std::byte> bytes,
                                                      const LoadOptions& options) {
    const std::shared_ptr<ov::Core>& core = shared_core();
    VISAVIS_CHECK(check_precision(*core, options.precision));
    const CompiledCache cache = cache_for(*core, bytes, options);
    if (const std::optional<std::vector<std::byte>> blob = cache.find()) {
      if (std::optional<ov::CompiledModel> kept = import(*core, *blob, options))
        return finish(core, *std::move(kept), options);
    }
    VISAVIS_TRY(model, read_onnx(*core, bytes));
    ov::CompiledModel compiled = core->compile_model(model, kDevice, configuration(options));
    if (!options.cache_dir.empty()) {
      if (const auto blob = export_blob(compiled)) cache.keep(std::as_bytes(std::span(*blob)));
    }
    return finish(core, std::move(compiled), options);
  }
};

/// The note that OpenVINO's own writer leaves at a Convert that makes weights of 16 bits float
/// (`save_model` with compress_to_fp16). Its readers take such weights for compressed ones.
class Decompression final : public ov::RuntimeAttribute {
 public:
  OPENVINO_RTTI("decompression", "0", ov::RuntimeAttribute);
  bool visit_attributes(ov::AttributeVisitor& /*visitor*/) override { return true; }
  [[nodiscard]] bool is_copyable() const override { return false; }
};

void mark_halves(const ov::Model& model) {
  for (const std::shared_ptr<ov::Node>& node : model.get_ordered_ops()) {
    const bool widens = ov::is_type<ov::op::v0::Convert>(node) &&
                        ov::is_type<ov::op::v0::Constant>(node->get_input_node_ptr(0)) &&
                        node->get_input_element_type(0) == ov::element::f16 &&
                        node->get_output_element_type(0) == ov::element::f32;
    if (widens) node->get_rt_info()[Decompression::get_type_info_static()] = Decompression();
  }
}

}  // namespace

Result<OpenVinoIr> to_openvino_ir(std::span<const std::byte> onnx) {
  return guarded(ErrorCode::kUnsupported, "cannot write the model", [&]() -> Result<OpenVinoIr> {
    VISAVIS_TRY(model, read_onnx(*shared_core(), onnx));
    mark_halves(*model);
    std::ostringstream xml;
    std::ostringstream weights;
    ov::pass::Serialize(xml, weights).run_on_model(model);
    const std::string numbers = std::move(weights).str();
    const auto bytes = std::as_bytes(std::span(numbers));
    return OpenVinoIr{.xml = std::move(xml).str(), .weights = {bytes.begin(), bytes.end()}};
  });
}

Result<std::shared_ptr<const Model>> load_openvino_ir(const OpenVinoIr& ir,
                                                      const LoadOptions& options) {
  VISAVIS_CHECK(check_options(options));
  const SubnormalsAsZero fast;
  return guarded(ErrorCode::kUnsupported, "cannot compile the model",
                 [&]() -> Result<std::shared_ptr<const Model>> {
                   const std::shared_ptr<ov::Core>& core = shared_core();
                   VISAVIS_CHECK(check_precision(*core, options.precision));
                   // The model keeps reading the weights where they are.
                   ov::Tensor weights(ov::element::u8, {ir.weights.size()});
                   std::ranges::copy(ir.weights, static_cast<std::byte*>(weights.data()));
                   const auto model = core->read_model(ir.xml, weights);
                   return finish(core, core->compile_model(model, kDevice, configuration(options)),
                                 options);
                 });
}

const Engine& openvino_engine() noexcept;  // declared again in the generated table
const Engine& openvino_engine() noexcept {
  static const OpenVinoEngine engine;
  return engine;
}

}  // namespace visavis::runtime
