#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

namespace visavis::modelkit {

/// Every network in the model store, which `visavis models fetch` fills.
inline std::vector<std::filesystem::path> networks() {
  const char* cache = std::getenv("VISAVIS_CACHE");
  const char* home = std::getenv("HOME");
  const std::filesystem::path root =
      cache != nullptr ? std::filesystem::path(cache)
                       : std::filesystem::path(home == nullptr ? "." : home) / ".cache/visavis";
  std::vector<std::filesystem::path> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(root / "models/files", none))
    if (entry.is_regular_file() && entry.path().extension().empty()) found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

}  // namespace visavis::modelkit
