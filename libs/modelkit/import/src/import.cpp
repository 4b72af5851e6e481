#include "visavis/import/import.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/models/manifest.hpp>

#include "caffe.hpp"
#include "coreml.hpp"
#include "dlib.hpp"
#include "inception_resnet.hpp"
#include "iresnet.hpp"
#include "mobilefacenet.hpp"
#include "mtcnn.hpp"
#include "openvino.hpp"
#include "safetensors.hpp"
#include "state_dict.hpp"
#include "tensorflow.hpp"
#include "tflite.hpp"
#include "tflite_to_onnx.hpp"

namespace visavis::modelkit {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kMaxBytes = std::uint64_t{2} << 30U;

/// Memory from the heap starts at a multiple of 16, which the reader of TensorFlow Lite asks for.
Bytes aligned_copy(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

/// A model and the files beside it that its weights lie in.
Result<graph::Graph> read_onnx(std::span<const Part> parts) {
  if (parts.empty()) return fail(ErrorCode::kInvalidArgument, "there is no file");
  std::vector<graph::OnnxData> beside;
  for (const Part& part : parts.subspan(1))
    beside.push_back({.name = part.name, .bytes = part.bytes});
  return graph::read_onnx(parts.front().bytes, beside);
}

Result<Bytes> import_onnx(std::span<const Part> parts) {
  VISAVIS_TRY(graph, read_onnx(parts));
  if (parts.size() > 1) return graph::write_onnx(graph);
  return parts.front().bytes;
}

Result<Bytes> import_onnx_free_batch(std::span<const Part> parts) {
  VISAVIS_TRY(fixed, read_onnx(parts));
  VISAVIS_TRY(freed, graph::free_batch(std::move(fixed)));
  return graph::write_onnx(graph::flush_subnormals(std::move(freed)));
}

Result<Bytes> import_tflite(std::span<const std::byte> original) {
  const Bytes bytes = aligned_copy(original);
  VISAVIS_TRY(model, read_tflite(bytes));
  return tflite_to_onnx(model);
}

TensorFacts facts_of(const graph::ValueInfo& value) {
  return {
      .name = value.name, .type = std::string(graph::to_string(value.type)), .shape = value.shape};
}

Result<Inspection> inspect_onnx(std::span<const Part> parts) {
  VISAVIS_TRY(graph, read_onnx(parts));
  Inspection out;
  out.format = "ONNX";
  out.importer = "onnx";
  for (const graph::ValueInfo& value : graph.inputs) out.inputs.push_back(facts_of(value));
  for (const graph::ValueInfo& value : graph.outputs) out.outputs.push_back(facts_of(value));
  for (const graph::Node& node : graph.nodes) ++out.operators[node.op];
  for (const graph::Tensor& tensor : graph.initializers) out.parameters += tensor.size();
  return out;
}

Result<Inspection> inspect_tflite(std::span<const std::byte> bytes) {
  const Bytes copy = aligned_copy(bytes);
  VISAVIS_TRY(model, read_tflite(copy));
  Inspection out;
  out.format = "TensorFlow Lite";
  out.importer = "tflite";
  out.producer = model.description;
  const auto facts = [&](std::size_t index) {
    const LiteTensor& tensor = model.tensors[index];
    return TensorFacts{.name = tensor.name, .type = tensor.type, .shape = tensor.shape};
  };
  for (const std::size_t index : model.inputs) out.inputs.push_back(facts(index));
  for (const std::size_t index : model.outputs) out.outputs.push_back(facts(index));
  for (const LiteOperator& op : model.operators) ++out.operators[op.name];
  for (const LiteTensor& tensor : model.tensors) {
    if (!tensor.is_constant()) continue;
    std::uint64_t count = 1;
    for (const std::int64_t n : tensor.shape) count *= static_cast<std::uint64_t>(n);
    out.parameters += count;
  }
  return out;
}

/// Weights that one architecture alone has.
struct Telltale {
  std::string_view weight;
  std::string_view importer;
};
constexpr auto kTelltales =
    std::to_array<Telltale>({{"conv4_2.weight", "pytorch:mtcnn-pnet"},
                             {"dense5_2.weight", "pytorch:mtcnn-rnet"},
                             {"dense6_3.weight", "pytorch:mtcnn-onet"},
                             {"mixed_7a.branch2.2.conv.weight", "pytorch:inception-resnet-v1"},
                             {"logits.weight", "pytorch:inception-resnet-v1-classify"},
                             {"layer1.0.prelu.weight", "pytorch:iresnet"},
                             {"layer1.0.prelu.weight", "pytorch:iresnet-magface"},
                             {"conv_sep.layers.0.weight", "pytorch:mobilefacenet"},
                             {"conv_6_sep.conv.weight", "pytorch:mobilefacenet"},
                             {"gdconv.depthwise.weight", "pytorch:mobilefacenet"}});

std::vector<std::string> importers_for(const StateDict& dict) {
  std::vector<std::string> out;
  for (const Telltale& telltale : kTelltales)
    if (std::ranges::any_of(dict.weights(), [&](const auto& weight) {
          return weight.first.ends_with(telltale.weight);
        }))
      out.emplace_back(telltale.importer);
  return out;
}

Result<Inspection> inspect_state_dict(std::span<const std::byte> bytes) {
  VISAVIS_TRY(dict, StateDict::read(bytes));
  Inspection out;
  out.format = dict.format();
  for (const auto& [name, weight] : dict.weights()) {
    out.weights.push_back(
        {.name = name, .type = std::string(to_string(weight.dtype)), .shape = weight.shape});
    out.parameters += weight.count();
  }
  out.importers = importers_for(dict);
  return out;
}

/// Weights only, as of a state dict: how layers are put together is in no list in the file.
Result<Inspection> inspect_dlib(std::span<const std::byte> bytes) {
  Inspection out;
  out.format = "dlib";
  out.importer = "dlib:resnet";
  DlibReader reader(bytes);
  for (;;) {
    VISAVIS_TRY(layer, reader.next());
    if (!layer) break;
    const auto count = static_cast<std::int64_t>(layer->values.size());
    out.weights.push_back({.name = std::to_string(out.weights.size() + 1) + " " + layer->name,
                           .type = "float32",
                           .shape = {count}});
    out.parameters += layer->values.size();
  }
  if (out.weights.empty()) return fail(ErrorCode::kDecodeFailed, "it has no layer with weights");
  return out;
}

bool starts_with(std::span<const std::byte> bytes, std::size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

/// An original of one file.
using FromFile = Result<Bytes> (*)(std::span<const std::byte>);
/// An original of several: which are there tells their number.
using FromParts = Result<Bytes> (*)(std::span<const Part>);
/// An original that keeps several networks.
using FromChoice = Result<Bytes> (*)(std::span<const Part>, const Choice&);

struct Importer {
  std::string_view name;
  std::variant<FromFile, FromParts, FromChoice> run;
};
constexpr auto kImporters = std::to_array<Importer>(
    {{"onnx", import_onnx},
     {"onnx:free-batch", import_onnx_free_batch},
     {"tensorflow", import_tensorflow},
     {"tflite", import_tflite},
     {"pytorch:mtcnn-pnet", import_pnet},
     {"pytorch:mtcnn-rnet", import_rnet},
     {"pytorch:mtcnn-onet", import_onet},
     {"pytorch:inception-resnet-v1", import_inception_resnet_v1},
     {"pytorch:inception-resnet-v1-classify", import_inception_resnet_v1_classify},
     {"pytorch:iresnet", import_iresnet},
     {"pytorch:iresnet-magface", import_iresnet_magface},
     {"pytorch:mobilefacenet", import_mobilefacenet},
     {"dlib:resnet", import_dlib_resnet},
     {"caffe", import_caffe},
     {"coreml", import_coreml},
     {"openvino", import_openvino}});

Result<const Importer*> find_importer(std::string_view name) {
  const auto* found = std::ranges::find(kImporters, name, &Importer::name);
  if (found != kImporters.end()) return found;
  std::string known;
  for (const Importer& importer : kImporters)
    known += (known.empty() ? "" : ", ") + std::string(importer.name);
  return fail(ErrorCode::kNotFound,
              "there is no importer " + std::string(name) + "; known are: " + known);
}

std::unexpected<Error> nothing_to_choose() {
  return fail(ErrorCode::kNotFound,
              "tags and signatures are chosen of a TensorFlow SavedModel, which this is not");
}

/// A file of the same name with another suffix, without which the first is not whole.
struct Companion {
  std::string_view of;
  std::string_view suffix;
};
constexpr auto kCompanions = std::to_array<Companion>(
    {{".prototxt", ".caffemodel"}, {".caffemodel", ".prototxt"}, {".xml", ".bin"}});

/// The files beside an ONNX model that its weights lie in.
/// @param left  so many bytes may be read
Result<void> read_external(const std::filesystem::path& model, std::uint64_t left,
                           std::vector<Part>& parts) {
  VISAVIS_TRY(names, graph::external_files(parts.front().bytes));
  if (names.empty()) return {};
  std::error_code error;
  const auto folder =
      std::filesystem::canonical(std::filesystem::absolute(model).parent_path(), error);
  if (error) return fail(ErrorCode::kNotFound, "its folder: " + error.message());
  for (std::string& name : names) {
    const auto file = std::filesystem::canonical(folder / name, error);
    if (error)
      return fail(ErrorCode::kNotFound,
                  "its weights lie in \"" + name + "\", which is not beside it");
    const auto inside = std::ranges::mismatch(folder, file).in1 == folder.end();
    if (!inside)
      return fail(ErrorCode::kInvalidArgument,
                  "its weights lie in \"" + name + "\", a link that leads out of its folder");
    auto bytes = read_file(file, left);
    if (!bytes)
      return fail(bytes.error().code, "\"" + name + "\" beside it: " + bytes.error().message);
    left -= bytes->size();
    parts.push_back({.name = std::move(name), .bytes = *std::move(bytes)});
  }
  return {};
}

/// Of a checkpoint, as TensorFlow calls its files.
bool is_variables(std::string_view name) {
  return name.ends_with(".index") || name.contains(".data-");
}

}  // namespace

Result<std::vector<Part>> read_parts(const std::filesystem::path& path) {
  VISAVIS_TRY(files, tensorflow_files(path));
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(path, error);
  if (files.empty() && is_folder && path.extension() == ".tensorrt")
    return fail(ErrorCode::kInvalidArgument,
                "is a folder for TensorRT, whose network is the ONNX file in it");
  if (files.empty() && is_folder)
    return fail(ErrorCode::kInvalidArgument,
                "is a folder without saved_model.pb, so no SavedModel of TensorFlow's");
  if (files.empty()) files.push_back(path);
  const std::filesystem::path folder = is_folder ? path : path.parent_path();
  std::vector<Part> parts;
  std::uint64_t left = kMaxBytes;
  for (const std::filesystem::path& file : files) {
    VISAVIS_TRY(bytes, read_file(file, left));
    left -= bytes.size();
    parts.push_back(
        {.name = file.lexically_relative(folder).generic_string(), .bytes = std::move(bytes)});
  }
  for (const Companion& companion : kCompanions) {
    if (path.extension() != companion.of) continue;
    std::filesystem::path beside = path;
    beside.replace_extension(companion.suffix);
    std::error_code ignored;
    if (!std::filesystem::exists(beside, ignored)) continue;
    VISAVIS_TRY(more, read_file(beside, kMaxBytes));
    parts.push_back({.name = beside.filename().string(), .bytes = std::move(more)});
  }
  if (path.extension() == ".onnx") VISAVIS_CHECK(read_external(path, left, parts));
  return parts;
}

Result<std::vector<std::byte>> import_model(const models::ModelFile& file,
                                            std::span<const Part> originals) {
  return import_parts(file.importer, originals, {.tag = file.tag, .signature = file.signature});
}

Result<std::vector<std::byte>> import_model(const models::ModelFile& file,
                                            std::span<const std::byte> original) {
  VISAVIS_TRY(importer, find_importer(file.importer));
  const FromFile* run = std::get_if<FromFile>(&importer->run);
  if (run != nullptr && file.tag.empty() && file.signature.empty()) return (*run)(original);
  const Part part{.name = file.file_name.empty() ? file.name : file.file_name,
                  .bytes = {original.begin(), original.end()}};
  return import_model(file, {&part, 1});
}

Result<std::vector<std::byte>> import_parts(std::string_view name, std::span<const Part> parts,
                                            const Choice& choice) {
  VISAVIS_TRY(importer, find_importer(name));
  if (const FromChoice* run = std::get_if<FromChoice>(&importer->run)) return (*run)(parts, choice);
  if (!choice.empty()) return nothing_to_choose();
  if (const FromParts* run = std::get_if<FromParts>(&importer->run)) return (*run)(parts);
  if (parts.empty())
    return fail(ErrorCode::kInvalidArgument, "the importer " + std::string(name) + " wants a file");
  return std::get<FromFile>(importer->run)(parts.front().bytes);
}

Result<Inspection> inspect(std::span<const Part> parts, const Choice& choice) {
  if (parts.empty()) return fail(ErrorCode::kInvalidArgument, "there is no file");
  // By its name, too: then what is wrong with it can be told.
  const bool is_caffe = parts.front().name.ends_with(".prototxt");
  if (!is_caffe && is_tensorflow(parts)) return inspect_tensorflow(parts, choice);
  if (!choice.empty()) return nothing_to_choose();
  if (is_caffe) return inspect_caffe(parts);
  if (parts.front().name.ends_with(".xml") || looks_like_openvino(parts.front().bytes))
    return inspect_openvino(parts);
  if (looks_like_caffe(parts.front().bytes)) return inspect_caffe(parts);
  if (graph::looks_like_onnx(parts.front().bytes)) return inspect_onnx(parts);
  auto found = inspect(parts.front().bytes);
  if (!found && found.error().code == ErrorCode::kDecodeFailed && is_variables(parts.front().name))
    return fail(ErrorCode::kUnsupported,
                "these are variables of a TensorFlow checkpoint without its graph (.meta), which "
                "TensorFlow 2 does not write: write a SavedModel with model.export");
  return found;
}

std::span<const std::string_view> formats() noexcept {
  static constexpr auto kFormats = std::to_array<std::string_view>(
      {"ONNX", "PyTorch state dict", "NumPy arrays", "safetensors", "TensorFlow frozen graph",
       "TensorFlow SavedModel", "TensorFlow checkpoint", "TensorFlow Lite", "Caffe", "Core ML",
       "OpenVINO IR", "dlib"});
  return kFormats;
}

Result<Inspection> inspect(std::span<const std::byte> bytes) {
  if (bytes.empty()) return fail(ErrorCode::kDecodeFailed, "it is empty");
  if (looks_like_caffe(bytes)) {
    const Part part{.name = {}, .bytes = {bytes.begin(), bytes.end()}};
    return inspect_caffe({&part, 1});
  }
  if (looks_like_coreml(bytes)) return inspect_coreml(bytes);
  if (starts_with(bytes, 4, "TFL3")) return inspect_tflite(bytes);
  // A zip archive, a pickle of protocol 2 that begins with PyTorch's magic number, or an array.
  if (starts_with(bytes, 0, "PK\x03\x04") || starts_with(bytes, 0, "\x80\x02\x8a") ||
      starts_with(bytes, 0, "\x93NUMPY") || looks_like_safetensors(bytes))
    return inspect_state_dict(bytes);
  if (starts_with(bytes, 0, "\x89HDF\r\n\x1a\n"))
    return fail(ErrorCode::kUnsupported,
                "this is an HDF5 file, such as Keras's .h5, which is not read: write a SavedModel "
                "with model.export");
  // Version 1 of the outermost layer. An ONNX file may begin so only with a wire type of no use.
  if (starts_with(bytes, 0, "\x01\x01")) return inspect_dlib(bytes);
  if (graph::looks_like_onnx(bytes)) {
    const Part part{.name = {}, .bytes = {bytes.begin(), bytes.end()}};
    return inspect_onnx({&part, 1});
  }
  std::string text = "it is damaged, or no network of a format that is read:";
  for (const std::string_view format : formats())
    text += (format == formats().front() ? " " : ", ") + std::string(format);
  return fail(ErrorCode::kDecodeFailed, std::move(text));
}

}  // namespace visavis::modelkit
