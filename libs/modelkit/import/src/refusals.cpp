#include "refusals.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::modelkit {

std::string printable(std::string_view name) {
  constexpr std::size_t kMost = 100;
  std::string out(name.substr(0, kMost));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return name.size() > kMost ? out + "…" : out;
}

void Refusals::refused(std::string_view op, std::string_view name, std::string_view needs) {
  refused_.push_back(printable(op) + " (" + printable(name) + "), which needs " +
                     std::string(needs));
}

std::string Refusals::text() const {
  constexpr std::size_t kMostNamed = 40;
  std::vector<std::string> all;
  for (const auto& [op, count] : unknown_)
    all.push_back("the operator " + printable(op) +
                  (count > 1 ? " (" + std::to_string(count) + " times)" : ""));
  all.insert(all.end(), refused_.begin(), refused_.end());
  std::string out;
  for (std::size_t i = 0; i < std::min(all.size(), kMostNamed); ++i)
    out += (i == 0 ? "" : "; ") + all[i];
  if (all.size() > kMostNamed) out += "; and " + std::to_string(all.size() - kMostNamed) + " more";
  return out;
}

}  // namespace visavis::modelkit
