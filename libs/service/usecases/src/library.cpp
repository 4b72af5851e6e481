#include "library.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/import/import.hpp>
#include <visavis/quantize/quantize.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxCalibrationBytes = std::uint64_t{1} << 20U;

std::string calibration_name(const models::Manifest& manifest, bool flip) {
  return manifest.id + (flip ? ".flip.json" : ".json");
}

Result<matching::Calibration> read_calibration(const fs::path& path, ModelId expected) {
  VISAVIS_TRY(bytes, read_file(path, kMaxCalibrationBytes));
  VISAVIS_TRY(calibration, matching::parse_calibration(
                               {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  if (calibration.model != expected)
    return fail(ErrorCode::kModelMismatch,
                "is of another model or preparation; run: visavis calibrate");
  return calibration;
}

std::string_view name_of(models::Role role) {
  switch (role) {
    case models::Role::kDetector:
      return "detector";
    case models::Role::kRecogniser:
      return "recogniser";
    case models::Role::kLandmarks:
      return "landmarks";
  }
  return "";
}

std::string_view name_of(models::AlignmentTemplate alignment) {
  switch (alignment) {
    case models::AlignmentTemplate::kNone:
      return "none";
    case models::AlignmentTemplate::kArcFace:
      return "arcface";
    case models::AlignmentTemplate::kFaceNet:
      return "facenet";
    case models::AlignmentTemplate::kDlib:
      return "dlib";
  }
  return "";
}

std::string_view name_of(models::Terms terms) {
  switch (terms) {
    case models::Terms::kUnclear:
      return "unclear";
    case models::Terms::kPermissive:
      return "permissive";
    case models::Terms::kNonCommercial:
      return "non-commercial";
  }
  return "";
}

std::string_view name_of(models::ColourOrder colour) {
  switch (colour) {
    case models::ColourOrder::kRgb:
      return "RGB";
    case models::ColourOrder::kBgr:
      return "BGR";
    case models::ColourOrder::kGrey:
      return "grey";
  }
  return "";
}

std::string input_of(const models::Preparation& preparation) {
  const std::string size = preparation.width == 0 ? "any size"
                                                  : std::to_string(preparation.width) + "x" +
                                                        std::to_string(preparation.height);
  return size + " " + std::string(name_of(preparation.colour));
}

/// Of a fused recogniser: its members', each once.
std::string input_of(const models::Manifest& manifest) {
  if (!manifest.fusion) return input_of(manifest.preparation);
  std::string text;
  for (const models::Member& member : manifest.fusion->members) {
    const std::string input = input_of(member.manifest->preparation);
    if (!text.contains(input)) text += (text.empty() ? "" : " and ") + input;
  }
  return text;
}

/// Also where members see different chips.
std::string alignment_of(const models::Manifest& manifest) {
  if (!manifest.fusion || manifest.alignment != models::AlignmentTemplate::kNone)
    return std::string(name_of(manifest.alignment));
  return "each member's own";
}

FileFacts facts_of(const models::Store& store, const models::ModelFile& file) {
  std::error_code ignored;
  FileFacts facts{.name = file.name,
                  .sha256 = file.sha256,
                  .onnx_sha256 = file.onnx_sha256,
                  .importer = file.importer,
                  .tag = file.tag,
                  .signature = file.signature,
                  .source = {},
                  .member = {},
                  .is_int8 = file.int8.has_value(),
                  .is_f16 = file.f16,
                  .bytes = file.onnx_bytes,
                  .certified_on = {},
                  .certified_photos = {},
                  .certified = {},
                  .here = fs::is_regular_file(store.path_of(file.onnx_sha256), ignored)};
  if (facts.here) facts.bytes = fs::file_size(store.path_of(file.onnx_sha256), ignored);
  if (file.source) {
    const char* joint = file.source->registry == "npm" ? "@" : "==";
    facts.source =
        file.source->registry + " " + file.source->package + joint + file.source->version;
    facts.member = file.source->member;
  }
  return facts;
}

std::vector<MeasuredFact> facts_of(const std::vector<models::MeasuredFigure>& figures) {
  std::vector<MeasuredFact> facts;
  for (const models::MeasuredFigure& figure : figures)
    facts.push_back({.name = figure.name, .before = figure.before, .after = figure.after});
  return facts;
}

std::optional<MeasuredFacts> measured_of(const models::Manifest& manifest) {
  if (!manifest.measured) return std::nullopt;
  return MeasuredFacts{.model = manifest.measured->model,
                       .figures = facts_of(manifest.measured->figures),
                       .provenance = manifest.measured->provenance};
}

/// To the file that it is of; a certificate of other files says nothing.
void add_certificate(const models::Certificate& certificate, std::vector<FileFacts>& files) {
  for (FileFacts& file : files) {
    if (file.name != certificate.file || file.sha256 != certificate.source_sha256 ||
        file.onnx_sha256 != certificate.result_sha256)
      continue;
    file.certified_on = certificate.inputs;
    file.certified_photos = certificate.photos;
    for (const models::CertifiedEngine& engine : certificate.engines)
      file.certified.push_back({.engine = engine.engine,
                                .version = engine.version,
                                .max_abs = engine.max_abs,
                                .min_cosine = engine.min_cosine,
                                .recognition = facts_of(engine.recognition)});
  }
}

/// Of all files, if all are known.
std::uint64_t bytes_of(const std::vector<FileFacts>& files) {
  std::uint64_t sum = 0;
  for (const FileFacts& file : files) {
    if (file.bytes == 0) return 0;
    sum += file.bytes;
  }
  return sum;
}

}  // namespace

Outcome<models::Store> open_store(const Places& places) {
  if (places.models.empty())
    return std::unexpected(
        Failure(Cause::kEnvironment,
                {ErrorCode::kUnavailable,
                 "neither VISAVIS_CACHE nor HOME says where models are kept; --models does"}));
  return caused_by(Cause::kEnvironment, models::Store::open(places.manifests, places.models));
}

Outcome<models::Manifest> find_model(const models::Store& store, std::string_view id) {
  auto found = store.find(id);
  const bool is_unknown = !found && found.error().code == ErrorCode::kNotFound;
  return caused_by(is_unknown ? Cause::kUsage : Cause::kEnvironment, std::move(found));
}

Result<std::vector<std::byte>> make_network(const models::ModelFile& file,
                                            std::span<const models::Original> originals) {
  VISAVIS_TRY(onnx, modelkit::import_model(file, originals));
  if (file.f16) return modelkit::make_f16(onnx);
  if (!file.int8) return onnx;
  return modelkit::make_int8(onnx, *file.int8);
}

fs::path own_calibration(const Places& places, const models::Manifest& manifest, bool flip) {
  return places.models / "calibration" / calibration_name(manifest, flip);
}

std::optional<matching::Calibration> find_calibration(const Places& places,
                                                      const models::Manifest& manifest, bool flip,
                                                      const LogSink& sink) {
  const ModelId expected = models::model_id(manifest, flip);
  std::vector<fs::path> paths;
  for (const fs::path& folder : places.manifests)
    paths.push_back(folder / "calibration" / calibration_name(manifest, flip));
  paths.push_back(own_calibration(places, manifest, flip));
  for (const fs::path& path : paths) {
    Result<matching::Calibration> calibration = read_calibration(path, expected);
    if (calibration) return *std::move(calibration);
    if (calibration.error().code != ErrorCode::kNotFound)
      log(sink, LogLevel::kWarning,
          "the calibration " + path.string() + " is not used: " + calibration.error().message);
  }
  return std::nullopt;
}

ModelFacts facts_of(const Places& places, const models::Store& store,
                    const models::Manifest& manifest) {
  const bool recogniser = manifest.role == models::Role::kRecogniser;
  ModelFacts facts{.id = manifest.id,
                   .title = manifest.title,
                   .role = std::string(name_of(manifest.role)),
                   .family = manifest.family,
                   .input = input_of(manifest),
                   .alignment = alignment_of(manifest),
                   .dimension = recogniser ? manifest.dimension : 0,
                   .weights_licence = manifest.weights_licence,
                   .terms = std::string(name_of(manifest.terms)),
                   .precision = "f32",
                   .measured = measured_of(manifest),
                   .training_data = manifest.training_data,
                   .notes = manifest.notes,
                   .model = {},
                   .norm_is_quality = manifest.norm_is_quality,
                   .quality_aware = manifest.quality_aware.has_value(),
                   .calibrated = false,
                   .here = store.has(manifest),
                   .goldens = manifest.golden.size(),
                   .files = {}};
  if (recogniser) {
    facts.model = models::to_hex(models::model_id(manifest, false));
    facts.calibrated = find_calibration(places, manifest, false, {}).has_value();
  }
  for (const models::ModelFile& file : models::all_files(manifest))
    facts.files.push_back(facts_of(store, file));
  for (const models::Certificate& certificate : manifest.certificates)
    add_certificate(certificate, facts.files);
  facts.bytes = bytes_of(facts.files);
  if (std::ranges::any_of(facts.files, &FileFacts::is_f16)) facts.precision = "f16";
  if (std::ranges::any_of(facts.files, &FileFacts::is_int8)) facts.precision = "int8";
  return facts;
}

}  // namespace visavis::usecases
