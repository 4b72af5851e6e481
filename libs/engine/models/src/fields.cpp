#include "fields.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visavis::models {
namespace {

const nlohmann::json kEmptyObject = nlohmann::json::object();
const nlohmann::json kEmptyArray = nlohmann::json::array();

std::string quoted(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

/// A value that a float holds: finite and not beyond its range.
bool fits_float(const nlohmann::json& value) {
  return value.is_number() && std::isfinite(static_cast<float>(value.get<double>()));
}

}  // namespace

Fields::Fields(const nlohmann::json& object, std::string path, Complaint& complaint)
    : object_(&object), path_(std::move(path)), complaint_(&complaint) {
  if (object.is_object()) return;
  object_ = &kEmptyObject;
  complain(path_.empty() ? "the document" : path_, "must be an object");
}

bool Fields::has(const char* key) const { return object_->contains(key); }

std::string Fields::path_of(const char* key) const {
  return path_.empty() ? std::string(key) : path_ + "." + key;
}

void Fields::complain(const std::string& field, const std::string& what) {
  if (!*complaint_) *complaint_ = field + " " + what;
}

const nlohmann::json* Fields::get(const char* key) {
  read_.emplace(key);
  const auto found = object_->find(key);
  if (found != object_->end()) return &*found;
  complain(path_of(key), "is missing");
  return nullptr;
}

std::string Fields::text(const char* key, std::size_t max_length) {
  const nlohmann::json* value = get(key);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    complain(path_of(key), "must be text");
    return {};
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > max_length) {
    complain(path_of(key), "is longer than " + std::to_string(max_length) + " bytes");
    return {};
  }
  return text;
}

bool Fields::boolean(const char* key) {
  const nlohmann::json* value = get(key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) complain(path_of(key), "must be true or false");
  return value->is_boolean() && value->get<bool>();
}

std::int64_t Fields::integer(const char* key, std::int64_t least, std::int64_t most) {
  const nlohmann::json* value = get(key);
  if (value == nullptr) return least;
  const bool too_large =
      value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(most);
  if (value->is_number_integer() && !too_large) {
    const auto number = value->get<std::int64_t>();
    if (number >= least && number <= most) return number;
  }
  complain(path_of(key),
           "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return least;
}

double Fields::number(const char* key) {
  const nlohmann::json* value = get(key);
  if (value == nullptr) return 0;
  if (!fits_float(*value)) {
    complain(path_of(key), "must be a number");
    return 0;
  }
  return value->get<double>();
}

std::vector<float> Fields::floats(const char* key, std::size_t least, std::size_t most) {
  const nlohmann::json* value = get(key);
  if (value == nullptr) return {};
  if (!value->is_array() || value->size() < least || value->size() > most ||
      !std::ranges::all_of(*value, fits_float)) {
    complain(path_of(key), least == most ? "must be " + std::to_string(least) + " numbers"
                                         : "must be " + std::to_string(least) + " to " +
                                               std::to_string(most) + " numbers");
    return {};
  }
  return value->get<std::vector<float>>();
}

const nlohmann::json& Fields::array(const char* key, std::size_t most) {
  const nlohmann::json* value = get(key);
  if (value == nullptr) return kEmptyArray;
  if (!value->is_array() || value->size() > most) {
    complain(path_of(key), "must be a list of at most " + std::to_string(most));
    return kEmptyArray;
  }
  return *value;
}

Fields Fields::object(const char* key) {
  const nlohmann::json* value = get(key);
  return {value == nullptr ? kEmptyObject : *value, path_of(key), *complaint_};
}

std::string Fields::sha256(const char* key) {
  std::string digits = text(key);
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (digits.size() == 64 && std::ranges::all_of(digits, is_digit)) return digits;
  complain(path_of(key), "must be 64 hexadecimal digits in lower case");
  return {};
}

std::size_t Fields::choice(const char* key, std::span<const std::string_view> names) {
  const std::string name = text(key);
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  complain(path_of(key), "must be one of: " + quoted(names));
  return 0;
}

void Fields::refuse_others() {
  for (const auto& [key, value] : object_->items())
    if (!read_.contains(key)) complain(path_of(key.c_str()), "is not a known field");
}

}  // namespace visavis::models
