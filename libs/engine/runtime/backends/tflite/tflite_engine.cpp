/// Google's TensorFlow Lite on the CPU, through its C API. It takes its own format, so a model is
/// rewritten with its channels last (graph::to_channels_last), for the sizes of the first input and
/// again for others that need other layers.

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/channels_last.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>
#include <visavis/tflite/tflite.hpp>

#include "c_api.hpp"
#include "model_file.hpp"
#include "subnormals.hpp"
#include "tensor.hpp"

namespace visavis::runtime {
namespace {

using Shapes = std::vector<graph::Shape>;

/// Collects what the library says was wrong.
void take_message(void* user, const char* format, va_list arguments) {
  auto& message = *static_cast<std::string*>(user);
  char text[512];
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  if (length > 0 && message.empty()) message = text;
}

struct Release {
  void operator()(TfLiteModel* model) const { TfLiteModelDelete(model); }
  void operator()(TfLiteInterpreter* interpreter) const { TfLiteInterpreterDelete(interpreter); }
  void operator()(TfLiteInterpreterOptions* options) const {
    TfLiteInterpreterOptionsDelete(options);
  }
  void operator()(TfLiteDelegate* delegate) const { TfLiteXNNPackDelegateDelete(delegate); }
};

std::unexpected<Error> refused(ErrorCode code, std::string_view what, const std::string& message) {
  return fail(code, "TensorFlow Lite " + std::string(what) +
                        (message.empty() ? "" : ": " + first_sentence(message)));
}

/// A network in its format, for some sizes of the inputs.
struct Compiled {
  std::vector<std::byte> bytes;  ///< The model below reads them in place.
  std::unique_ptr<TfLiteModel, Release> model;
};

Result<std::shared_ptr<const Compiled>> compile(const graph::ChannelsLast& network) {
  auto compiled = std::make_shared<Compiled>();
  VISAVIS_TRY(bytes, tflite::write_tflite(network));
  compiled->bytes = std::move(bytes);
  std::string message;
  compiled->model.reset(TfLiteModelCreateWithErrorReporter(
      compiled->bytes.data(), compiled->bytes.size(), &take_message, &message));
  if (!compiled->model) return refused(ErrorCode::kUnsupported, "cannot load the model", message);
  return compiled;
}

/// A model's network in all the forms that were asked for. Thread-safe.
class Forms {
 public:
  Forms(graph::Graph graph, const Engine& reference)
      : graph_(std::move(graph)), reference_(reference) {}

  /// @param shapes  of the inputs
  [[nodiscard]] Result<std::shared_ptr<const Compiled>> form(const Shapes& shapes) const {
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_shape_.find(shapes); found != by_shape_.end()) return found->second;
    const graph::Evaluate evaluate = evaluate_with(reference_);
    std::optional<graph::Graph> composed;
    if (graph::has_composites(graph_)) {
      VISAVIS_TRY(all, graph::infer_shapes(graph_, shapes, evaluate));
      composed = graph::compose(graph_, all, all);
    }
    auto network = graph::to_channels_last(composed ? *composed : graph_, shapes,
                                           graph::PictureOrder::kChannelsFirst, evaluate);
    if (!network) return fail(network.error().code, network.error().message);
    VISAVIS_TRY(layers, graph::hash_of_layers(*network));
    auto found = by_layers_.find(layers);
    if (found == by_layers_.end()) {
      VISAVIS_TRY(compiled, compile(*network));
      if (by_layers_.size() >= kMostForms) {  // pictures of ever other sizes
        by_shape_.clear();
        by_layers_.clear();
      }
      found = by_layers_.emplace(layers, std::move(compiled)).first;
    }
    if (by_shape_.size() >= kMostShapes) by_shape_.clear();
    by_shape_[shapes] = found->second;
    return found->second;
  }

 private:
  static constexpr std::size_t kMostForms = 8;
  static constexpr std::size_t kMostShapes = 256;

  graph::Graph graph_;
  const Engine& reference_;
  mutable std::mutex mutex_;
  mutable std::map<Shapes, std::shared_ptr<const Compiled>> by_shape_;
  mutable std::map<Sha256, std::shared_ptr<const Compiled>> by_layers_;
};

/// What a model and its sessions share.
struct Network {
  std::unique_ptr<const Forms> forms;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  int threads = 1;
};

/// An interpreter and the form that it runs, which must outlive it.
class Runner {
 public:
  static Result<std::unique_ptr<Runner>> make(std::shared_ptr<const Compiled> form, int threads,
                                              const Shapes& shapes) {
    auto runner = std::unique_ptr<Runner>(new Runner(std::move(form)));
    const std::unique_ptr<TfLiteInterpreterOptions, Release> options(
        TfLiteInterpreterOptionsCreate());
    TfLiteInterpreterOptionsSetNumThreads(options.get(), threads);
    TfLiteInterpreterOptionsSetErrorReporter(options.get(), &take_message, &runner->message_);
    // The library's own kernels are ten times as slow; they are left with what XNNPACK lacks.
    TfLiteXNNPackDelegateOptions kernels = TfLiteXNNPackDelegateOptionsDefault();
    kernels.num_threads = threads;
    // Joining a PAD of one side with the convolution behind it, it loses the padding.
    kernels.runtime_flags |= kXnnNoOperatorFusion;
    runner->kernels_.reset(TfLiteXNNPackDelegateCreate(&kernels));
    if (runner->kernels_)
      TfLiteInterpreterOptionsAddDelegate(options.get(), runner->kernels_.get());
    runner->interpreter_.reset(TfLiteInterpreterCreate(runner->form_->model.get(), options.get()));
    if (!runner->interpreter_)
      return refused(ErrorCode::kUnsupported, "cannot run the model", runner->message_);
    VISAVIS_CHECK(runner->resize(shapes));
    return runner;
  }

  Result<std::vector<Tensor>> run(std::span<const TensorView> inputs,
                                  std::span<const TensorSpec> specs) {
    message_.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      TfLiteTensor* tensor =
          TfLiteInterpreterGetInputTensor(interpreter_.get(), static_cast<std::int32_t>(i));
      if (TfLiteTensorCopyFromBuffer(tensor, inputs[i].bytes.data(), inputs[i].bytes.size()) !=
          kTfLiteOk)
        return refused(ErrorCode::kInvalidArgument, "does not take the input", message_);
    }
    if (TfLiteInterpreterInvoke(interpreter_.get()) != kTfLiteOk)
      return refused(ErrorCode::kInvalidArgument, "could not run the model", message_);
    std::vector<Tensor> outputs;
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const TfLiteTensor* tensor =
          TfLiteInterpreterGetOutputTensor(interpreter_.get(), static_cast<std::int32_t>(i));
      if (TfLiteTensorType(tensor) != kTfLiteFloat32)
        return fail(ErrorCode::kUnsupported, "an output has a type without support");
      Tensor output{.type = ElementType::kFloat32, .shape = {}, .bytes = {}};
      for (std::int32_t axis = 0; axis < TfLiteTensorNumDims(tensor); ++axis)
        output.shape.push_back(TfLiteTensorDim(tensor, axis));
      const auto* bytes = static_cast<const std::byte*>(TfLiteTensorData(tensor));
      output.bytes.assign(bytes, bytes + TfLiteTensorByteSize(tensor));
      outputs.push_back(std::move(output));
    }
    return outputs;
  }

 private:
  explicit Runner(std::shared_ptr<const Compiled> form) : form_(std::move(form)) {}

  Result<void> resize(const Shapes& shapes) {
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const std::vector<int> sides(shapes[i].begin(), shapes[i].end());
      if (TfLiteInterpreterResizeInputTensor(interpreter_.get(), static_cast<std::int32_t>(i),
                                             sides.data(),
                                             static_cast<std::int32_t>(sides.size())) != kTfLiteOk)
        return refused(ErrorCode::kInvalidArgument, "does not take inputs of that size", message_);
    }
    if (TfLiteInterpreterAllocateTensors(interpreter_.get()) != kTfLiteOk)
      return refused(ErrorCode::kUnsupported, "cannot prepare the model", message_);
    return {};
  }

  std::shared_ptr<const Compiled> form_;
  std::string message_;
  std::unique_ptr<TfLiteDelegate, Release> kernels_;  ///< Outlives the interpreter.
  std::unique_ptr<TfLiteInterpreter, Release> interpreter_;
};

class TfliteSession final : public Session {
 public:
  explicit TfliteSession(std::shared_ptr<const Network> network) : network_(std::move(network)) {}

  Result<std::vector<Tensor>> run(std::span<const TensorView> inputs) override {
    VISAVIS_CHECK(check_inputs(network_->inputs, inputs));
    const SubnormalsAsZero fast;
    Shapes shapes;
    for (const TensorView& input : inputs)
      shapes.emplace_back(input.shape.begin(), input.shape.end());
    auto found = runners_.find(shapes);
    if (found == runners_.end()) {
      VISAVIS_TRY(form, network_->forms->form(shapes));
      VISAVIS_TRY(runner, Runner::make(std::move(form), network_->threads, shapes));
      if (runners_.size() >= kMostRunners) runners_.clear();
      found = runners_.emplace(std::move(shapes), std::move(runner)).first;
    }
    return found->second->run(inputs, network_->outputs);
  }

 private:
  static constexpr std::size_t kMostRunners = 4;

  std::shared_ptr<const Network> network_;
  std::map<Shapes, std::unique_ptr<Runner>> runners_;
};

class TfliteModel final : public Model {
 public:
  TfliteModel(std::shared_ptr<const Network> network, Precision precision)
      : network_(std::move(network)), precision_(precision) {}

  [[nodiscard]] std::span<const TensorSpec> inputs() const noexcept override {
    return network_->inputs;
  }
  [[nodiscard]] std::span<const TensorSpec> outputs() const noexcept override {
    return network_->outputs;
  }
  [[nodiscard]] std::string_view engine_name() const noexcept override { return "tflite"; }
  [[nodiscard]] Precision precision() const noexcept override { return precision_; }
  [[nodiscard]] Result<std::unique_ptr<Session>> session() const override {
    return std::make_unique<TfliteSession>(network_);
  }

 private:
  std::shared_ptr<const Network> network_;
  Precision precision_;
};

Result<std::vector<TensorSpec>> specs_of(std::span<const graph::ValueInfo> values) {
  std::vector<TensorSpec> specs;
  for (const graph::ValueInfo& value : values) {
    if (value.type != graph::ElementType::kFloat32)
      return fail(ErrorCode::kUnsupported, "\"" + value.name + "\" is not of float32");
    specs.push_back({.name = value.name, .type = ElementType::kFloat32, .shape = value.shape});
  }
  return specs;
}

class TfliteEngine final : public Engine {
 public:
  TfliteEngine() { ::tflite::LoggerOptions::SetMinimumLogSeverity(::tflite::TFLITE_LOG_SILENT); }

  [[nodiscard]] std::string_view name() const noexcept override { return "tflite"; }

  [[nodiscard]] Availability probe() const override {
    const auto reference = find_engine("reference");
    if (!reference)  // computes the shapes that layers are written for
      return {.usable = false, .reason = reference.error().message, .version = {}};
    return {.usable = true, .reason = {}, .version = TfLiteVersion()};
  }

  [[nodiscard]] Result<std::shared_ptr<const Model>> load(
      std::span<const std::byte> bytes, const LoadOptions& options) const override {
    VISAVIS_CHECK(check_threads(options));
    if (!options.extra.empty())
      return fail(ErrorCode::kUnsupported,
                  "the tflite engine has no option \"" + options.extra.front().first + "\"");
    VISAVIS_TRY(graph, read_model(bytes));
    const bool quantised = is_quantised(graph);
    VISAVIS_CHECK(check_precision(name(), options.precision, quantised));
    VISAVIS_TRY(reference, find_engine("reference"));
    auto network = std::make_shared<Network>();
    VISAVIS_TRY(inputs, specs_of(graph.inputs));
    VISAVIS_TRY(outputs, specs_of(graph.outputs));
    network->inputs = std::move(inputs);
    network->outputs = std::move(outputs);
    network->threads = options.threads;
    VISAVIS_TRY(folded, graph::fold_constants(graph::remove_unused(std::move(graph)),
                                              evaluate_with(*reference)));
    graph = graph::fold_batch_norm(std::move(folded));
    network->forms = std::make_unique<const Forms>(std::move(graph), *reference);
    return std::make_shared<TfliteModel>(std::move(network),
                                         quantised ? Precision::kInt8 : Precision::kF32);
  }
};

}  // namespace

const Engine& tflite_engine() noexcept;  // declared again in the generated table
const Engine& tflite_engine() noexcept {
  static const TfliteEngine engine;
  return engine;
}

}  // namespace visavis::runtime
