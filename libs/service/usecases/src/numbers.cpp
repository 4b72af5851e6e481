#include "numbers.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace visavis::usecases {
namespace {

template <class Number>
std::string to_text(Number value) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

}  // namespace

std::string shortest(float value) { return to_text(value); }
std::string shortest(double value) { return to_text(value); }

std::optional<float> parse_float(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

}  // namespace visavis::usecases
