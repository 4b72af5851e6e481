#include "document.hpp"

#include <cstddef>
#include <exception>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::models {
namespace {

constexpr std::size_t kMaxManifestBytes = 1U << 20U;

/// nlohmann keeps the last of several equal keys; which one its author meant nobody knows.
class DuplicateKeys {
 public:
  void see(nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event != Event::key || !found_.empty()) return;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!open_.back().insert(key).second) found_ = key;
  }
  [[nodiscard]] const std::string& found() const noexcept { return found_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::string found_;
};

}  // namespace

Result<nlohmann::json> parse_document(std::string_view text) {
  if (text.size() > kMaxManifestBytes)
    return fail(ErrorCode::kDecodeFailed, "manifest: has more than 1 MiB");
  try {
    DuplicateKeys duplicates;
    nlohmann::json document = nlohmann::json::parse(
        text.begin(), text.end(),
        [&](int /*depth*/, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
          duplicates.see(event, parsed);
          return true;
        });
    if (!duplicates.found().empty())
      return fail(ErrorCode::kDecodeFailed,
                  "manifest: the key " + duplicates.found().substr(0, 64) + " is there twice");
    return document;
  } catch (const nlohmann::json::parse_error& error) {
    return fail(ErrorCode::kDecodeFailed,
                "manifest: is not JSON at byte " + std::to_string(error.byte));
  } catch (const std::exception&) {
    return fail(ErrorCode::kDecodeFailed, "manifest: is not JSON that can be read");
  }
}

}  // namespace visavis::models
