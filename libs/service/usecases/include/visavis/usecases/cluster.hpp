#pragma once

/// The verb that groups faces nobody has named.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/vocab/face.hpp>

namespace visavis::usecases {

struct ClusterRequest {
  Criterion criterion{};                 ///< How alike two faces must be to be neighbours.
  std::filesystem::path tsv{};           ///< Empty: none.
  std::filesystem::path html{};          ///< Contact sheet; empty: none.
  std::optional<Selection> selection{};  ///< Nothing: every face.
};

struct ClusteredFace {
  std::string path{};
  std::size_t face = 0;  ///< Of the photo, from 0.
  Box box{};
  float quality = 0;
  std::uint32_t group = 0;  ///< 0 is the largest.
};

struct Clustering {
  RunFacts run{};
  std::size_t photos = 0;  ///< That could be read; if none, nothing is written.
  Bar bar{};
  std::vector<ClusteredFace> faces{};  ///< By group, then in the photos' order.
  std::size_t groups = 0;
  std::size_t grouped = 0;  ///< Faces that are not alone in their group.
  double cluster_ms = 0;    ///< What comes after the embeddings.
  std::vector<Problem> errors{};
};

/// Joins every face with its nearest neighbours above the threshold and groups them by Chinese
/// Whispers. Memory grows with the number of faces, not with its square.
[[nodiscard]] Outcome<Clustering> cluster(Workbench& bench, const Inputs& inputs,
                                          const ClusterRequest& request, const Progress& progress);

}  // namespace visavis::usecases
