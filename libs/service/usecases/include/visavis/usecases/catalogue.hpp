#pragma once

/// What there is to work with: engines and models.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/usecases/failure.hpp>
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

struct RemovedModels {
  struct One {
    std::string id;
    std::size_t files = 0;  ///< 0: none was here, or all belong to other models, too.
    std::uint64_t bytes = 0;
    bool forgotten = false;  ///< Its manifest is gone: it had been added.
  };
  std::vector<One> models{};
  std::vector<Problem> errors{};  ///< `path` is the id.
};

/// Removes models from the store: their files, and the manifests of those that were added.
/// @return kUsage for an id that is not known, before anything is removed
[[nodiscard]] Outcome<RemovedModels> remove_models(const Places& places,
                                                   const std::vector<std::string>& ids);

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

}  // namespace visavis::usecases
