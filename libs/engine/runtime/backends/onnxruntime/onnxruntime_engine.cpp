/// Microsoft's ONNX Runtime, on the CPU or on NVIDIA's TensorRT. The only file that sees its
/// headers.

#include <onnxruntime_cxx_api.h>
#include <onnxruntime_session_options_config_keys.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>

#include "model_file.hpp"
#include "subnormals.hpp"
#include "tensor.hpp"

namespace visavis::runtime {
namespace {

/// Every call into ONNX Runtime goes through here: no foreign exception leaves this file.
template <class Work>
auto guarded(ErrorCode code, std::string_view what, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "ONNX Runtime ran out of memory");
  } catch (const std::exception& failure) {
    return fail(code, "ONNX Runtime " + std::string(what) + ": " + first_sentence(failure.what()));
  }
}

void ignore_message(void* /*parameter*/, OrtLoggingLevel /*severity*/, const char* /*category*/,
                    const char* /*logid*/, const char* /*location*/, const char* /*message*/) {}

/// The environment that all sessions share. It says nothing: what matters arrives as an exception.
const std::shared_ptr<Ort::Env>& shared_environment() {
  static const auto environment = [] {
    auto made =
        std::make_shared<Ort::Env>(ORT_LOGGING_LEVEL_FATAL, "visavis", &ignore_message, nullptr);
    made->DisableTelemetryEvents();
    return made;
  }();
  return environment;
}

std::optional<ElementType> from_onnxruntime(ONNXTensorElementDataType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return ElementType::kFloat32;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
      return ElementType::kFloat16;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
      return ElementType::kUint8;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
      return ElementType::kInt8;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return ElementType::kInt64;
    default:
      return std::nullopt;
  }
}

ONNXTensorElementDataType to_onnxruntime(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    case ElementType::kFloat16:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
    case ElementType::kUint8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    case ElementType::kInt8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8;
    case ElementType::kInt64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

Result<TensorSpec> spec_of(std::string name, const Ort::TypeInfo& info) {
  if (info.GetONNXType() != ONNX_TYPE_TENSOR)
    return fail(ErrorCode::kUnsupported, "\"" + name + "\" is not a tensor");
  const auto tensor = info.GetTensorTypeAndShapeInfo();
  const std::optional<ElementType> type = from_onnxruntime(tensor.GetElementType());
  if (!type)
    return fail(ErrorCode::kUnsupported, "the tensor \"" + name + "\" has a type without support");
  return TensorSpec{.name = std::move(name), .type = *type, .shape = tensor.GetShape()};
}

Result<std::vector<TensorSpec>> inputs_of(const Ort::Session& session) {
  std::vector<TensorSpec> specs;
  const Ort::AllocatorWithDefaultOptions allocator;
  for (std::size_t i = 0; i < session.GetInputCount(); ++i) {
    VISAVIS_TRY(spec, spec_of(session.GetInputNameAllocated(i, allocator).get(),
                              session.GetInputTypeInfo(i)));
    specs.push_back(std::move(spec));
  }
  return specs;
}

Result<std::vector<TensorSpec>> outputs_of(const Ort::Session& session) {
  std::vector<TensorSpec> specs;
  const Ort::AllocatorWithDefaultOptions allocator;
  for (std::size_t i = 0; i < session.GetOutputCount(); ++i) {
    VISAVIS_TRY(spec, spec_of(session.GetOutputNameAllocated(i, allocator).get(),
                              session.GetOutputTypeInfo(i)));
    specs.push_back(std::move(spec));
  }
  return specs;
}

/// What a model and its sessions share: one network serves any number of threads.
struct Network {
  std::shared_ptr<Ort::Env> environment;
  Ort::Session session{nullptr};
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

std::vector<const char*> names_of(std::span<const TensorSpec> specs) {
  std::vector<const char*> names;
  names.reserve(specs.size());
  for (const TensorSpec& spec : specs) names.push_back(spec.name.c_str());
  return names;
}

class OnnxRuntimeSession final : public Session {
 public:
  explicit OnnxRuntimeSession(std::shared_ptr<Network> network)
      : network_(std::move(network)),
        input_names_(names_of(network_->inputs)),
        output_names_(names_of(network_->outputs)) {}

  Result<std::vector<Tensor>> run(std::span<const TensorView> inputs) override {
    VISAVIS_CHECK(check_inputs(network_->inputs, inputs));
    const SubnormalsAsZero fast;
    return guarded(ErrorCode::kInvalidArgument, "could not run the model",
                   [&]() -> Result<std::vector<Tensor>> {
                     std::vector<Ort::Value> values;
                     values.reserve(inputs.size());
                     for (const TensorView& input : inputs) values.push_back(borrow(input));
                     return collect(network_->session.Run(
                         Ort::RunOptions{nullptr}, input_names_.data(), values.data(),
                         values.size(), output_names_.data(), output_names_.size()));
                   });
  }

 private:
  /// ONNX Runtime reads the caller's memory in place; it takes a mutable pointer but never writes.
  static Ort::Value borrow(const TensorView& view) {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeCPU);
    return Ort::Value::CreateTensor(memory, const_cast<std::byte*>(view.bytes.data()),
                                    view.bytes.size(), view.shape.data(), view.shape.size(),
                                    to_onnxruntime(view.type));
  }

  static Result<std::vector<Tensor>> collect(const std::vector<Ort::Value>& values) {
    std::vector<Tensor> results;
    results.reserve(values.size());
    for (const Ort::Value& value : values) {
      const auto info = value.GetTensorTypeAndShapeInfo();
      const std::optional<ElementType> type = from_onnxruntime(info.GetElementType());
      if (!type) return fail(ErrorCode::kUnsupported, "an output has a type without support");
      const auto* bytes = static_cast<const std::byte*>(value.GetTensorRawData());
      const std::size_t size = info.GetElementCount() * size_of(*type);
      results.push_back({.type = *type, .shape = info.GetShape(), .bytes = {bytes, bytes + size}});
    }
    return results;
  }

  std::shared_ptr<Network> network_;
  std::vector<const char*> input_names_;
  std::vector<const char*> output_names_;
};

class OnnxRuntimeModel final : public Model {
 public:
  OnnxRuntimeModel(std::string_view engine, std::shared_ptr<Network> network, Precision precision)
      : engine_(engine), network_(std::move(network)), precision_(precision) {}

  [[nodiscard]] std::span<const TensorSpec> inputs() const noexcept override {
    return network_->inputs;
  }
  [[nodiscard]] std::span<const TensorSpec> outputs() const noexcept override {
    return network_->outputs;
  }
  [[nodiscard]] std::string_view engine_name() const noexcept override { return engine_; }
  [[nodiscard]] Precision precision() const noexcept override { return precision_; }

  [[nodiscard]] Result<std::unique_ptr<Session>> session() const override {
    return std::make_unique<OnnxRuntimeSession>(network_);
  }

 private:
  std::string_view engine_;  ///< A literal.
  std::shared_ptr<Network> network_;
  Precision precision_;
};

/// The option for how long a thread of the pool waits for work before it sleeps, in microseconds.
/// The library's own default is long, which takes the cores from everybody else; none at all makes
/// a second thread useless for small networks (faceplugin-512 on two threads: 6.2 ms without, 4.1
/// ms from 20 us up to the default).
constexpr std::string_view kSpin = "spin_us";

Result<int> spin_of(std::string_view engine, const LoadOptions& options) {
  constexpr int kLongest = 10'000;
  int spin = 20;
  for (const auto& [key, value] : options.extra) {
    if (key != kSpin)
      return fail(ErrorCode::kUnsupported,
                  "the " + std::string(engine) + " engine has no option \"" + key + "\"");
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), spin);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == value.data() + value.size();
    if (!whole || spin < 0 || spin > kLongest)
      return fail(ErrorCode::kInvalidArgument, "spin_us is a number from 0 to 10000");
  }
  return spin;
}

Ort::SessionOptions configuration(const LoadOptions& options, int spin_us) {
  Ort::SessionOptions configured;
  // With one thread there is no pool: each caller computes on its own thread, so sessions run at
  // once without anything like streams.
  configured.SetIntraOpNumThreads(options.threads);
  configured.SetInterOpNumThreads(1);
  configured.SetExecutionMode(ORT_SEQUENTIAL);
  configured.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
  configured.AddConfigEntry(kOrtSessionOptionsConfigAllowIntraOpSpinning, spin_us > 0 ? "1" : "0");
  configured.AddConfigEntry(kOrtSessionOptionsConfigIntraOpSpinDurationUs,
                            std::to_string(spin_us).c_str());
  // For the threads of the pool; SubnormalsAsZero sees to the caller's.
  configured.AddConfigEntry(kOrtSessionOptionsConfigSetDenormalAsZero, "1");
  return configured;
}

/// Where the nodes run; what a provider cannot do falls to the CPU.
enum class Provider : std::uint8_t { kCpu, kTensorRt };

constexpr std::string_view kTensorRtName = "TensorrtExecutionProvider";

/// TensorRT builds its own kernels for each network when it is loaded. Throws if its libraries (or
/// CUDA's) do not load.
void append_tensorrt(Ort::SessionOptions& configured) {
  const OrtApi& api = Ort::GetApi();
  OrtTensorRTProviderOptionsV2* made = nullptr;
  Ort::ThrowOnError(api.CreateTensorRTProviderOptions(&made));
  const std::unique_ptr<OrtTensorRTProviderOptionsV2, void (*)(OrtTensorRTProviderOptionsV2*)>
      options(made, [](OrtTensorRTProviderOptionsV2* old) {
        Ort::GetApi().ReleaseTensorRTProviderOptions(old);
      });
  configured.AppendExecutionProvider_TensorRT_V2(*options);
}

Result<void> find_tensorrt() {
  const std::vector<std::string> here = Ort::GetAvailableProviders();
  if (std::ranges::find(here, kTensorRtName) == here.end())
    return fail(ErrorCode::kUnavailable,
                "this build of ONNX Runtime has no TensorRT (NVIDIA's, for its GPUs); "
                "visavis has to be built against one that has");
  return guarded(ErrorCode::kUnavailable,
                 "has a provider for TensorRT that does not start (do the libraries of TensorRT, "
                 "cuDNN and CUDA lie where the loader looks?)",
                 []() -> Result<void> {
                   Ort::SessionOptions trial;
                   append_tensorrt(trial);
                   return {};
                 });
}

class OnnxRuntimeEngine final : public Engine {
 public:
  OnnxRuntimeEngine(std::string_view name, Provider provider) noexcept
      : name_(name), provider_(provider) {}

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }

  [[nodiscard]] Availability probe() const override {
    const Result<std::string> version =
        guarded(ErrorCode::kUnavailable, "does not start", [&]() -> Result<std::string> {
          static_cast<void>(shared_environment());
          if (provider_ == Provider::kTensorRt) VISAVIS_CHECK(find_tensorrt());
          return Ort::GetVersionString();
        });
    if (!version) return {.usable = false, .reason = version.error().message, .version = {}};
    return {.usable = true, .reason = {}, .version = *version};
  }

  [[nodiscard]] Result<std::shared_ptr<const Model>> load(
      std::span<const std::byte> bytes, const LoadOptions& options) const override {
    VISAVIS_CHECK(check_threads(options));
    VISAVIS_TRY(spin_us, spin_of(name(), options));
    VISAVIS_TRY(graph, read_model(bytes));
    const bool quantised = is_quantised(graph);
    VISAVIS_CHECK(check_precision(name(), options.precision, quantised));
    const SubnormalsAsZero fast;  // also restores what creating a session changes on this thread
    return guarded(
        ErrorCode::kUnsupported, "cannot load the model",
        [&]() -> Result<std::shared_ptr<const Model>> {
          auto network = std::make_shared<Network>();
          network->environment = shared_environment();
          Ort::SessionOptions configured = configuration(options, spin_us);
          if (provider_ == Provider::kTensorRt) append_tensorrt(configured);
          network->session =
              Ort::Session(*network->environment, bytes.data(), bytes.size(), configured);
          VISAVIS_TRY(inputs, inputs_of(network->session));
          VISAVIS_TRY(outputs, outputs_of(network->session));
          network->inputs = std::move(inputs);
          network->outputs = std::move(outputs);
          return std::make_shared<OnnxRuntimeModel>(name(), std::move(network),
                                                    quantised ? Precision::kInt8 : Precision::kF32);
        });
  }

 private:
  std::string_view name_;  ///< A literal.
  Provider provider_;
};

}  // namespace

// Declared again in the generated table.
const Engine& onnxruntime_engine() noexcept;
const Engine& onnxruntime_engine() noexcept {
  static const OnnxRuntimeEngine engine("onnxruntime", Provider::kCpu);
  return engine;
}

const Engine& tensorrt_engine() noexcept;
const Engine& tensorrt_engine() noexcept {
  static const OnnxRuntimeEngine engine("tensorrt", Provider::kTensorRt);
  return engine;
}

}  // namespace visavis::runtime
