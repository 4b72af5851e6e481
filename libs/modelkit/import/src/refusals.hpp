#pragma once

/// What an importer of a whole graph does not understand, collected so that all of it can be said
/// at once.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::modelkit {

/// A name from a file, short and without control characters.
[[nodiscard]] std::string printable(std::string_view name);

class Refusals {
 public:
  void unknown(std::string_view op) { ++unknown_[std::string(op)]; }

  /// @param needs  what the operator called `name` would have to have
  void refused(std::string_view op, std::string_view name, std::string_view needs);

  /// Empty if there are none.
  [[nodiscard]] std::string text() const;

 private:
  std::map<std::string, std::size_t> unknown_;  ///< Operators, and how many of each.
  std::vector<std::string> refused_;
};

}  // namespace visavis::modelkit
