#pragma once

/// Columns for people. With `--json` nobody needs it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::cli {

/// Text that cannot break a line, a column or a terminal: tab, line end and backslash become \t, \n
/// and \\, other control characters and bytes that are not UTF-8 become \xNN.
[[nodiscard]] std::string printable(std::string_view text);

/// `value` with `digits` digits after the point, without the locale; "-" if it is not finite.
[[nodiscard]] std::string fixed(double value, int digits);

/// A rate or a cosine with five digits after the point, what is above 100 (bytes) with none.
[[nodiscard]] std::string figure_text(double value);

/// "1 face", "2 faces".
[[nodiscard]] std::string counted(std::size_t count, std::string_view one,
                                  std::string_view several);

/// "[1, 3, ?, ?]", where ? is a free dimension.
[[nodiscard]] std::string shape_text(const std::vector<std::int64_t>& shape);

/// Rows under a header line; columns are as wide as their widest cell.
class Table {
 public:
  /// @param columns  titles; one that begins with '>' is set to the right.
  explicit Table(std::vector<std::string> columns);

  /// @pre as many cells as columns
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace visavis::cli
