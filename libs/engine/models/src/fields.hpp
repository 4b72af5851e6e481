#pragma once

/// Reads the fields of a JSON object and keeps the first thing that is wrong, named by its path.
/// Private to models: nlohmann's types stay out of public headers.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::models {

/// The first complaint of a whole document.
using Complaint = std::optional<std::string>;

class Fields {
 public:
  /// @param path  of the object for messages: "" for the document, "files[0]" inside.
  Fields(const nlohmann::json& object, std::string path, Complaint& complaint);

  [[nodiscard]] bool has(const char* key) const;

  /// Required fields.
  std::string text(const char* key, std::size_t max_length = 4096);
  bool boolean(const char* key);
  std::int64_t integer(const char* key, std::int64_t least, std::int64_t most);
  double number(const char* key);
  std::vector<float> floats(const char* key, std::size_t least, std::size_t most);
  const nlohmann::json& array(const char* key, std::size_t most);
  Fields object(const char* key);
  /// An object inside of one of its lists, `path` for messages.
  [[nodiscard]] Fields item(const nlohmann::json& object, std::string path) {
    return {object, std::move(path), *complaint_};
  }

  /// Text of exactly 64 hexadecimal digits in lower case.
  std::string sha256(const char* key);

  /// One of the `names`, as its index.
  std::size_t choice(const char* key, std::span<const std::string_view> names);

  [[nodiscard]] std::string path_of(const char* key) const;
  void complain(const std::string& field, const std::string& what);
  /// After all fields were read: whatever else the object holds is a misspelling.
  void refuse_others();

  [[nodiscard]] const nlohmann::json& json() const noexcept { return *object_; }

 private:
  const nlohmann::json* get(const char* key);

  const nlohmann::json* object_;
  std::string path_;
  Complaint* complaint_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace visavis::models
