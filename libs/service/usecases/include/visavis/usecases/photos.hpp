#pragma once

/// Verbs that look at photos and know nobody: detect, align, embed, compare.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/vocab/face.hpp>

namespace visavis::usecases {

using pipeline::parse_selection;
using pipeline::Selection;

struct PhotoFacts {
  std::string path{};
  int width = 0;
  int height = 0;
  std::vector<std::string> warnings{};
};

struct DetectedPhoto {
  PhotoFacts photo{};
  std::vector<Face> faces{};      ///< By falling confidence.
  std::filesystem::path drawn{};  ///< The annotated picture; empty if none was asked for.
};

struct Detection {
  RunFacts run{};
  std::vector<DetectedPhoto> photos{};
  std::vector<Problem> errors{};
};

/// @param draw  a picture's name (.jpg, .jpeg, .png) for a single photo, else a folder; empty: no
/// pictures. A photo is never overwritten.
[[nodiscard]] Outcome<Detection> detect(Workbench& bench, const Inputs& inputs,
                                        const std::filesystem::path& draw,
                                        const Progress& progress);

struct AlignRequest {
  enum class Template : std::uint8_t { kArcFace, kFaceNet, kDlib };
  std::filesystem::path out{};  ///< Folder for the chips.
  Template form = Template::kArcFace;
  int size = 112;
  int margin = 0;                        ///< kFaceNet only: in pixels of the chip.
  bool prewhiten = false;                ///< Also write the standardised floats, as .npy.
  std::optional<Selection> selection{};  ///< Nothing: every face.
};

struct AlignedFace {
  Face face;
  std::filesystem::path chip{};    ///< PNG.
  std::filesystem::path floats{};  ///< .npy, float32 [3, size·size]: planes R, G, B; may be empty.
};

struct AlignedPhoto {
  PhotoFacts photo{};
  std::vector<AlignedFace> faces{};
};

struct Alignment {
  RunFacts run{};
  std::vector<AlignedPhoto> photos{};
  std::vector<Problem> errors{};
};

/// Chips are named after the photo with the face's number: party.jpg gives party_0.png,
/// party_1.png.
[[nodiscard]] Outcome<Alignment> align(Workbench& bench, const Inputs& inputs,
                                       const AlignRequest& request, const Progress& progress);

struct EmbedRequest {
  std::filesystem::path out{};  ///< .npy; the table goes beside it, with .tsv instead.
  bool raw = false;             ///< Rows as the network gave them, not of unit length.
  std::optional<Selection> selection{};
  /// Also the likeliest of the classes that the network was trained on, where the model has a file
  /// called `classes`; the bench keeps chips then.
  bool classify = false;
  std::size_t top = 5;             ///< So many of them.
  std::filesystem::path labels{};  ///< Their names, one a line; or empty.
};

/// One of the people that a network was trained on.
struct ClassFact {
  std::size_t index = 0;  ///< In the network's output.
  std::string label{};    ///< Empty without labels.
  double probability = 0;
};

struct EmbeddedPhoto {
  PhotoFacts photo{};
  std::size_t first_row = 0;
  std::size_t faces = 0;
  std::vector<std::vector<ClassFact>> classes{};  ///< Of each face, if they were asked for.
};

struct Embeddings {
  RunFacts run{};
  std::filesystem::path npy{};  ///< Empty, like `tsv`, if no photo could be read.
  std::filesystem::path tsv{};
  std::size_t rows = 0;
  std::size_t dimension = 0;
  std::vector<EmbeddedPhoto> photos{};
  bool classified = false;
  std::vector<Problem> errors{};
};

[[nodiscard]] Outcome<Embeddings> embed(Workbench& bench, const Inputs& inputs,
                                        const EmbedRequest& request, const Progress& progress);

enum class Metric : std::uint8_t {
  kCosine,  ///< 1 − similarity, in [0, 2].
  kL2,      ///< Distance of the unit vectors, in [0, 2].
};

struct Comparison {
  RunFacts run{};
  Metric metric = Metric::kCosine;
  std::vector<std::string> names{};  ///< The photo's path, with #2, #3 … for its further faces.
  std::vector<std::vector<float>> distances{};
  std::vector<std::string> without_face{};  ///< Paths.
  std::vector<Problem> errors{};
};

[[nodiscard]] Outcome<Comparison> compare(Workbench& bench, const Inputs& inputs, Metric metric,
                                          std::optional<Selection> selection,
                                          const Progress& progress);

}  // namespace visavis::usecases
