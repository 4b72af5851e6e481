#include "visavis/protocols/pairs.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/store/tsv.hpp"

namespace visavis::protocols {
namespace {

using Row = std::vector<std::string>;

constexpr std::size_t kFolds = 10;
constexpr std::size_t kMaxListed = 100'000'000;  // beyond every list; keeps products from wrapping

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > kMaxListed)
    return std::nullopt;
  return value;
}

auto wrong_row(std::size_t row, const std::string& why) {
  return fail(ErrorCode::kDecodeFailed,
              "row " + std::to_string(row + 1) + " of the list of pairs " + why);
}

/// LFW's way to name a photo: "Name" and "3" mean Name/Name_0003.jpg.
std::optional<std::string> lfw_path(const std::string& name, std::string_view number_text) {
  const auto number = whole_number(number_text);
  if (!number || name.empty()) return std::nullopt;
  std::string digits = std::to_string(*number);
  if (digits.size() < 4) digits.insert(0, 4 - digits.size(), '0');
  return name + "/" + name + "_" + digits + ".jpg";
}

std::optional<Pair> lfw_pair(const Row& row) {
  if (row.size() != 3 && row.size() != 4) return std::nullopt;
  const bool same = row.size() == 3;
  auto a = lfw_path(row[0], row[1]);
  auto b = same ? lfw_path(row[0], row[2]) : lfw_path(row[2], row[3]);
  if (!a || !b) return std::nullopt;
  return Pair{.a = *std::move(a), .b = *std::move(b), .same = same};
}

/// Deals the pairs out to ten folds, or to as many as there are pairs of the rarer kind.
void deal(PairList& list) {
  const auto same = static_cast<std::size_t>(std::ranges::count(list.pairs, true, &Pair::same));
  const std::size_t folds = std::min({kFolds, same, list.pairs.size() - same});
  list.folds = folds < 2 ? 0 : folds;
  if (list.folds == 0) return;
  std::array<std::size_t, 2> next{};
  for (Pair& pair : list.pairs) pair.fold = next[pair.same ? 1 : 0]++ % list.folds;
}

/// Folds of `count` pairs that match followed by as many that do not.
Result<PairList> parse_lfw(const std::vector<Row>& rows, std::size_t folds, std::size_t count) {
  const std::size_t expected = folds * count * 2;
  if (expected == 0)
    return fail(ErrorCode::kDecodeFailed, "the first row of the list of pairs announces " +
                                              std::to_string(folds) + " folds of " +
                                              std::to_string(count) + " pairs of each kind");
  if (rows.size() - 1 != expected)
    return fail(ErrorCode::kDecodeFailed, "the list announces " + std::to_string(expected) +
                                              " pairs and holds " +
                                              std::to_string(rows.size() - 1));
  PairList list{.protocol = "lfw-view2", .pairs = {}, .folds = folds, .repeated = 0};
  for (std::size_t i = 0; i < expected; ++i) {
    auto pair = lfw_pair(rows[i + 1]);
    if (!pair) return wrong_row(i + 1, "is not \"name n n\" or \"name n name n\"");
    if (pair->same != (i / count % 2 == 0)) return wrong_row(i + 1, "is of the wrong kind");
    pair->fold = i / (2 * count);
    list.pairs.push_back(*std::move(pair));
  }
  if (folds > 1) return list;
  list.protocol = "lfw-view1";
  deal(list);
  return list;
}

/// Counts pairs that are there twice.
Result<PairList> checked(PairList list) {
  std::map<std::pair<std::string_view, std::string_view>, bool> known;
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    const Pair& pair = list.pairs[i];
    const auto [it, is_new] =
        known.try_emplace(std::minmax<std::string_view>(pair.a, pair.b), pair.same);
    if (it->second != pair.same || (pair.a == pair.b && !pair.same))
      return fail(ErrorCode::kDecodeFailed,
                  "pair " + std::to_string(i + 1) +
                      " of the list says that it is of two people and of one");
    if (!is_new || pair.a == pair.b) ++list.repeated;
  }
  return list;
}

Result<PairList> parse_table(const std::vector<Row>& rows) {
  PairList list{.protocol = "pairs", .pairs = {}, .folds = 0, .repeated = 0};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    if (row.size() != 3) return wrong_row(i, "has not three fields: path_a, path_b, same");
    const auto same = whole_number(row[2]);
    if (i == 0 && !same) continue;  // the header
    if (!same || *same > 1) return wrong_row(i, "must end in 1 or 0");
    if (row[0].empty() || row[1].empty()) return wrong_row(i, "has an empty path");
    list.pairs.push_back({.a = row[0], .b = row[1], .same = *same == 1});
  }
  if (list.pairs.empty()) return fail(ErrorCode::kDecodeFailed, "the list of pairs is empty");
  deal(list);
  return list;
}

Result<PairList> parse_rows(const std::vector<Row>& rows) {
  const Row& first = rows.front();
  const auto one = whole_number(first[0]);
  if (first.size() == 1 && one) return parse_lfw(rows, 1, *one);
  const auto two = first.size() == 2 ? whole_number(first[1]) : std::nullopt;
  if (one && two && *one <= 1000) return parse_lfw(rows, *one, *two);
  return parse_table(rows);
}

}  // namespace

Result<PairList> parse_pairs(std::string_view text) {
  VISAVIS_TRY(rows, store::parse_tsv(text));
  if (rows.empty()) return fail(ErrorCode::kDecodeFailed, "the list of pairs is empty");
  VISAVIS_TRY(list, parse_rows(rows));
  return checked(std::move(list));
}

std::vector<std::string> images_of(const PairList& list) {
  std::set<std::string> images;
  for (const Pair& pair : list.pairs) {
    images.insert(pair.a);
    images.insert(pair.b);
  }
  return {images.begin(), images.end()};
}

}  // namespace visavis::protocols
