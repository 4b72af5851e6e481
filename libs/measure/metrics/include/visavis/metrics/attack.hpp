#pragma once

/// Presentation attack detection, ISO/IEC 30107-3. Scores: larger means more likely a live person.

#include <span>
#include <string>
#include <vector>

namespace visavis::metrics {

/// Attacks made with one kind of instrument: print, replay, mask …
struct AttackSpecies {
  std::string name;
  std::span<const float> scores;
};

/// Attack presentation classification error rate of each species, in their order: the share of its
/// attacks that is taken for a live person. The standard's figure for the whole is the worst
/// species and never the mean. @pre no species is empty
[[nodiscard]] std::vector<double> apcer(std::span<const AttackSpecies> species, double threshold);

/// Bona fide presentation classification error rate: the share of live people taken for an attack.
/// @pre not empty
[[nodiscard]] double bpcer(std::span<const float> bona_fide, double threshold);

/// BPCER at the lowest threshold that lets no species' APCER exceed `apcer`.
[[nodiscard]] double bpcer_at_apcer(std::span<const AttackSpecies> species,
                                    std::span<const float> bona_fide, double apcer);

}  // namespace visavis::metrics
