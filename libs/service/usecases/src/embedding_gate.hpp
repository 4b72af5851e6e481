#pragma once

/// What two recognisers that see the same chips say of the same photos.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>
#include <visavis/models/network.hpp>
#include <visavis/protocols/pairs.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/gate.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/progress.hpp>

#include "bench_impl.hpp"

namespace visavis::usecases {

/// Photos to judge by, and how.
struct GateTest {
  std::optional<protocols::PairList> pairs{};
  std::vector<Photo> photos{};           ///< Of the pairs and of the people, each once.
  std::vector<std::size_t> all_pairs{};  ///< Places of the people's photos.
};

/// @param photos  all that there are
/// @param pairs  a list of them, or empty
/// @param people  names whose photos are compared all with all, or empty
/// @return kInput for a photo of the list that is not there, or people without photos
[[nodiscard]] Outcome<GateTest> gate_test(const std::vector<Photo>& photos,
                                          const std::filesystem::path& pairs,
                                          const std::filesystem::path& people);

/// What is nothing is not asked.
struct EmbeddingLimits {
  double mean_cosine = 0;
  std::optional<double> least_cosine{};
  double accuracy_loss = 0;
  double tar_loss = 0;
  std::optional<double> changed_pairs{};  ///< Their share.
};

struct ComparedEmbeddings {
  std::vector<GateFigure> figures{};
  std::size_t tested = 0;           ///< Photos with a face.
  std::optional<double> threshold;  ///< At which pairs may change sides.
  std::vector<Problem> errors{};    ///< Photos that could not be read.
};

/// The bench's recogniser and another one on the face nearest each photo's centre: cosines of their
/// embeddings, accuracy and changed decisions on the pairs, TAR at FAR 1e-3 and 1e-4 as far as the
/// pairs reach. Decisions are those at the threshold with the most right ones of the bench's
/// recogniser on the whole list.
/// @param candidate  embeds the chips that the bench's recogniser sees
/// @pre a bench that is ready and keeps chips
/// @return kInput if no photo shows a face
[[nodiscard]] Outcome<ComparedEmbeddings> compare_embeddings(
    Workbench::Impl& bench, const GateTest& test, std::shared_ptr<const models::Network> candidate,
    const EmbeddingLimits& limits, const Progress& progress);

}  // namespace visavis::usecases
