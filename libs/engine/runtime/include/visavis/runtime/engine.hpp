#pragma once

/// Inference without knowing who infers: tensors in, tensors out.
/// Data flow: bytes -> Engine::load -> Model -> Model::session -> Session::run.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::runtime {

enum class ElementType : std::uint8_t { kFloat32, kFloat16, kUint8, kInt8, kInt64 };

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(ElementType type) noexcept;

/// The arithmetic of the inner layers; inputs and outputs stay as the model declares them.
enum class Precision : std::uint8_t { kF32, kBf16, kF16, kInt8 };

[[nodiscard]] std::string_view to_string(Precision precision) noexcept;  ///< "f32", "bf16", …
[[nodiscard]] Result<Precision> parse_precision(std::string_view text);

struct TensorSpec {
  std::string name;
  ElementType type = ElementType::kFloat32;
  std::vector<std::int64_t> shape;  ///< -1 marks a dimension chosen at run time.
};

/// A tensor that someone else owns.
struct TensorView {
  ElementType type = ElementType::kFloat32;
  std::span<const std::int64_t> shape;
  std::span<const std::byte> bytes;
};

struct Tensor {
  ElementType type = ElementType::kFloat32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;

  /// @pre type == kFloat32
  [[nodiscard]] std::span<const float> floats() const noexcept {
    return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
  }
};

/// Views floats as a tensor. Both spans must outlive the view.
[[nodiscard]] inline TensorView view_of(std::span<const float> values,
                                        std::span<const std::int64_t> shape) noexcept {
  return {.type = ElementType::kFloat32, .shape = shape, .bytes = std::as_bytes(values)};
}

/// One caller's scratch space. Thread-compatible: one thread at a time.
class Session {
 public:
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs the model once. `inputs` are in the order of `Model::inputs()`.
  /// @return one tensor per `Model::outputs()`; kInvalidArgument if a shape or type does not fit.
  [[nodiscard]] virtual Result<std::vector<Tensor>> run(std::span<const TensorView> inputs) = 0;

 protected:
  Session() = default;
};

/// A compiled network. Immutable, so any number of threads may share one.
class Model {
 public:
  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  [[nodiscard]] virtual std::span<const TensorSpec> inputs() const noexcept = 0;
  [[nodiscard]] virtual std::span<const TensorSpec> outputs() const noexcept = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Session>> session() const = 0;

  [[nodiscard]] virtual std::string_view engine_name() const noexcept = 0;  ///< Who runs it.
  [[nodiscard]] virtual Precision precision() const noexcept = 0;           ///< What really runs.

 protected:
  Model() = default;
};

struct Availability {
  bool usable = false;
  std::string reason;   ///< Why not, for a person: "no CUDA device", "built without TensorRT".
  std::string version;  ///< Of the library, where it is usable.
};

/// How to compile a model. What only one library knows goes into `extra`, which its adapter
/// validates.
struct LoadOptions {
  int threads = 1;  ///< Per stream.
  int streams = 1;  ///< Sessions that can run at once; OpenVINO serialises them unless it is told.
  Precision precision = Precision::kF32;
  /// A private folder for compiled models (one for each model's hash is made inside, mode 0700).
  /// Empty: no cache.
  std::filesystem::path cache_dir;
  /// SHA-256 of the model in hexadecimal, if the caller has just computed it: it names the folder
  /// in the cache. Empty: computed where it is needed.
  std::string model_sha256{};
  std::vector<std::pair<std::string, std::string>> extra;
};

/// One inference library. Stateless and thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual Availability probe() const = 0;

  /// @param model  an ONNX file's bytes.
  /// @return kDecodeFailed for bytes that are no model, kUnsupported for an operator, precision or
  /// option that this engine lacks.
  [[nodiscard]] virtual Result<std::shared_ptr<const Model>> load(
      std::span<const std::byte> model, const LoadOptions& options) const = 0;
};

struct EngineEntry {
  std::string_view name;
  const Engine* engine;  ///< Null if this build left it out.
};

/// Every engine this project knows, in order of preference, including those left out of this build.
[[nodiscard]] std::span<const EngineEntry> engines() noexcept;

/// @param name  an engine's, or "auto" for the first that is usable.
/// @return kUnsupported with the reason if it is left out or cannot run here, kNotFound if unknown.
[[nodiscard]] Result<const Engine*> find_engine(std::string_view name);

}  // namespace visavis::runtime
