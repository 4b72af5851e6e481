#pragma once

/// What travels over HTTP, without the library that carries it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visavis::server {

/// Names of header fields in lower case.
using Fields = std::map<std::string, std::string, std::less<>>;

struct Request {
  std::string method{};
  std::string path{};                   ///< Without the query, not decoded.
  std::vector<std::string> segments{};  ///< Of the path, each decoded; "/" has none.
  Fields query{};                       ///< Decoded; of a name that comes twice the last.
  Fields fields{};
  std::string body{};
  std::string remote{};  ///< The peer's address.
  std::string id{};      ///< For logs and answers: X-Request-Id.
  /// Content-Length, or nothing for a body that comes in chunks.
  std::optional<std::uint64_t> length{};
  bool has_body = false;
  // Known when a route was found, for logs and counters:
  std::string route{};  ///< Its pattern; "unknown" if there is none.
  std::string key{};    ///< Id of the key.

  [[nodiscard]] std::string_view field(std::string_view name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
  }
};

struct Response {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> fields{};
  /// Sent in place of the body and removed afterwards.
  std::filesystem::path file{};
};

}  // namespace visavis::server
