#pragma once

/// A network in the formats of other frameworks. Where it is in the flow: Graph -> simplify ->
/// Exporter -> files -> import_parts, which proves that they hold the same network.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {

/// One format.
struct Exporter {
  std::string_view format;  ///< As Inspection has it.
  std::string_view suffix;  ///< Of the file that stands for all, or of the folder: ".tflite".
  bool is_folder = false;   ///< The parts lie in a folder of that name.
  /// @param graph  with NCHW pictures; constants and batch normalisation best folded before
  /// @param stem  the file's name without suffix
  /// @return the parts, the one with `suffix` first; kUnsupported with all that the format cannot
  /// say; kInvalidArgument for a graph that is not valid.
  Result<std::vector<Part>> (*run)(const graph::Graph& graph, const std::string& stem) = nullptr;
};

/// What was written for one height and width where they were free, and for which.
struct Export {
  std::vector<Part> parts;
  std::optional<std::int64_t> fixed_size;
};

/// Runs an exporter; where its format cannot leave heights and widths free with these layers, for
/// pictures of one size.
/// @param size  that height and width
/// @return as Exporter::run
[[nodiscard]] Result<Export> export_network(const Exporter& exporter, const graph::Graph& graph,
                                            const std::string& stem, std::int64_t size);

/// All of them.
[[nodiscard]] std::span<const Exporter> exporters() noexcept;

/// By the path's suffix, in any case of letters.
/// @return null if there is none.
[[nodiscard]] const Exporter* exporter_for(const std::filesystem::path& path);

}  // namespace visavis::modelkit
