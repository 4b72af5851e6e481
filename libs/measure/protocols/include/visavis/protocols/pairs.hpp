#pragma once

/// Lists of photo pairs: which photos to compare, and whether they show one person.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::protocols {

struct Pair {
  std::string a;  ///< Paths relative to the folder of images.
  std::string b;
  bool same = false;
  std::size_t fold = 0;
};

/// The protocol of lists that name templates instead of photos.
inline constexpr std::string_view kTemplates = "templates";

struct PairList {
  std::string protocol;  ///< "lfw-view2", "lfw-view1", "pairs" or kTemplates.
  std::vector<Pair> pairs;
  std::size_t folds = 0;  ///< At least 2, or 0 if there are too few pairs to fold.
  /// Pairs that are there already, either way round, or that show one photo twice. They are judged,
  /// as a published list wants it, and whoever reads the figures is told.
  std::size_t repeated = 0;
};

/// Reads LFW's pairs.txt (View 2: "folds<TAB>pairs" first) and pairsDevTrain.txt or
/// pairsDevTest.txt (View 1: "pairs" first), where `Name 3` means Name/Name_0003.jpg; or TSV lines
/// `path_a path_b same`, same being 1 or 0, with or without a header line. A list without folds is
/// dealt out to ten (fewer if there are fewer pairs of a kind), in turn within each kind.
/// @return kDecodeFailed with the number of the row that is wrong or says the opposite of an
/// earlier one, or when the list ends early or is empty.
[[nodiscard]] Result<PairList> parse_pairs(std::string_view text);

/// Every photo of the list once, in byte order.
[[nodiscard]] std::vector<std::string> images_of(const PairList& list);

}  // namespace visavis::protocols
