#pragma once

/// Scores beyond what memory holds: counted instead of kept.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace visavis::metrics {

/// Between which two numbers a figure lies.
struct Bounds {
  double low = 0;
  double high = 0;
};

/// Counts of scores in bins of equal width; any number of scores in 8 bytes a bin. Scores outside
/// [low, high) go to the outermost bins. Thread-compatible: threads fill their own and merge.
class ScoreHistogram {
 public:
  /// @pre low < high, bins >= 1
  explicit ScoreHistogram(double low = -1, double high = 1,
                          std::size_t bins = std::size_t{1} << 20U);

  /// @pre no NaN; −infinity is a pair that is never accepted
  void add(std::span<const float> scores);
  /// @pre of the same range and bins
  void merge(const ScoreHistogram& other);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The error of any threshold that is told: the width of a bin.
  [[nodiscard]] double resolution() const noexcept { return width_; }

  /// Applies `work(middle, count)` to every bin that is not empty, by rising scores.
  template <class Work>
  void for_each_bin(Work work) const {
    for (std::size_t i = 0; i < bins_.size(); ++i)
      if (bins_[i] != 0) work(edge(i) + width_ / 2, bins_[i]);
  }

  /// Share of scores accepted at `threshold`; the two differ by what lies in the threshold's bin.
  /// @pre count() > 0
  [[nodiscard]] Bounds accepted_share(double threshold) const;

  /// The lowest edge of a bin that accepts at most `far` of the scores: no less strict than
  /// threshold_at_far of the scores themselves, by at most resolution().
  /// @pre count() > 0, 0 <= far <= 1
  [[nodiscard]] double threshold_at_far(double far) const;

  /// Area under the ROC; pairs in one bin count from lost to won. @pre both of the same range
  [[nodiscard]] static Bounds area_under_curve(const ScoreHistogram& genuine,
                                               const ScoreHistogram& impostor);
  /// Where the rates of false matches and false non-matches are equal, at the nearest edge of a
  /// bin.
  [[nodiscard]] static Bounds equal_error_rate(const ScoreHistogram& genuine,
                                               const ScoreHistogram& impostor);

 private:
  [[nodiscard]] std::size_t bin_of(double score) const noexcept;
  [[nodiscard]] double edge(std::size_t bin) const noexcept;

  double low_;
  double width_;
  std::vector<std::uint64_t> bins_;
  std::uint64_t count_ = 0;
  std::uint64_t never_ = 0;
  float largest_;
};

}  // namespace visavis::metrics
