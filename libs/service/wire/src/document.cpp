#include "document.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace visavis::wire {

Json document(std::string_view kind) {
  return Json{{"schema", "visavis." + std::string(kind) + "/1"}};
}

Json number(float value) {
  if (!std::isfinite(value)) return nullptr;
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double shortest = 0;
  std::from_chars(text.data(), end, shortest);
  return shortest;
}

Json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return value;
}

Json errors_of(const std::vector<usecases::Problem>& problems) {
  Json errors = Json::array();
  for (const usecases::Problem& problem : problems)
    errors.push_back({{"path", problem.path},
                      {"code", problem.code},
                      {"message", problem.failure.error.message}});
  return errors;
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace visavis::wire
