#pragma once

/// What all documents have in common.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/usecases/failure.hpp>

namespace visavis::wire {

/// Keeps the order in which fields are written.
using Json = nlohmann::ordered_json;

/// {"schema": "visavis.<kind>/1"}
[[nodiscard]] Json document(std::string_view kind);

/// The number whose shortest text is the float's, not the float's neighbour among the doubles:
/// 0.1F becomes 0.1 and not 0.10000000149011612. Null for what is not finite.
[[nodiscard]] Json number(float value);
[[nodiscard]] Json number(double value);

template <class T>
[[nodiscard]] Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

[[nodiscard]] Json errors_of(const std::vector<usecases::Problem>& problems);

[[nodiscard]] std::string text_of(const Json& json);

}  // namespace visavis::wire
