#pragma once

/// What is known of a model, as data: where its file comes from, how pixels become its input, what
/// its output means. docs/formats/manifest.md describes the JSON.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::models {

enum class Role : std::uint8_t { kDetector, kRecogniser, kLandmarks };
enum class ColourOrder : std::uint8_t { kRgb, kBgr, kGrey };
/// What one may do with the weights, by what is known of their licence and of their training data.
enum class Terms : std::uint8_t { kUnclear, kPermissive, kNonCommercial };

enum class AlignmentTemplate : std::uint8_t { kNone, kArcFace, kFaceNet, kDlib };

/// A package in a registry, and the member of its archive that is the file.
struct PackageSource {
  std::string registry;  ///< "npm" or "pypi".
  std::string package;
  std::string version;
  std::string archive_sha256;  ///< Hexadecimal.
  std::string member;          ///< Path inside the archive.
};

/// What an 8-bit activation may hold.
struct Int8Range {
  float low = 0;   ///< At most 0.
  float high = 0;  ///< At least 0.
};

/// What is added to a layer's biases: `unit` · the count of each output channel.
struct Int8BiasShifts {
  float unit = 0;  ///< Above 0.
  std::vector<std::int8_t> counts{};
};

/// How a float network becomes one of 8-bit weights and activations: numbers only, so that it can
/// be published where its weights are not. Layers and values have the names of the float network.
struct Int8Recipe {
  std::map<std::string, Int8Range, std::less<>> activations{};  ///< Of what the layers read.
  /// By the depthwise convolution: for each of its input channels e in 0…9. The channel is made
  /// 2^e as large by the layer before, and its weights 2^-e, so that all channels are of one size.
  std::map<std::string, std::vector<std::uint8_t>, std::less<>> equalised{};
  std::set<std::string, std::less<>> keep_float{};  ///< Layers that stay as they are.
  std::map<std::string, Int8BiasShifts, std::less<>> bias_shifts{};  ///< By the layer.
  int weight_steps = 127;  ///< Weights are rounded to −weight_steps … weight_steps.
};

/// A further file without which an original is not whole: the weights beside a text, the variables
/// of a SavedModel.
struct Companion {
  std::string name;         ///< Path beside the original file, as its format knows it.
  std::string sha256;       ///< Hexadecimal.
  std::uint64_t bytes = 0;  ///< How many it has.
  std::optional<PackageSource> source{};
};

struct ModelFile {
  std::string name;    ///< Of the role inside the model: "pnet", "network".
  std::string sha256;  ///< Of the original file, hexadecimal.
  std::optional<PackageSource> source;
  std::string importer;  ///< "onnx", "pytorch:mtcnn-pnet", "tflite", …: how it becomes ONNX.
  std::string tag{};     ///< Of a SavedModel: which graph, tags with ',' between. Empty: the usual.
  std::string signature{};  ///< Of TensorFlow's: by which signature it is called. Empty: the usual.
  std::optional<Int8Recipe> int8{};  ///< What is done to what the importer made.
  bool f16 = false;                  ///< Or: its kernels and matrices are stored in 16 bits.
  std::string onnx_sha256;           ///< Of what comes out; the file every engine runs.
  std::uint64_t onnx_bytes = 0;      ///< Of that file; 0: the manifest does not say.
  bool as_data = false;      ///< Also kept as data, for kernels of its own (see NetworkData).
  double screen_margin = 0;  ///< See NetworkData.
  std::string file_name{};   ///< Of the original, where its companions or its format ask for it.
  std::vector<Companion> companions{};
};

/// Pixels to tensor: value = (pixel − mean[c]) · scale[c], channels in `colour` order, NCHW.
struct Preparation {
  int width = 0;  ///< 0 with height 0: any size (a fully convolutional or multi-part model).
  int height = 0;
  ColourOrder colour = ColourOrder::kRgb;
  std::array<float, 3> mean{};
  std::array<float, 3> scale{};
  bool prewhiten = false;  ///< Per image (x − mean)/max(std, 1/√N) instead of mean and scale.
};

/// QMagFace's constants for this backbone and preparation (Terhörst et al., WACV 2023, eq. 4–5).
struct QualityAware {
  double alpha = 0;
  double beta = 0;
};

/// A quality score fitted to this recogniser: 1 / (1 + exp(−(bias + Σ weight · measure))), with the
/// measures that docs/formats/manifest.md names.
struct QualityFit {
  double bias = 0;
  std::map<std::string, double, std::less<>> weights;  ///< None below 0.
  std::string provenance;                              ///< What it was fitted to, and how.
};

/// A known answer: the test chip in, these numbers out. What it checks is the whole way from pixels
/// to output: file, importer, colour order, mean, scale, engine.
struct Golden {
  std::string file;  ///< ModelFile::name of the network that runs.
  int width = 0;     ///< Of `test_chip()`.
  int height = 0;
  std::string output;      ///< Name of the network's output.
  std::size_t offset = 0;  ///< Index of the first expected value, row-major.
  std::size_t stride = 1;  ///< Distance of the expected values in the output.
  std::vector<float> values;
  /// Largest absolute difference by precision ("f32", "bf16", …). Without an entry that precision
  /// is not checked.
  std::map<std::string, double, std::less<>> tolerance;
  std::string provenance;  ///< Which implementation said so; never visavis itself.
};

/// One figure of an int8 or f16 model, beside the float one's.
struct MeasuredFigure {
  std::string name;              ///< "accuracy", "bytes", …
  std::optional<double> before;  ///< The source's; nothing for what tells of both.
  double after = 0;
};

/// What an int8 or f16 model costs and brings, against the float one that it was made of.
struct Measured {
  std::string model;  ///< The float one's id.
  std::vector<MeasuredFigure> figures;
  std::string provenance;  ///< What was measured, on what and how.
};

/// How far an engine's answers lie from the original's.
struct CertifiedEngine {
  std::string engine;
  std::string version;
  double max_abs = 0;     ///< The largest difference of any number of any output.
  double min_cosine = 0;  ///< Of an output's answers to one input, the least.
  std::vector<MeasuredFigure> recognition{};  ///< Of the original and the engine, on photos.
};

/// Proof that what engines run is the network in the original file.
struct Certificate {
  std::string file;           ///< ModelFile::name.
  std::string source_sha256;  ///< Of the original, and …
  std::string result_sha256;  ///< … of what engines run: a certificate holds for no other files.
  std::string inputs;         ///< What both were asked.
  std::string photos{};       ///< Which photos a recogniser was tried on; empty: on none.
  std::vector<CertifiedEngine> engines;
};

struct Manifest;

/// One of the recognisers that a fused one is made of.
struct Member {
  std::string model;                         ///< Id of a recogniser with files of its own.
  double weight = 0;                         ///< Above 0; a fusion's weights add up to 1.
  std::shared_ptr<const Manifest> manifest;  ///< Null until a store has looked it up.
};

/// A recogniser made of others: its vector is √weight · unit vector of each member, one behind the
/// other, so that a cosine of it is the weighted mean of the members' cosines.
struct Fusion {
  std::vector<Member> members;  ///< At least two, each another model.
  std::string provenance;       ///< What the weights were chosen on, and how.
};

struct Manifest {
  std::string id;  ///< File-name safe: [a-z0-9.-]+
  std::string title;
  Role role = Role::kRecogniser;
  std::string family;            ///< How the detect, landmark and embed modules read it: "mtcnn",
                                 ///< "ultraface", "embedding", "landmark-68".
  std::vector<ModelFile> files;  ///< None for a fused recogniser.
  std::optional<Fusion> fusion;  ///< Then files, preparation and goldens are the members'.
  std::string weights_licence;   ///< As the package states it.
  Terms terms = Terms::kUnclear;
  std::string training_data;  ///< What is known of it and its terms; "unknown" says so.
  Preparation preparation;
  /// Of a fused recogniser: its members', if all see the same chip.
  AlignmentTemplate alignment = AlignmentTemplate::kNone;
  int dimension = 0;             ///< Recognisers: floats per embedding.
  bool norm_is_quality = false;  ///< The raw norm predicts recognition performance.
  std::optional<QualityAware> quality_aware;
  std::optional<QualityFit> quality;
  std::vector<Golden> golden;
  std::vector<Certificate> certificates;
  std::optional<Measured> measured;  ///< Of an int8 or f16 model.
  std::string notes;
};

/// Reads one manifest. Unknown fields, duplicate keys and names that leave a folder are refused.
/// @return kDecodeFailed with the field's name and what is wrong with it.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view json);

/// Its files, or its members', which are called `<member>/<name>`.
/// @pre the members have been looked up
[[nodiscard]] std::vector<ModelFile> all_files(const Manifest& manifest);

/// The synthetic picture of the goldens: integers only, no symmetry, every channel different.
/// docs/formats/manifest.md has the formula.
/// @pre 0 < width, height <= 4096
[[nodiscard]] Image test_chip(int width, int height);

/// The id that travels with every embedding; covers files, preparation, alignment and flip, and of
/// a fused recogniser all that of its members and the weights.
/// @pre the members have been looked up
[[nodiscard]] ModelId model_id(const Manifest& manifest, bool flip);

[[nodiscard]] std::string to_hex(ModelId id);  ///< 16 digits.

}  // namespace visavis::models
