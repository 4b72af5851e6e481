#include "visavis/quality_pairs/balance.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "visavis/core/hash.hpp"
#include "visavis/core/result.hpp"
#include "visavis/store/tsv.hpp"

namespace visavis::quality_pairs {
namespace {

using Row = std::vector<std::string>;

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

Result<Attributes> parse_header(const Row& row) {
  const bool is_header = row.size() >= 2 && (row[0] == "person" || row[0] == "path") &&
                         std::ranges::none_of(row, &std::string::empty);
  if (!is_header)
    return fail(ErrorCode::kDecodeFailed,
                "the list of attributes begins with a line \"person\" or \"path\" and the names of "
                "attributes, with tabs between");
  if (std::set<std::string>(row.begin(), row.end()).size() != row.size())
    return fail(ErrorCode::kDecodeFailed, "the list of attributes has two columns of one name");
  return Attributes{.of_people = row[0] == "person", .names = {row.begin() + 1, row.end()}};
}

/// In an order that the seed decides.
std::vector<std::string_view> shuffled(const std::set<std::string_view>& keys, std::uint64_t seed) {
  std::vector<std::pair<Sha256, std::string_view>> order;
  for (const std::string_view key : keys)
    order.emplace_back(sha256(std::to_string(seed) + " " + std::string(key)), key);
  std::ranges::sort(order);
  std::vector<std::string_view> names;
  for (const auto& [hash, key] : order) names.push_back(key);
  return names;
}

using Members = std::map<std::vector<std::string>, std::set<std::string_view>>;

Result<std::size_t> smallest(const Members& cells, const Attributes& attributes) {
  if (cells.size() < 2)
    return fail(ErrorCode::kInvalidArgument,
                "there is nothing to balance: the attributes are the same for all photos that are "
                "on their list");
  const auto least =
      std::ranges::min_element(cells, {}, [](const auto& cell) { return cell.second.size(); });
  if (least->second.size() < 2)
    return fail(ErrorCode::kInvalidArgument, "of \"" + joined(least->first) +
                                                 "\" there is only one " +
                                                 (attributes.of_people ? "person" : "photo") +
                                                 ": too few to draw as many of each");
  return least->second.size();
}

}  // namespace

Result<Attributes> parse_attributes(std::string_view text) {
  VISAVIS_TRY(rows, store::parse_tsv(text));
  if (rows.empty()) return fail(ErrorCode::kDecodeFailed, "the list of attributes is empty");
  VISAVIS_TRY(attributes, parse_header(rows[0]));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const std::string where = "row " + std::to_string(i + 1) + " of the list of attributes ";
    if (row.size() != rows[0].size() || std::ranges::any_of(row, &std::string::empty))
      return fail(ErrorCode::kDecodeFailed, where + "has not a value for each of the " +
                                                std::to_string(rows[0].size()) + " columns");
    if (!attributes.values.emplace(row[0], Row(row.begin() + 1, row.end())).second)
      return fail(ErrorCode::kDecodeFailed, where + "names somebody or something twice");
  }
  if (attributes.values.empty())
    return fail(ErrorCode::kDecodeFailed, "the list of attributes has nothing but its header");
  return attributes;
}

Result<BalancedDraw> draw_balanced(std::span<const std::string> keys, const Attributes& attributes,
                                   std::uint64_t seed) {
  BalancedDraw draw;
  Members members;
  for (const std::string& key : keys) {
    const auto known = attributes.values.find(key);
    if (known == attributes.values.end())
      ++draw.unlisted;
    else
      members[known->second].insert(key);
  }
  VISAVIS_TRY(of_each, smallest(members, attributes));
  draw.of_each = of_each;
  std::map<std::string_view, std::size_t> cell_of;  // of those who are drawn
  for (const auto& [values, names] : members) {
    const auto order = shuffled(names, seed);
    for (const std::string_view name : std::span(order).first(of_each))
      cell_of.emplace(name, draw.cells.size());
    draw.cells.push_back({.values = values, .available = names.size()});
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto drawn = cell_of.find(keys[i]);
    if (drawn == cell_of.end()) continue;
    draw.chosen.push_back(i);
    ++draw.cells[drawn->second].photos;
  }
  return draw;
}

std::vector<std::size_t> in_turn(const BalancedDraw& draw, std::span<const std::string> keys,
                                 const Attributes& attributes) {
  std::map<std::vector<std::string>, std::vector<std::size_t>> cells;
  for (const std::size_t i : draw.chosen) cells[attributes.values.at(keys[i])].push_back(i);
  std::vector<std::size_t> order;
  const auto fewest =
      std::ranges::min_element(cells, {}, [](const auto& cell) { return cell.second.size(); });
  const std::size_t rounds = cells.empty() ? 0 : fewest->second.size();
  for (std::size_t round = 0; round < rounds; ++round)
    for (const auto& [values, places] : cells) order.push_back(places[round]);
  return order;
}

}  // namespace visavis::quality_pairs
