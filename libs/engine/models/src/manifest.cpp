#include "visavis/models/manifest.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ranges>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/image.hpp>

#include "document.hpp"
#include "fields.hpp"

namespace visavis::models {
namespace {

constexpr std::size_t kMaxFiles = 16;
constexpr std::size_t kMaxMembers = 8;
constexpr double kSumTolerance = 1e-6;  // of weights that are written with few digits
constexpr std::size_t kMaxGoldens = 32;
constexpr std::size_t kMaxGoldenValues = 4096;
constexpr std::int64_t kMaxSide = 4096;
constexpr std::int64_t kMaxFileBytes = std::int64_t{2} << 30U;
constexpr std::size_t kMaxLayers = 4096;
constexpr std::size_t kMaxChannels = 1 << 16U;
constexpr std::size_t kMaxFigures = 32;
constexpr std::size_t kMaxEngines = 16;
constexpr std::int64_t kMaxDimension = 1 << 20;
constexpr std::string_view kSchema = "visavis.manifest/1";
// In the order of the enumerators.
constexpr std::array<std::string_view, 3> kColours = {"rgb", "bgr", "grey"};
constexpr std::array<std::string_view, 4> kTemplates = {"none", "arcface", "facenet", "dlib"};
constexpr std::array<std::string_view, 3> kTerms = {"unclear", "permissive", "non-commercial"};
constexpr std::array<std::string_view, 3> kRoles = {"detector", "recogniser", "landmarks"};

/// Usable as a file name everywhere, never hidden, never a path.
bool is_plain_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '.' && name.front() != '-' &&
         std::ranges::all_of(name, allowed);
}

/// What is passed to npm or pip: never an option, an address or a path.
bool is_package_name(std::string_view name) {
  if (name.starts_with('@')) {
    const std::size_t slash = name.find('/');
    return slash != std::string_view::npos && is_package_name(name.substr(1, slash - 1)) &&
           is_package_name(name.substr(slash + 1));
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '+';
  };
  return !name.empty() && name.size() <= 128 && name.front() != '.' && name.front() != '-' &&
         std::ranges::all_of(name, allowed);
}

bool is_version(std::string_view text) {
  return is_package_name(text) && text.front() >= '0' && text.front() <= '9';
}

/// A path inside an archive: relative, without "..", without control characters.
bool is_member_path(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\\') != std::string_view::npos)
    return false;
  if (std::ranges::any_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

PackageSource read_source(Fields fields) {
  PackageSource source;
  source.registry = fields.text("registry");
  if (source.registry != "npm" && source.registry != "pypi")
    fields.complain(fields.path_of("registry"), "must be one of: npm, pypi");
  source.package = fields.text("package");
  if (!is_package_name(source.package))
    fields.complain(fields.path_of("package"), "is not the name of a package");
  source.version = fields.text("version");
  if (!is_version(source.version))
    fields.complain(fields.path_of("version"), "is not an exact version");
  source.archive_sha256 = fields.sha256("archive_sha256");
  source.member = fields.text("member");
  if (!is_member_path(source.member))
    fields.complain(fields.path_of("member"), "must be a path inside the archive");
  fields.refuse_others();
  return source;
}

void read_activations(Fields fields, Int8Recipe& recipe) {
  for (const auto& [name, value] : fields.json().items()) {
    const std::vector<float> ends = fields.floats(name.c_str(), 2, 2);
    if (ends.size() != 2) continue;
    if (!(ends[0] <= 0 && ends[1] >= 0 && std::isfinite(ends[1] - ends[0])))
      fields.complain(fields.path_of(name.c_str()), "must be a range around 0");
    recipe.activations.emplace(name, Int8Range{.low = ends[0], .high = ends[1]});
  }
}

void read_equalised(Fields fields, Int8Recipe& recipe) {
  for (const auto& [name, value] : fields.json().items()) {
    std::vector<std::uint8_t>& steps = recipe.equalised[name];
    for (const char digit : fields.text(name.c_str(), kMaxChannels)) {
      if (digit < '0' || digit > '9')
        fields.complain(fields.path_of(name.c_str()), "must be a digit for each channel");
      steps.push_back(static_cast<std::uint8_t>(digit - '0'));
    }
  }
}

Int8BiasShifts read_shifts(Fields fields) {
  Int8BiasShifts shifts{.unit = static_cast<float>(fields.number("unit")), .counts = {}};
  if (!(shifts.unit > 0)) fields.complain(fields.path_of("unit"), "must be positive");
  const std::string text = fields.text("counts", kMaxChannels * 5);
  for (const auto part : std::views::split(std::string_view(text), ' ')) {
    int count = 0;
    const char* end = part.data() + part.size();
    const auto [read, error] = std::from_chars(part.data(), end, count);
    if (error != std::errc{} || read != end || std::abs(count) > 127) {
      fields.complain(fields.path_of("counts"), "must be numbers from -127 to 127");
      break;
    }
    shifts.counts.push_back(static_cast<std::int8_t>(count));
  }
  if (shifts.counts.empty())
    fields.complain(fields.path_of("counts"), "must be numbers from -127 to 127");
  fields.refuse_others();
  return shifts;
}

Int8Recipe read_recipe(Fields fields) {
  Int8Recipe recipe;
  for (const char* key : {"activations", "equalised", "bias_shifts"})
    if (fields.has(key) && fields.object(key).json().size() > kMaxLayers)
      fields.complain(fields.path_of(key), "is of more than 4096 layers");
  read_activations(fields.object("activations"), recipe);
  if (fields.has("equalised")) read_equalised(fields.object("equalised"), recipe);
  if (fields.has("bias_shifts")) {
    Fields shifts = fields.object("bias_shifts");
    for (const auto& [name, value] : shifts.json().items())
      recipe.bias_shifts.emplace(name, read_shifts(shifts.object(name.c_str())));
  }
  if (fields.has("keep_float"))
    for (const nlohmann::json& name : fields.array("keep_float", kMaxLayers)) {
      if (!name.is_string()) {
        fields.complain(fields.path_of("keep_float"), "must be names");
        break;
      }
      recipe.keep_float.insert(name.get<std::string>());
    }
  if (fields.has("weight_steps"))
    recipe.weight_steps = static_cast<int>(fields.integer("weight_steps", 1, 127));
  fields.refuse_others();
  return recipe;
}

Companion read_companion(Fields fields) {
  Companion companion;
  companion.name = fields.text("name");
  if (!is_member_path(companion.name))
    fields.complain(fields.path_of("name"), "must be a path beside the file");
  companion.sha256 = fields.sha256("sha256");
  companion.bytes = static_cast<std::uint64_t>(fields.integer("bytes", 1, kMaxFileBytes));
  if (fields.has("source")) companion.source = read_source(fields.object("source"));
  fields.refuse_others();
  return companion;
}

/// A name that TensorFlow gave.
std::string read_choice(Fields& fields, const char* key, const std::string& importer) {
  constexpr std::size_t kMaxLength = 256;
  if (!fields.has(key)) return {};
  std::string text = fields.text(key, kMaxLength);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (importer != "tensorflow")
    fields.complain(fields.path_of(key),
                    "is for the importer tensorflow only, not for " + importer);
  else if (text.empty() || std::ranges::any_of(text, is_control))
    fields.complain(fields.path_of(key), "must be a name without control characters");
  return text;
}

void read_companions(Fields& fields, ModelFile& file) {
  file.file_name = fields.text("file_name");
  if (!is_member_path(file.file_name) || file.file_name.contains('/'))
    fields.complain(fields.path_of("file_name"), "must be the name of a file");
  if (!fields.has("companions")) return;
  std::set<std::string> names = {file.file_name};
  const nlohmann::json& list = fields.array("companions", kMaxFiles);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = fields.path_of("companions") + "[" + std::to_string(i) + "]";
    file.companions.push_back(read_companion(fields.item(list[i], path)));
    if (!names.insert(file.companions.back().name).second)
      fields.complain(path + ".name", "is there twice");
    if (file.source.has_value() != file.companions.back().source.has_value())
      fields.complain(path + ".source", "must be there if the file has one, and only then");
  }
}

ModelFile read_model_file(Fields fields) {
  ModelFile file;
  file.name = fields.text("name");
  if (!is_plain_name(file.name))
    fields.complain(fields.path_of("name"), "must be made of a-z, 0-9, '.' and '-'");
  file.sha256 = fields.sha256("sha256");
  if (fields.has("source")) file.source = read_source(fields.object("source"));
  file.importer = fields.text("importer", 64);
  if (file.importer.empty()) fields.complain(fields.path_of("importer"), "is empty");
  file.tag = read_choice(fields, "tag", file.importer);
  file.signature = read_choice(fields, "signature", file.importer);
  if (fields.has("int8")) file.int8 = read_recipe(fields.object("int8"));
  if (fields.has("weights")) {
    file.f16 = fields.text("weights") == "f16";
    if (!file.f16) fields.complain(fields.path_of("weights"), "must be f16");
    if (file.int8) fields.complain(fields.path_of("weights"), "cannot be beside int8");
  }
  file.onnx_sha256 = fields.sha256("onnx_sha256");
  if (fields.has("onnx_bytes"))
    file.onnx_bytes = static_cast<std::uint64_t>(fields.integer("onnx_bytes", 1, kMaxFileBytes));
  if (fields.has("companions") || fields.has("file_name")) read_companions(fields, file);
  if (fields.has("as_data")) file.as_data = fields.boolean("as_data");
  if (fields.has("screen_margin")) {
    file.screen_margin = fields.number("screen_margin");
    if (!(file.screen_margin > 0 && file.screen_margin < 1))
      fields.complain(fields.path_of("screen_margin"), "must be above 0 and below 1");
  }
  fields.refuse_others();
  return file;
}

std::array<float, 3> triple(Fields& fields, const char* key) {
  std::array<float, 3> out{};
  const std::vector<float> values = fields.floats(key, 3, 3);
  std::ranges::copy(values, out.begin());
  return out;
}

Preparation read_preparation(Fields fields) {
  Preparation preparation;
  preparation.width = static_cast<int>(fields.integer("width", 0, kMaxSide));
  preparation.height = static_cast<int>(fields.integer("height", 0, kMaxSide));
  if ((preparation.width == 0) != (preparation.height == 0))
    fields.complain(fields.path_of("width"), "and height must both be 0 (any size) or neither");
  preparation.colour = static_cast<ColourOrder>(fields.choice("colour", kColours));
  if (fields.has("prewhiten")) preparation.prewhiten = fields.boolean("prewhiten");
  if (!preparation.prewhiten) {
    preparation.mean = triple(fields, "mean");
    preparation.scale = triple(fields, "scale");
    if (std::ranges::any_of(preparation.scale, [](float s) { return s <= 0; }))
      fields.complain(fields.path_of("scale"), "must be positive");
  }
  fields.refuse_others();
  return preparation;
}

QualityAware read_quality_aware(Fields fields) {
  const QualityAware constants{.alpha = fields.number("alpha"), .beta = fields.number("beta")};
  fields.refuse_others();
  return constants;
}

QualityFit read_quality(Fields fields) {
  constexpr std::size_t kMaxMeasures = 64;
  QualityFit fit{.bias = fields.number("bias"), .weights = {}, .provenance = {}};
  Fields weights = fields.object("weights");
  for (const auto& [name, value] : weights.json().items()) {
    const double weight = weights.number(name.c_str());
    if (weight < 0) weights.complain(weights.path_of(name.c_str()), "must not be below 0");
    fit.weights.emplace(name, weight);
  }
  if (fit.weights.empty() || fit.weights.size() > kMaxMeasures)
    fields.complain(fields.path_of("weights"), "must be 1 to 64 numbers by name");
  fit.provenance = fields.text("provenance");
  fields.refuse_others();
  return fit;
}

Golden read_golden(Fields fields) {
  Golden golden;
  golden.file = fields.text("file");
  golden.width = static_cast<int>(fields.integer("width", 1, kMaxSide));
  golden.height = static_cast<int>(fields.integer("height", 1, kMaxSide));
  golden.output = fields.text("output");
  golden.offset = static_cast<std::size_t>(fields.integer("offset", 0, 1 << 24));
  golden.stride = static_cast<std::size_t>(fields.integer("stride", 1, 1 << 24));
  golden.values = fields.floats("values", 1, kMaxGoldenValues);
  Fields tolerance = fields.object("tolerance");
  for (const char* precision : {"f32", "bf16", "f16", "int8"}) {
    if (!tolerance.has(precision)) continue;
    const double most = tolerance.number(precision);
    if (most <= 0) tolerance.complain(tolerance.path_of(precision), "must be positive");
    golden.tolerance.emplace(precision, most);
  }
  tolerance.refuse_others();
  if (golden.tolerance.empty())
    tolerance.complain(fields.path_of("tolerance"), "must hold at least one precision");
  golden.provenance = fields.text("provenance");
  fields.refuse_others();
  return golden;
}

std::string item_path(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

void read_files(Fields& fields, Manifest& manifest, Complaint& complaint) {
  const nlohmann::json& list = fields.array("files", kMaxFiles);
  std::set<std::string> names;
  for (std::size_t i = 0; i < list.size(); ++i) {
    manifest.files.push_back(read_model_file(Fields(list[i], item_path("files", i), complaint)));
    if (!names.insert(manifest.files.back().name).second)
      fields.complain(item_path("files", i) + ".name", "is there twice");
  }
  if (list.empty()) fields.complain("files", "must name at least one file");
}

void read_goldens(Fields& fields, Manifest& manifest, Complaint& complaint) {
  if (!fields.has("golden")) return;
  const nlohmann::json& list = fields.array("golden", kMaxGoldens);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = item_path("golden", i);
    manifest.golden.push_back(read_golden(Fields(list[i], path, complaint)));
    const Golden& golden = manifest.golden.back();
    if (std::ranges::find(manifest.files, golden.file, &ModelFile::name) == manifest.files.end())
      fields.complain(path + ".file", "names no file of this model");
    const Preparation& size = manifest.preparation;
    if (size.width != 0 && (golden.width != size.width || golden.height != size.height))
      fields.complain(path + ".width", "and height must be those of the preparation");
  }
}

MeasuredFigure read_figure(Fields fields) {
  MeasuredFigure figure{.name = fields.text("figure", 64), .before = {}, .after = 0};
  if (fields.has("float")) figure.before = fields.number("float");
  figure.after = fields.number(fields.has("f16") ? "f16" : "int8");
  fields.refuse_others();
  return figure;
}

Measured read_measured(Fields fields, Complaint& complaint) {
  Measured measured{.model = fields.text("model", 64), .figures = {}, .provenance = {}};
  const nlohmann::json& list = fields.array("figures", kMaxFigures);
  for (std::size_t i = 0; i < list.size(); ++i)
    measured.figures.push_back(
        read_figure(Fields(list[i], item_path("measured.figures", i), complaint)));
  measured.provenance = fields.text("provenance");
  fields.refuse_others();
  return measured;
}

MeasuredFigure read_certified_figure(Fields fields) {
  MeasuredFigure figure{.name = fields.text("figure", 64), .before = {}, .after = 0};
  if (fields.has("original")) figure.before = fields.number("original");
  figure.after = fields.number("result");
  fields.refuse_others();
  return figure;
}

CertifiedEngine read_certified(Fields fields, Complaint& complaint) {
  CertifiedEngine engine{.engine = fields.text("engine", 64),
                         .version = fields.text("version", 64),
                         .max_abs = fields.number("max_abs"),
                         .min_cosine = fields.number("min_cosine")};
  if (fields.has("recognition")) {
    const nlohmann::json& list = fields.array("recognition", kMaxFigures);
    const std::string path = fields.path_of("recognition");
    for (std::size_t i = 0; i < list.size(); ++i)
      engine.recognition.push_back(
          read_certified_figure(Fields(list[i], item_path(path, i), complaint)));
  }
  fields.refuse_others();
  return engine;
}

void read_certificates(Fields& fields, Manifest& manifest, Complaint& complaint) {
  if (!fields.has("certificates")) return;
  const nlohmann::json& list = fields.array("certificates", kMaxFiles);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = item_path("certificates", i);
    Fields entry(list[i], path, complaint);
    Certificate& certificate = manifest.certificates.emplace_back();
    certificate.file = entry.text("file", 64);
    certificate.source_sha256 = entry.sha256("source_sha256");
    certificate.result_sha256 = entry.sha256("result_sha256");
    certificate.inputs = entry.text("inputs", 256);
    if (entry.has("photos")) certificate.photos = entry.text("photos", 256);
    const nlohmann::json& engines = entry.array("engines", kMaxEngines);
    for (std::size_t k = 0; k < engines.size(); ++k)
      certificate.engines.push_back(read_certified(
          Fields(engines[k], path + "." + item_path("engines", k), complaint), complaint));
    entry.refuse_others();
    if (std::ranges::find(manifest.files, certificate.file, &ModelFile::name) ==
        manifest.files.end())
      fields.complain(path + ".file", "names no file of this model");
  }
}

Member read_member(Fields fields) {
  Member member{
      .model = fields.text("model"), .weight = fields.number("weight"), .manifest = nullptr};
  if (!is_plain_name(member.model)) fields.complain(fields.path_of("model"), "is no id");
  if (!(member.weight > 0 && member.weight < 1))
    fields.complain(fields.path_of("weight"), "must be above 0 and below 1");
  fields.refuse_others();
  return member;
}

Fusion read_fusion(Fields fields, Complaint& complaint) {
  Fusion fusion;
  const nlohmann::json& list = fields.array("members", kMaxMembers);
  std::set<std::string> models;
  double sum = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = item_path("fusion.members", i);
    fusion.members.push_back(read_member(Fields(list[i], path, complaint)));
    sum += fusion.members.back().weight;
    if (!models.insert(fusion.members.back().model).second)
      fields.complain(path + ".model", "is there twice");
  }
  if (list.size() < 2) fields.complain("fusion.members", "must be at least two");
  if (std::abs(sum - 1) > kSumTolerance)
    fields.complain("fusion.members", "have weights that do not add up to 1");
  fusion.provenance = fields.text("provenance");
  fields.refuse_others();
  return fusion;
}

void read_recogniser(Fields& fields, Manifest& manifest) {
  manifest.dimension = static_cast<int>(fields.integer("dimension", 1, kMaxDimension));
  manifest.norm_is_quality = fields.boolean("norm_is_quality");
  if (!manifest.fusion)
    manifest.alignment = static_cast<AlignmentTemplate>(fields.choice("alignment", kTemplates));
  if (fields.has("quality_aware"))
    manifest.quality_aware = read_quality_aware(fields.object("quality_aware"));
  if (fields.has("quality")) manifest.quality = read_quality(fields.object("quality"));
}

Manifest read_manifest(const nlohmann::json& document, Complaint& complaint) {
  Fields fields(document, "", complaint);
  Manifest manifest;
  const std::string schema = fields.text("schema");
  if (schema != kSchema) fields.complain("schema", "must be " + std::string(kSchema));
  manifest.id = fields.text("id");
  if (!is_plain_name(manifest.id))
    fields.complain("id",
                    "must be at most 64 of a-z, 0-9, '.' and '-', and start with neither sign");
  manifest.title = fields.text("title", 256);
  manifest.role = static_cast<Role>(fields.choice("role", kRoles));
  manifest.family = fields.text("family", 64);
  manifest.weights_licence = fields.text("weights_licence");
  if (fields.has("terms")) manifest.terms = static_cast<Terms>(fields.choice("terms", kTerms));
  manifest.training_data = fields.text("training_data");
  if (manifest.role == Role::kRecogniser && fields.has("fusion")) {
    manifest.fusion = read_fusion(fields.object("fusion"), complaint);
    read_recogniser(fields, manifest);
  } else {
    manifest.preparation = read_preparation(fields.object("preparation"));
    if (manifest.role == Role::kRecogniser) read_recogniser(fields, manifest);
    read_files(fields, manifest, complaint);
    read_goldens(fields, manifest, complaint);
    read_certificates(fields, manifest, complaint);
  }
  if (fields.has("measured"))
    manifest.measured = read_measured(fields.object("measured"), complaint);
  if (fields.has("notes")) manifest.notes = fields.text("notes", 16384);
  fields.refuse_others();
  return manifest;
}

template <class Pattern, class Number>
std::string bits(Number value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  auto pattern = std::bit_cast<Pattern>(value);
  std::string text(2 * sizeof(Pattern), '0');
  for (std::size_t i = text.size(); i-- > 0; pattern >>= 4U) text[i] = kDigits[pattern & 15U];
  return text;
}

std::string canonical_text(const Manifest& manifest, bool flip);

std::string canonical_text(const Fusion& fusion, bool flip) {
  std::string text = "visavis fusion 1\n";
  for (const Member& member : fusion.members)
    text += "member " + bits<std::uint64_t>(member.weight) + "\n" +
            canonical_text(*member.manifest, flip);
  return text;
}

std::string canonical_text(const Manifest& manifest, bool flip) {
  if (manifest.fusion) return canonical_text(*manifest.fusion, flip);
  const Preparation& p = manifest.preparation;
  std::string text = "visavis model 1\n";
  for (const ModelFile& file : manifest.files) {
    text += "file " + file.name + " " + file.sha256 + " " + file.importer + "\n";
    for (const Companion& companion : file.companions)
      text += "with " + companion.sha256 + " " + companion.name + "\n";
    if (!file.tag.empty()) text += "tag " + file.tag + "\n";
    if (!file.signature.empty()) text += "signature " + file.signature + "\n";
    // What a recipe makes is the same only where all its numbers are.
    if (file.int8) text += "int8 " + file.onnx_sha256 + "\n";
    if (file.f16) text += "f16 " + file.onnx_sha256 + "\n";
  }
  text += "size " + std::to_string(p.width) + " " + std::to_string(p.height) + "\n";
  text += "colour " + std::string(kColours[static_cast<std::size_t>(p.colour)]) + "\n";
  if (p.prewhiten) {
    text += "prewhiten\n";
  } else {
    for (std::size_t c = 0; c < 3; ++c)
      text += "channel " + bits<std::uint32_t>(p.mean[c]) + " " + bits<std::uint32_t>(p.scale[c]) +
              "\n";
  }
  text +=
      "alignment " + std::string(kTemplates[static_cast<std::size_t>(manifest.alignment)]) + "\n";
  text += "dimension " + std::to_string(manifest.dimension) + "\n";
  text += flip ? "flip 1\n" : "flip 0\n";
  return text;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view json) {
  VISAVIS_TRY(document, parse_document(json));
  Complaint complaint;
  Manifest manifest = read_manifest(document, complaint);
  if (complaint) return fail(ErrorCode::kDecodeFailed, "manifest: " + *complaint);
  return manifest;
}

std::vector<ModelFile> all_files(const Manifest& manifest) {
  std::vector<ModelFile> files = manifest.files;
  if (!manifest.fusion) return files;
  for (const Member& member : manifest.fusion->members) {
    for (ModelFile file : member.manifest->files) {
      file.name = member.model + "/" + file.name;
      files.push_back(std::move(file));
    }
  }
  return files;
}

ModelId model_id(const Manifest& manifest, bool flip) {
  const Sha256 digest = sha256(canonical_text(manifest, flip));
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < 8; ++i) id = (id << 8U) | digest[i];
  return ModelId{id};
}

std::string to_hex(ModelId id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  auto value = static_cast<std::uint64_t>(id);
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4U)
    text[static_cast<std::size_t>(i)] = kDigits[value & 15U];
  return text;
}

Image test_chip(int width, int height) {
  // Three folded ramps that cross at different slopes, bent by x·y so that no shift or flip of the
  // picture gives the same picture.
  constexpr std::array<std::array<int, 3>, 3> kWaves = {{{7, 3, 40}, {2, 11, 170}, {5, 6, 300}}};
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    std::uint8_t* row = image.row(y);
    for (int x = 0; x < width; ++x) {
      for (const auto& [along_x, along_y, start] : kWaves) {
        const int phase = (along_x * x + along_y * y + x * y / 8 + start) % 510;
        *row++ = static_cast<std::uint8_t>(255 - std::abs(phase - 255));
      }
    }
  }
  return image;
}

}  // namespace visavis::models
