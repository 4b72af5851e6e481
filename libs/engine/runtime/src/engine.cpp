#include "visavis/runtime/engine.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace visavis::runtime {

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
  return "f32";
}

Result<Precision> parse_precision(std::string_view text) {
  for (const Precision p : {Precision::kF32, Precision::kBf16, Precision::kF16, Precision::kInt8})
    if (text == to_string(p)) return p;
  return fail(ErrorCode::kInvalidArgument,
              "precision is one of f32, bf16, f16 and int8, not \"" + std::string(text) + "\"");
}

Result<const Engine*> find_engine(std::string_view name) {
  for (const EngineEntry& entry : engines()) {
    if (name == "auto") {
      if (entry.engine != nullptr && entry.engine->probe().usable) return entry.engine;
      continue;
    }
    if (entry.name != name) continue;
    if (entry.engine == nullptr)
      return fail(ErrorCode::kUnsupported, "this build was made without " + std::string(name));
    Availability here = entry.engine->probe();
    if (!here.usable) return fail(ErrorCode::kUnsupported, std::move(here.reason));
    return entry.engine;
  }
  if (name == "auto") return fail(ErrorCode::kUnsupported, "no engine can run here");
  std::string known;
  for (const EngineEntry& entry : engines()) known += ", " + std::string(entry.name);
  return fail(ErrorCode::kNotFound,
              "there is no engine \"" + std::string(name) + "\"; there are auto" + known);
}

}  // namespace visavis::runtime
