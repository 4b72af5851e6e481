#pragma once

/// The web page: files that were read when the server started.

#include <filesystem>
#include <map>
#include <string>
#include <visavis/core/result.hpp>

#include "message.hpp"

namespace visavis::server {

struct Services;

struct Page {
  std::string type{};
  std::string body{};
  bool forever = false;  ///< Its name changes with its content.
};

/// By path: "/", "/assets/index-1a2b3c.js".
using Pages = std::map<std::string, Page, std::less<>>;

/// @param folder  empty: no pages
/// @return kNotFound for a folder without index.html
[[nodiscard]] Result<Pages> read_pages(const std::filesystem::path& folder);

/// Null if the request is for none.
[[nodiscard]] const Page* find_page(const Services& services, const Request& request);
[[nodiscard]] Response answer_page(const Page& page, const Request& request);

}  // namespace visavis::server
