#include "config_file.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace visavis::cli {
namespace {

/// Options that say what to do, not how.
constexpr std::array<std::string_view, 6> kNotInFiles{"help", "config", "print-config",
                                                      "json", "quiet",  "models"};

bool is_setting(const CLI::Option& option) {
  return !option.get_lnames().empty() &&
         std::ranges::find(kNotInFiles, option.get_lnames().front()) == kNotInFiles.end();
}

std::optional<std::string> text_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return text;
  if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  if (const auto whole = node.value_exact<std::int64_t>()) return std::to_string(*whole);
  if (const auto number = node.value_exact<double>()) {
    std::array<char, 32> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), *number);
    if (error == std::errc()) return std::string(digits.data(), end);
  }
  return std::nullopt;
}

std::unexpected<std::string> wrong(const std::string& file, const std::string& what) {
  return std::unexpected(file + ": " + what);
}

/// A TOML value: numbers and truth values as they are, everything else as a string.
std::string toml_value(const std::string& text) {
  if (text == "true" || text == "false") return text;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return text;
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

}  // namespace

void name_environment(CLI::App& verb) {
  for (CLI::Option* option : verb.get_options([](const CLI::Option*) { return true; })) {
    if (!is_setting(*option)) continue;
    std::string name = "VISAVIS_" + option->get_lnames().front();
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    option->envname(name);
  }
}

std::expected<void, std::string> apply_config(CLI::App& verb, const std::string& file) {
  if (file.empty()) return {};
  toml::table table;
  try {
    table = toml::parse_file(file);
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    return wrong(file, (line > 0 ? "line " + std::to_string(line) + ": " : std::string()) +
                           std::string(error.description()));
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    CLI::Option* option = verb.get_option_no_throw("--" + name);
    if (option == nullptr || !is_setting(*option)) return wrong(file, "there is no option " + name);
    const auto text = text_of(node);
    if (!text) return wrong(file, name + " is no text, number or truth value");
    if (option->count() > 0) continue;  // typed, or in the environment
    try {
      option->add_result(*text);
      option->run_callback();
    } catch (const CLI::Error& error) {
      return wrong(file, error.what());
    }
  }
  return {};
}

std::string config_text(const CLI::App& verb) {
  std::string text;
  for (const CLI::Option* option : verb.get_options()) {
    if (!is_setting(*option)) continue;
    const std::string& name = option->get_lnames().front();
    const bool is_flag = option->get_items_expected_max() == 0;
    std::string value = option->count() > 0 ? option->results().back() : option->get_default_str();
    if (is_flag) value = option->count() > 0 && value != "false" ? "true" : "false";
    if (value.empty()) continue;
    text.append(name).append(" = ").append(toml_value(value)).append("\n");
  }
  return text;
}

}  // namespace visavis::cli
