#pragma once

/// ONNX's operators on two numbers, for what importers compute beforehand.

#include <string_view>

namespace visavis::modelkit {

using Binary = float (*)(float, float);

/// Add, Div, Max, Min, Mul, Pow, Sub; null for others.
[[nodiscard]] Binary binary_function(std::string_view op);

}  // namespace visavis::modelkit
