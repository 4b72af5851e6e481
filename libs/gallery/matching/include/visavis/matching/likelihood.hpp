#pragma once

/// A score that knows how much two photos can tell: the same cosine says more of two good photos
/// than of two bad ones.

#include <array>
#include <cstddef>

namespace visavis::matching {

/// What is known of a face beside its direction.
struct FaceFacts {
  float norm = 0;     ///< Of the embedding, raw.
  float quality = 0;  ///< In [0, 1].
};

/// Logarithm of the norm and logit of the quality, of what is nearest among the possible.
[[nodiscard]] std::array<double, 2> log_facts(const FaceFacts& face) noexcept;

/// For a pair: 1; the smaller and the larger logarithm of the norms, the smaller and the larger
/// logit of the qualities, each brought to a common scale and held in ±5; and the ten products of
/// these four.
inline constexpr std::size_t kPairTerms = 15;
using PairTerms = std::array<double, kPairTerms>;

/// Cosines of pairs of one kind: a normal law with mean `mean` · terms and variance
/// exp(`log_variance` · terms).
struct CosineLaw {
  PairTerms mean{};
  PairTerms log_variance{};
};

struct LikelihoodRatio {
  std::array<double, 2> centre{};         ///< Of log norm and logit quality.
  std::array<double, 2> scale{1.0, 1.0};  ///< The same; above 0.
  CosineLaw genuine{};
  CosineLaw impostor{};
};

[[nodiscard]] PairTerms pair_terms(const FaceFacts& a, const FaceFacts& b,
                                   const LikelihoodRatio& ratio) noexcept;

/// log p(cosine | one person, norms, qualities) − log p(cosine | two people, norms, qualities): the
/// most powerful score at any error rate, were the laws true (Neyman and Pearson, 1933); with laws
/// of quality as in Nandakumar, Chen, Dass and Jain, "Likelihood ratio-based biometric score
/// fusion", PAMI 2008, section 2.4. Never falls when the similarity rises: where the laws' spreads
/// would make it, it stays at its turning point.
[[nodiscard]] float log_likelihood_ratio(float similarity, const FaceFacts& a, const FaceFacts& b,
                                         const LikelihoodRatio& ratio) noexcept;

}  // namespace visavis::matching
