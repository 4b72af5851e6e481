#pragma once

/// Networks as files: what is in them, whether two are the same, and one form into another.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/gate.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/places.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

/// Which network is meant where a file keeps several: TensorFlow's SavedModel.
struct GraphChoice {
  std::string tag{};        ///< Tags of a graph, with ',' between. Empty: "serve", or the only one.
  std::string signature{};  ///< Empty: "serving_default", or the only one.
};

/// A file and how it is read and run.
struct NetworkFile {
  std::filesystem::path path{};
  std::string importer{};  ///< As a manifest names it. Empty: told from the contents.
  std::string engine = "reference";
  std::string precision = "f32";
  GraphChoice choice{};
  std::string model{};  ///< The id of a model in the store, whose file this is; or empty.
};

/// A model's id where a file was expected: if there is no such file, the network of that model.
/// @return kUsage for a model of several networks; kEnvironment for one that was not fetched.
[[nodiscard]] Outcome<NetworkFile> find_network(const Places& places, NetworkFile file);

struct Questions {
  std::size_t random = 8;  ///< Random inputs.
  std::uint64_t seed = 1;  ///< They are the same for the same seed.
  /// Stands for a free height or width. None: what the result has there, else 64, or the next usual
  /// size that the source's windows fit into.
  std::optional<std::int64_t> free_size{};
  /// Photos and folders of photos: each is resized to the input's size, (value − 127.5) / 128, RGB.
  std::vector<std::string> chips{};
  /// What each answer may be off by; without these three, what the networks' forms allow for.
  std::optional<double> max_abs{};
  std::optional<double> max_relative{};
  std::optional<double> min_cosine{};
};

/// How far apart answers may be: each number by `max_abs` or by so much of the source's largest
/// number for the same input, and in direction.
struct AnswerLimits {
  double max_abs = 1e-4;
  double max_relative = 0;
  double min_cosine = .999999;
};

/// What weights in halves may cost, each of which is off by up to 2^-11 of itself. Two values whose
/// cosine is .9999 are apart by .014 of their length: both limits say about the same.
inline constexpr double kHalfMaxRelative = .01;
inline constexpr double kHalfMinCosine = .9999;
/// What two forms of one int8 network may differ by: where a value lies on the border of two steps,
/// its last bit decides, and each step that went the other way moves others to their borders.
/// docs/conversion.md has the measurements.
inline constexpr double kInt8MaxRelative = .4;
inline constexpr double kInt8MinCosine = .97;
/// And without their roundings; what is left are weights and biases in whole steps.
inline constexpr double kUnroundedMaxRelative = .01;
inline constexpr double kUnroundedMinCosine = .9999;
inline constexpr double kHalfMaxChanged = .001;  ///< A tenth of a point, as of the accuracy.

/// One of the files that a network is in.
struct NetworkPart {
  std::string name{};  ///< In its folder.
  std::uint64_t bytes = 0;
  std::string sha256{};
};

struct NetworkFacts {
  std::string path{};
  std::string format{};
  std::string importer{};
  std::string sha256{};  ///< Of all files, one behind the other as `files` has them.
  std::vector<NetworkPart> files{};
  std::string engine{};
  std::string engine_version{};
  std::string precision{};
  std::uint64_t parameters = 0;
};

struct DifferenceFacts {
  std::string source{};  ///< The value's name there …
  std::string result{};  ///< … and here.
  double max_abs = 0;
  double max_relative = 0;
  double mean_abs = 0;
  double mean_distance = 0;
  double min_cosine = 0;
  bool finite = true;
};

struct JudgementFacts {
  std::string inputs{};  ///< "random", "chips"; with ", not rounded" if they were not.
  std::size_t samples = 0;
  double self_cosine = 0;  ///< Of the source's answers to two of them, the largest.
  std::vector<DifferenceFacts> outputs{};
};

struct DivergenceFacts {
  std::string op{};
  std::size_t same_before = 0;
  DifferenceFacts difference{};  ///< Without figures if the shapes differ.
  std::vector<std::int64_t> source_shape{};
  std::vector<std::int64_t> result_shape{};
};

/// A weight that stays float32 though others became halves.
struct KeptFloatFacts {
  std::string name{};
  std::string reason{};
};

/// What was stored in 16 bits.
struct HalvedFacts {
  std::size_t tensors = 0;
  std::uint64_t numbers = 0;
  std::vector<KeptFloatFacts> kept{};  ///< Large enough, but not fit for it.
};

/// What two forms of a recogniser say of the same photos.
struct RecognitionEffect {
  RunFacts run{};              ///< How photos became inputs, and who ran the source.
  std::string pairs_sha256{};  ///< Of the list.
  std::size_t pairs = 0;
  std::size_t photos = 0;  ///< With a face.
  double threshold = 0;    ///< At which pairs are judged.
  std::vector<GateFigure> figures{};
  bool passed = false;
};

/// Proof, or what speaks against it.
struct Equivalence {
  NetworkFacts source{};
  NetworkFacts result{};
  Questions questions{};
  AnswerLimits limits{};  ///< That it was held to.
  /// And where it was asked as if nothing were rounded, too.
  std::optional<AnswerLimits> unrounded_limits{};
  /// What makes them different whatever they answer: numbers or shapes of inputs and outputs.
  /// Nothing was judged then. Else empty.
  std::string other_form{};
  std::vector<JudgementFacts> judgements{};
  std::optional<DivergenceFacts> first{};  ///< The first layer that differs.
  std::optional<HalvedFacts> halved{};     ///< If the result's weights were to be halves.
  /// Height and width that the new file has alone, for its format could not leave them free.
  std::optional<std::int64_t> fixed_size{};
  bool equivalent = false;
  std::optional<RecognitionEffect> effect{};  ///< If it was asked for and could be found out.
  std::vector<Problem> errors{};              ///< Chips and photos that could not be read.
};

/// Whether all that was asked says that they are the same.
[[nodiscard]] bool passed(const Equivalence& answer);

/// What another form of a recogniser may cost. Cosines are to be those of Questions.
struct EffectLimits {
  double accuracy_loss = .001;  ///< A tenth of a point.
  double tar_loss = .003;       ///< At FAR 1e-3.
  /// Share of the pairs that are judged otherwise at the source's threshold. None, for forms in f32
  /// move similarities by 1e-6, and pairs around a threshold lie 1e-4 apart.
  double changed_pairs = 0;
};

/// Pairs of photos to judge both forms of a recogniser by.
struct RecognitionTest {
  /// Its recogniser's manifest tells how photos become inputs; it keeps chips, and is not ready.
  Workbench& bench;
  Inputs photos{};
  std::filesystem::path pairs{};  ///< A list; its paths relative to the photos.
  EffectLimits limits{};
  Progress progress{};
};

/// Asks both the same.
/// @param test  or null
/// @return also kUsage for a test with a recogniser of which the source is not a form
[[nodiscard]] Outcome<Equivalence> compare_networks(const NetworkFile& source,
                                                    const NetworkFile& result,
                                                    const Questions& questions,
                                                    const RecognitionTest* test = nullptr);

/// What stands in a certificate.
using Certify = std::function<std::string(const Equivalence&)>;

/// The formats that are read, as `inspect_model` calls them: "ONNX, PyTorch state dict, …".
[[nodiscard]] std::string source_formats();

/// Endings of what can be written: ".mlmodel, .onnx, …".
[[nodiscard]] std::string target_endings();

/// Where a network goes.
struct NetworkTarget {
  std::filesystem::path path{};  ///< Not there yet; its ending tells the format.
  bool simplify = true;          ///< Fold constants and batch normalisation, drop what is not read.
  /// Weights in 16 bits; computed with in float32, and held to limits of their own.
  bool halves = false;
  std::string engine = "reference";
};

/// Writes `target`, and beside it PATH.certificate.json, if what was written is the same network
/// when it is read again and, with a `test`, judges pairs of photos the same; else nothing.
/// @param test  or null
/// @return also kUsage for a test with a recogniser of which the source is not a form
[[nodiscard]] Outcome<Equivalence> convert_network(const NetworkFile& source,
                                                   const NetworkTarget& target,
                                                   const Questions& questions,
                                                   const Certify& certify,
                                                   const RecognitionTest* test = nullptr);

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
  std::string sha256{};  ///< Of all files, as NetworkFacts has it.
  std::vector<TensorLine> inputs{};
  std::vector<TensorLine> outputs{};
  std::vector<TensorLine> weights{};      ///< Of formats that hold no graph.
  std::vector<std::string> signatures{};  ///< Of a SavedModel: of the graph that is meant.
  std::vector<GraphLine> graphs{};        ///< Of a SavedModel: all that it has.
  std::vector<std::string> importers{};   ///< That know an architecture with such weights.
  std::map<std::string, std::size_t> operators{};
  std::uint64_t parameters = 0;
};

/// What is inside a model file of any supported format. Who would run it does not matter.
[[nodiscard]] Outcome<ModelInside> inspect_model(const NetworkFile& file);

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
  /// Stands for a free height or width. None: 64, or the next usual size that all windows fit into.
  std::optional<std::int64_t> free_size{};
  std::filesystem::path drawing{};  ///< An SVG file; empty: none.
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
[[nodiscard]] Outcome<ModelLayers> inspect_layers(const NetworkFile& file,
                                                  const LayerQuestions& questions);

}  // namespace visavis::usecases
