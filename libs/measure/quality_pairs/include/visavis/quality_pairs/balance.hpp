#pragma once

/// Draws in which every kind of people, or of photos, is there equally often: what is measured then
/// does not only tell of the most frequent kind.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::quality_pairs {

/// What is known of people (gender, age …) or of photos (pose, glasses …).
struct Attributes {
  bool of_people = true;             ///< Else of photos, by their paths.
  std::vector<std::string> names{};  ///< At least one.
  /// Of each person or photo, one value for each name.
  std::map<std::string, std::vector<std::string>, std::less<>> values{};
};

/// Reads a table with tabs between the columns and a header line: `person` or `path`, then the
/// attributes' names; below it a line for each person or photo, with a value for each attribute.
/// @return kDecodeFailed with the number of the row that is wrong or repeats an earlier one, or if
/// there is none.
[[nodiscard]] Result<Attributes> parse_attributes(std::string_view text);

/// Those who have the same value of every attribute.
struct Cell {
  std::vector<std::string> values{};
  std::size_t available = 0;  ///< People or photos, as the attributes are of.
  std::size_t photos = 0;     ///< Drawn; of people, all of each.
};

struct BalancedDraw {
  std::vector<std::size_t> chosen{};  ///< Places of photos, rising.
  std::vector<Cell> cells{};          ///< By their values.
  std::size_t of_each = 0;            ///< People or photos drawn of every cell.
  std::size_t unlisted = 0;           ///< Photos of which nothing is known: not drawn.
};

/// As many of every cell as the smallest has: people with all of their photos, or photos (the form
/// of Robinson et al., "Face recognition: too bias, or not too bias?", CVPRW 2020, whose subgroups
/// have as many subjects each). Which ones, the seed and their names decide, so that a person or
/// photo more in the data changes little.
/// @param keys  of each photo: its person or its path, as the attributes have them
/// @return kInvalidArgument if there are not two cells, or one has less than two people or photos
[[nodiscard]] Result<BalancedDraw> draw_balanced(std::span<const std::string> keys,
                                                 const Attributes& attributes, std::uint64_t seed);

/// The photos of a draw, one of each cell in turn, until a cell has no more: of every beginning,
/// about as many are of each. Within a cell they keep the order of the keys.
/// @param keys  those of the draw
/// @return their places
[[nodiscard]] std::vector<std::size_t> in_turn(const BalancedDraw& draw,
                                               std::span<const std::string> keys,
                                               const Attributes& attributes);

}  // namespace visavis::quality_pairs
