#pragma once

/// Names for the values of a network that is being written, each given once.

#include <map>
#include <string>

namespace visavis::modelkit {

class FreshNames {
 public:
  /// The name itself, or with a number behind it where it is taken.
  [[nodiscard]] std::string give(const std::string& name) {
    std::string wanted = name.empty() ? "value" : name;
    int& count = names_[wanted];
    if (count++ == 0) return wanted;
    for (;;) {
      std::string other = wanted + "_" + std::to_string(count++);
      if (names_.try_emplace(other, 1).second) return other;
    }
  }

 private:
  std::map<std::string, int> names_;  ///< Those in use, and how often they were wanted.
};

}  // namespace visavis::modelkit
