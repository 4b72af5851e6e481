#include "pages.hpp"

#include <array>
#include <string_view>
#include <system_error>
#include <utility>
#include <visavis/core/file.hpp>

#include "services.hpp"

namespace visavis::server {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxPageBytes = 16U << 20U;
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes{
    {{".html", "text/html; charset=utf-8"},
     {".js", "text/javascript; charset=utf-8"},
     {".css", "text/css; charset=utf-8"},
     {".svg", "image/svg+xml"},
     {".png", "image/png"},
     {".ico", "image/x-icon"},
     {".webmanifest", "application/manifest+json"},
     {".json", "application/json"},
     {".txt", "text/plain; charset=utf-8"}}};

/// Scripts, styles and connections of its own alone; photos that it made itself.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

std::string_view type_of(const fs::path& file) {
  const std::string ending = file.extension().string();
  for (const auto& [known, type] : kTypes)
    if (known == ending) return type;
  return {};
}

}  // namespace

Result<Pages> read_pages(const fs::path& folder) {
  Pages pages;
  if (folder.empty()) return pages;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
    if (!entry.is_regular_file()) continue;
    const std::string_view type = type_of(entry.path());
    if (type.empty()) continue;  // source maps, say
    VISAVIS_TRY(bytes, read_file(entry.path(), kMaxPageBytes));
    const fs::path inside = entry.path().lexically_relative(folder);
    std::string name = "/" + inside.generic_string();
    if (name == "/index.html") name = "/";
    pages.emplace(std::move(name),
                  Page{.type = std::string(type),
                       .body = {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                       .forever = *inside.begin() == "assets"});
  }
  if (error || !pages.contains("/"))
    return fail(ErrorCode::kNotFound, "there is no web page in " + folder.string());
  return pages;
}

const Page* find_page(const Services& services, const Request& request) {
  if (request.method != "GET" && request.method != "HEAD") return nullptr;
  const auto found = services.pages.find(request.path);
  return found == services.pages.end() ? nullptr : &found->second;
}

Response answer_page(const Page& page, const Request&) {
  Response response{.type = page.type, .body = page.body};
  response.fields = {
      {"Content-Security-Policy", std::string(kPolicy)},
      {"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
      {"Cache-Control", page.forever ? "public, max-age=31536000, immutable" : "no-cache"}};
  return response;
}

}  // namespace visavis::server
