#include <array>
#include <string>
#include <string_view>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {
namespace {

constexpr auto kPrecisions = std::to_array<Precision>(
    {Precision::kF32, Precision::kBf16, Precision::kF16, Precision::kInt8});

Result<const Engine*> usable(const EngineEntry& entry) {
  if (entry.engine == nullptr)
    return fail(ErrorCode::kUnsupported,
                "this build has no " + std::string(entry.name) + " engine");
  const Availability here = entry.engine->probe();
  if (!here.usable)
    return fail(ErrorCode::kUnsupported,
                "the " + std::string(entry.name) + " engine cannot run here: " + here.reason);
  return entry.engine;
}

Result<const Engine*> first_usable() {
  for (const EngineEntry& entry : engines()) {
    if (Result<const Engine*> engine = usable(entry)) return engine;
  }
  return fail(ErrorCode::kUnsupported, "no inference engine can run here");
}

}  // namespace

std::string_view to_string(Precision precision) noexcept {
  switch (precision) {
    case Precision::kF32:
      return "f32";
    case Precision::kBf16:
      return "bf16";
    case Precision::kF16:
      return "f16";
    case Precision::kInt8:
      return "int8";
  }
  return "";
}

Result<Precision> parse_precision(std::string_view text) {
  for (const Precision precision : kPrecisions) {
    if (to_string(precision) == text) return precision;
  }
  return fail(ErrorCode::kInvalidArgument,
              "a precision is f32, bf16, f16 or int8, not \"" + std::string(text) + "\"");
}

Result<const Engine*> find_engine(std::string_view name) {
  if (name == "auto") return first_usable();
  for (const EngineEntry& entry : engines()) {
    if (entry.name == name) return usable(entry);
  }
  std::string known = "auto";
  for (const EngineEntry& entry : engines()) known += ", " + std::string(entry.name);
  return fail(ErrorCode::kNotFound,
              "there is no engine \"" + std::string(name) + "\"; there are " + known);
}

}  // namespace visavis::runtime
