#pragma once

/// A model made ready: verified, compiled by an engine, warmed up.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/store.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::models {

struct NetworkOptions {
  std::string engine = "auto";
  runtime::LoadOptions load;
  std::vector<std::string> parts{};  ///< Only these files, by ModelFile::name; empty: all.
  bool compile_data = true;          ///< Whether what is kept as data is compiled, too.
};

/// What loading took, in milliseconds; `warm_up_ms` is the first run on zeros.
struct LoadTimes {
  double load_ms = 0;
  double warm_up_ms = 0;
};

/// A network as data, for whoever computes it with kernels of his own.
struct NetworkData {
  std::shared_ptr<const graph::Graph> graph;
  /// An approximation whose score is so far below a threshold may say no for the network; 0: none.
  float screen_margin = 0;
};

/// A manifest with its compiled networks, by ModelFile::name; a fused recogniser has its members'
/// instead. Immutable.
struct Network {
  Manifest manifest;
  std::map<std::string, std::shared_ptr<const runtime::Model>, std::less<>> parts;
  /// By ModelFile::name, where the manifest asks for it.
  std::map<std::string, NetworkData, std::less<>> data{};
  std::vector<std::shared_ptr<const Network>> members{};  ///< In the order of the fusion.
  LoadTimes times;
};

/// One of the compiled networks, which says what engine and precision run; null if there is none.
[[nodiscard]] const runtime::Model* any_part(const Network& network);

/// Reads, verifies, compiles and warms up the files of the model.
/// @return kModelMismatch for a part that the model does not have, or a damaged file.
[[nodiscard]] Result<Network> load_network(const Store& store, std::string_view id,
                                           const NetworkOptions& options);

/// One golden of the manifest beside what this machine computes.
struct GoldenCheck {
  std::string file;       ///< ModelFile::name, behind `<member>/` for a fused recogniser's.
  std::string output;     ///< Of that network.
  double difference = 0;  ///< Largest absolute difference.
  double tolerance = 0;   ///< For the precision that ran; 0 if the manifest has none for it.
  /// False without a tolerance: nothing can be said, and `difference` is only information.
  bool checked = false;
  bool passed = false;
};

/// Runs every golden of the manifest: test chip -> prepare -> network -> compare.
/// @return one entry per golden, none for a manifest without; kModelMismatch if the network has no
/// such output or not so many values.
[[nodiscard]] Result<std::vector<GoldenCheck>> verify_network(const Network& network);

}  // namespace visavis::models
