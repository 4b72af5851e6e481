#include "arithmetic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace visavis::modelkit {

Binary binary_function(std::string_view op) {
  struct Entry {
    std::string_view op;
    Binary compute;
  };
  static constexpr auto kTable =
      std::to_array<Entry>({{"Add", [](float a, float b) { return a + b; }},
                            {"Div", [](float a, float b) { return a / b; }},
                            {"Max", [](float a, float b) { return std::max(a, b); }},
                            {"Min", [](float a, float b) { return std::min(a, b); }},
                            {"Mul", [](float a, float b) { return a * b; }},
                            {"Pow", [](float a, float b) { return std::pow(a, b); }},
                            {"Sub", [](float a, float b) { return a - b; }}});
  const auto* found = std::ranges::find(kTable, op, &Entry::op);
  return found == kTable.end() ? nullptr : found->compute;
}

}  // namespace visavis::modelkit
