#pragma once

/// A recogniser or a detector in int8 or f16, published only if it is as good as the float one.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/gate.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

/// What the new model must keep, beside the float one.
struct QuantizeLimits {
  double min_cosine = .995;  ///< Mean, of the test's embeddings, or of held-out chips without one.
  double accuracy_loss = .001;  ///< In accuracy on a list of pairs; .001 is a tenth of a point.
  double tar_loss = .003;
  double same_faces = .995;  ///< Of a detector's faces: found by both. See `overlap`.
  double overlap = .7;       ///< Intersection over union from which two boxes are the same face.
  double size = .46;         ///< Of the float file's bytes.
  double speed = 1;          ///< Times the float network's, in one thread.
};

/// For weights of 16 bits. The arithmetic is the float network's, so that time differs by what
/// measuring it twice does.
inline constexpr QuantizeLimits kF16Limits{.min_cosine = .9999, .size = .55, .speed = .95};

struct QuantizeRequest {
  bool f16 = false;             ///< Weights of 16 bits instead of int8: nothing is observed.
  bool detector = false;        ///< The bench's detector, not its recogniser.
  std::filesystem::path out{};  ///< A folder; the three files must not be there yet.
  std::string id{};             ///< Of the new model. Empty: the old one's and "-int8" or "-f16".
  std::filesystem::path people{};      ///< Whose photos are observed, one name a line; empty: all.
  std::filesystem::path balance{};     ///< Attributes, of which every kind is observed; or empty.
  std::uint64_t seed = 1;              ///< Decides which photos are taken.
  std::size_t chips = 300;             ///< Observed.
  std::size_t held_out = 64;           ///< More, on which ways to quantise are compared.
  std::vector<std::string> methods{};  ///< Empty: all, of which the best is taken.
  double kept = .99999;                ///< Share of values that the method percentile leaves.
  bool bias_correction = true;
  /// The largest step of a weight, up to 127. Above 64 sums saturate on CPUs without VNNI.
  int weight_steps = 64;
  bool whole = false;                     ///< Also what layers make: integers from end to end.
  std::vector<std::string> keep_float{};  ///< Layers, by the name of what they make.
  bool choose_float = true;       ///< Whether costly layers stay float until `min_cosine` is kept.
  std::filesystem::path pairs{};  ///< A list to test on; its paths relative to the photos.
  std::filesystem::path test_people{};  ///< Whose photos are tested, all with all; or empty.
  bool untested = false;                ///< A recogniser may do without either.
  QuantizeLimits limits{};
};

struct QuantizedLayer {
  std::string name;
  std::string op;
  std::size_t weights = 0;
  double loss = 0;  ///< 1 − mean cosine where it alone is int8.
  bool kept_float = false;
};

struct MethodFacts {
  std::string name;
  double cosine = 0;  ///< Mean, all layers in int8 but those that were to stay float.
};

/// What two detectors found in the same photos.
struct FacesTold {
  std::size_t before = 0;  ///< Faces that the float one finds.
  std::size_t after = 0;   ///< That the int8 one finds.
  std::size_t same = 0;    ///< That both find.
};

struct Quantized {
  RunFacts run{};
  std::string model{};  ///< The float one's id.
  std::string id{};
  bool f16 = false;
  std::string sha256{};  ///< Of the new file.
  std::string method{};
  bool bias_correction = true;
  int weight_steps = 64;
  bool whole = false;
  std::size_t observed = 0;  ///< Chips, or photos.
  std::size_t held_out = 0;
  double held_out_cosine = 0;
  std::size_t tested = 0;            ///< Photos with a face.
  std::optional<FacesTold> faces{};  ///< Of a detector.
  std::vector<MethodFacts> tried{};
  std::vector<QuantizedLayer> layers{};  ///< In the order in which they run.
  std::vector<GateFigure> gate{};
  bool passed = false;
  std::filesystem::path manifest{};  ///< Empty if it is not published.
  std::filesystem::path network{};
  std::filesystem::path certificate{};
  std::vector<Problem> errors{};  ///< Photos that could not be read.
};

/// What stands in the certificate.
using CertifyQuantized = std::function<std::string(const Quantized&)>;

/// Aligns the face nearest the centre of photos, observes what the recogniser's inner values are,
/// quantises, and tests both models on other photos. Photos of the test are never observed.
/// Of a detector whole photos are observed, and it is tested on all the others.
/// Publishes ID.onnx, ID.json (a manifest for `models add`) and ID.certificate.json if all figures
/// are within the limits, else nothing.
/// @param photos  in a folder for each person
/// @pre a bench with chips, or for a detector one without a recogniser
[[nodiscard]] Outcome<Quantized> quantize(Workbench& bench, const Inputs& photos,
                                          const QuantizeRequest& request,
                                          const CertifyQuantized& certify,
                                          const Progress& progress);

}  // namespace visavis::usecases
