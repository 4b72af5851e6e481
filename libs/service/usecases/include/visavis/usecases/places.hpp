#pragma once

/// Where things are. The application decides; the use cases only look there.

#include <filesystem>
#include <vector>

namespace visavis::usecases {

struct Places {
  /// Folders of manifests that came with the program, earlier ones win. Calibrations are looked for
  /// in their subfolder `calibration`.
  std::vector<std::filesystem::path> manifests{};
  std::filesystem::path models{};     ///< The model store: verified files, added manifests.
  std::filesystem::path downloads{};  ///< Packages as the registries gave them.
  std::filesystem::path compiled{};   ///< Compiled models; empty: none are kept.
  /// Embeddings of photos that accuracy was measured on; empty: none are kept.
  std::filesystem::path embeddings{};
};

}  // namespace visavis::usecases
