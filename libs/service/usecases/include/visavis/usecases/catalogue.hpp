#pragma once

/// What there is to work with: engines and models.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/graph_choice.hpp>
#include <visavis/usecases/places.hpp>
#include <visavis/usecases/progress.hpp>

namespace visavis::usecases {

struct EngineFacts {
  std::string name{};
  bool usable = false;
  std::string version{};  ///< Empty if it is not usable.
  std::string reason{};   ///< Why not; empty if it is.
};

/// Every engine this project knows, in order of preference.
[[nodiscard]] std::vector<EngineFacts> list_engines();

/// One figure of an int8 model beside the float one's, or of what an engine runs beside the
/// original's.
struct MeasuredFact {
  std::string name{};
  std::optional<double> before{};  ///< Nothing for what tells of both.
  double after = 0;
};

struct MeasuredFacts {
  std::string model{};  ///< The float one.
  std::vector<MeasuredFact> figures{};
  std::string provenance{};
};

/// How far an engine's answers lie from the original's; see models::Certificate.
struct CertifiedFacts {
  std::string engine{};
  std::string version{};
  double max_abs = 0;
  double min_cosine = 0;
  std::vector<MeasuredFact> recognition{};
};

struct FileFacts {
  std::string name{};
  std::string sha256{};       ///< Of the original.
  std::string onnx_sha256{};  ///< Of what engines run.
  std::string importer{};
  std::string tag{};        ///< Of a SavedModel's graph; empty: the usual.
  std::string signature{};  ///< Empty: the usual.
  std::string source{};  ///< "npm faceplugin-face-recognition-js@0.0.1"; empty for one's own file.
  std::string member{};  ///< Path inside the package.
  bool is_int8 = false;
  bool is_f16 = false;
  std::uint64_t bytes = 0;     ///< Of what engines run; 0: neither here nor in the manifest.
  std::string certified_on{};  ///< Inputs; empty: there is no certificate of exactly this file.
  std::string certified_photos{};
  std::vector<CertifiedFacts> certified{};
  bool here = false;  ///< In the store, by name; `verify_models` checks its contents.
};

struct ModelFacts {
  std::string id{};
  std::string title{};
  std::string role{};    ///< "detector", "recogniser", "landmarks"
  std::string family{};  ///< "mtcnn", "embedding", …
  std::string input{};   ///< "112x112 BGR", "any size RGB"
  std::string alignment{};
  int dimension = 0;  ///< 0 unless it is a recogniser.
  std::string weights_licence{};
  std::string terms{};                      ///< "permissive", "unclear", "non-commercial"
  std::string precision{};                  ///< Of the weights: "f32"; "int8" by a recipe; "f16".
  std::uint64_t bytes = 0;                  ///< Of all files; 0: not known.
  std::optional<MeasuredFacts> measured{};  ///< What int8 or f16 costs and brings.
  std::string training_data{};
  std::string notes{};
  std::string model{};  ///< ModelId without flipping, for recognisers.
  bool norm_is_quality = false;
  bool quality_aware = false;
  bool calibrated = false;
  bool here = false;
  std::size_t goldens = 0;
  std::vector<FileFacts> files{};
};

struct ModelList {
  std::vector<ModelFacts> models{};
  std::vector<Problem> errors{};  ///< Manifests that could not be read.
};

[[nodiscard]] Outcome<ModelList> list_models(const Places& places);
[[nodiscard]] Outcome<ModelFacts> show_model(const Places& places, std::string_view id);

struct FetchedModels {
  struct One {
    std::string id;
    bool was_here = false;
  };
  std::vector<One> models{};
  std::vector<Problem> errors{};  ///< `path` is the id.
};

/// Brings models from their packages. Fast when they are there already.
/// @param ids  empty: every model that names a package, but for int8 forms of others.
[[nodiscard]] Outcome<FetchedModels> fetch_models(const Places& places,
                                                  const std::vector<std::string>& ids,
                                                  const Progress& progress, const LogSink& sink);

/// Adds a person's own model.
/// @param files  by the manifest's names of them.
[[nodiscard]] Outcome<ModelFacts> add_model(
    const Places& places, const std::filesystem::path& manifest,
    const std::map<std::string, std::filesystem::path, std::less<>>& files);

struct VerifiedModel {
  enum class Answer : std::uint8_t { kPassed, kFailed, kUnchecked };
  struct Check {
    std::string file;
    std::string output;
    double difference = 0;
    double tolerance = 0;
    Answer answer = Answer::kUnchecked;
  };
  std::string id{};
  std::string engine{};
  std::string precision{};
  Answer answer = Answer::kUnchecked;  ///< kUnchecked: files are right, no golden to compare.
  std::vector<Check> checks{};
};

struct VerifiedModels {
  std::vector<VerifiedModel> models{};
  std::vector<Problem> errors{};  ///< A file that is missing or of another hash, for instance.
};

/// Reads every file against its hash and runs the goldens.
/// @param ids  empty: every model that is in the store.
[[nodiscard]] Outcome<VerifiedModels> verify_models(const Places& places,
                                                    const std::vector<std::string>& ids,
                                                    const std::string& engine,
                                                    const std::string& precision);

struct TensorLine {
  std::string name{};
  std::string type{};
  std::vector<std::int64_t> shape{};  ///< -1 marks a free dimension.
};

/// A way in which a graph may be called.
struct SignatureLine {
  std::string name{};
  std::vector<TensorLine> inputs{};
  std::vector<TensorLine> outputs{};
};

/// One of the graphs that a file keeps side by side.
struct GraphLine {
  std::vector<std::string> tags{};
  std::vector<SignatureLine> signatures{};
};

struct ModelInside {
  std::string path{};
  std::string format{};
  std::string producer{};
  std::string sha256{};
  std::vector<TensorLine> inputs{};
  std::vector<TensorLine> outputs{};
  std::vector<TensorLine> weights{};      ///< Of formats that hold no graph.
  std::vector<std::string> signatures{};  ///< Of a SavedModel: of the graph that is meant.
  std::vector<GraphLine> graphs{};        ///< Of a SavedModel: all that it has.
  std::vector<std::string> importers{};   ///< That know an architecture with such weights.
  std::map<std::string, std::size_t> operators{};
  std::uint64_t parameters = 0;
};

/// What is inside a model file of any supported format.
[[nodiscard]] Outcome<ModelInside> inspect_model(const std::filesystem::path& path,
                                                 const GraphChoice& choice = {});

/// A network that nobody has trained yet.
struct Untrained {
  std::string architecture{};
  std::int64_t classes = 0;  ///< Of the classification head; 0: none.
  std::uint32_t seed = 1;
  /// Not there yet. In .npz the weights by PyTorch's names; in .onnx the network, which answers
  /// with logits if there are classes, else with embeddings.
  std::filesystem::path path{};
};

/// Makes one, with the weights that PyTorch draws for the same seed.
/// @return what is inside the new file; kUsage for another ending, a file that is there, an
/// architecture that is not known
[[nodiscard]] Outcome<ModelInside> new_model(const Untrained& wanted);

/// How a network's layers are looked at.
struct LayerQuestions {
  std::string importer{};  ///< As a manifest names it. Empty: told from the contents.
  /// Stands for a free height or width. None: 64, or the next usual size that all windows fit into.
  std::optional<std::int64_t> free_size{};
  std::filesystem::path drawing{};  ///< An SVG file; empty: none.
  GraphChoice choice{};
};

struct LayerLine {
  std::string name{};
  std::string op{};
  std::vector<std::int64_t> shape{};
  std::uint64_t multiply_adds = 0;
  std::uint64_t parameters = 0;
};

struct ModelLayers {
  std::string path{};
  std::vector<LayerLine> layers{};
  std::uint64_t multiply_adds = 0;
  std::uint64_t peak_bytes = 0;  ///< Of values alive at once, as float32.
  std::filesystem::path drawing{};
};

/// What a network costs for one sample, layer by layer.
[[nodiscard]] Outcome<ModelLayers> inspect_layers(const std::filesystem::path& path,
                                                  const LayerQuestions& questions);

}  // namespace visavis::usecases
