#include "coreml.hpp"

#include <coreml.pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>

#include "builder.hpp"
#include "coreml_layers.hpp"
#include "proto_parts.hpp"
#include "visavis/import/import.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::int32_t kFloat32 = 65568;  ///< ArrayFeatureType.ArrayDataType
constexpr std::int32_t kDouble = 65600;
constexpr int kMostLayers = 10'000;
constexpr std::size_t kLongestName = 1024;

std::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed model of Core ML's: " + what);
}

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "the Core ML importer does not know " + what);
}

Result<coreml::Model> parse(std::span<const std::byte> bytes) {
  VISAVIS_CHECK(check_parts(bytes, kCoremlForm));
  coreml::Model model;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return malformed("it is damaged or something else");
  return model;
}

Result<const coreml::NeuralNetwork*> network_of(const coreml::Model& model) {
  if (model.has_mlprogram())
    return unsupported(
        "ML Programs: convert the network with coremltools and convert_to=\"neuralnetwork\"");
  if (model.has_pipeline()) return unsupported("pipelines of several models");
  if (model.has_neuralnetworkclassifier())
    return unsupported("classifiers with names of classes: the network inside is needed");
  if (!model.has_neuralnetwork()) return unsupported("models that are no neural network");
  const coreml::NeuralNetwork& network = model.neuralnetwork();
  if (network.layers_size() > kMostLayers)
    return unsupported("a network of more than 10,000 layers");
  return &network;
}

/// As declared; -1 where a range says that the size may be another.
Result<Shape> declared_shape(const coreml::FeatureDescription& feature) {
  if (feature.type().has_imagetype()) return unsupported("pictures as inputs: arrays are needed");
  if (!feature.type().has_multiarraytype()) return unsupported("inputs that are no arrays");
  const auto& array = feature.type().multiarraytype();
  if (array.datatype() != kFloat32 && array.datatype() != kDouble)
    return unsupported("arrays of other than numbers with a fraction");
  Shape shape(array.shape().begin(), array.shape().end());
  if (shape.size() > graph::kMaxRank - 1) return malformed("too many dimensions");
  for (const std::int64_t n : shape)
    if (n < 1 || n > graph::kMaxElements) return malformed("a dimension out of range");
  const auto& ranges = array.shaperange().sizeranges();
  if (ranges.size() == static_cast<int>(shape.size()))
    for (int i = 0; i < ranges.size(); ++i)
      if (ranges[i].upperbound() < 0 ||
          static_cast<std::uint64_t>(ranges[i].upperbound()) != ranges[i].lowerbound())
        shape[static_cast<std::size_t>(i)] = -1;
  for (const auto& other : array.enumeratedshapes().shapes())
    for (int i = 0; i < other.shape_size() && i < static_cast<int>(shape.size()); ++i)
      if (other.shape(i) != shape[static_cast<std::size_t>(i)])
        shape[static_cast<std::size_t>(i)] = -1;
  return shape;
}

/// ImageFeatureType.ColorSpace
enum Colours : std::int32_t { kGrey = 10, kRgb = 20, kBgr = 30 };

/// [-1, channels, height, width], pixels from 0 to 255.
Result<Shape> picture_shape(const coreml::ImageFeatureType& image) {
  const std::int32_t colours = image.colorspace();
  if (colours != kGrey && colours != kRgb && colours != kBgr)
    return unsupported("pictures of these colours");
  constexpr std::int64_t kMost = 1 << 16;
  if (std::min(image.width(), image.height()) < 1 ||
      std::max(image.width(), image.height()) > kMost)
    return malformed("a picture's size is out of range");
  return Shape{-1, colours == kGrey ? 1 : 3, image.height(), image.width()};
}

/// channelScale · x + bias, with a bias for each colour (NeuralNetworkImageScaler).
std::string scaled(Builder& builder, const std::string& picture,
                   const coreml::NeuralNetworkImageScaler& scaler, std::int32_t colours) {
  std::vector<float> bias = {scaler.redbias(), scaler.greenbias(), scaler.bluebias()};
  if (colours == kBgr) std::swap(bias.front(), bias.back());
  if (colours == kGrey) bias = {scaler.graybias()};
  const auto channels = static_cast<std::int64_t>(bias.size());
  const std::string factor = builder.constant(
      {.name = picture + ".scale", .shape = {}, .values = {scaler.channelscale()}});
  const std::string shift = builder.constant(
      {.name = picture + ".bias", .shape = {channels, 1, 1}, .values = std::move(bias)});
  const std::string product = builder.node("Mul", picture + ".product", {picture, factor}, {});
  return builder.node("Add", picture + ".scaled", {product, shift}, {});
}

Result<void> add_picture(Builder& builder, ml::CoreMlAssembly& assembly,
                         const coreml::FeatureDescription& feature,
                         const coreml::NeuralNetwork& network) {
  VISAVIS_TRY(shape, picture_shape(feature.type().imagetype()));
  std::string value = builder.input(feature.name(), shape);
  for (const auto& preparation : network.preprocessing()) {
    // Files of a single picture may leave the name out.
    if (preparation.has_featurename() && preparation.featurename() != feature.name()) continue;
    if (preparation.has_meanimage() || !preparation.has_scaler() || value != feature.name())
      return unsupported("another preparation of pictures than one factor and biases");
    value = scaled(builder, value, preparation.scaler(), feature.type().imagetype().colorspace());
  }
  return assembly.add(feature.name(), {.name = std::move(value), .shape = std::move(shape)});
}

/// Networks of the first versions see [sequence, batch, channels, height, width], of which the
/// first two are one free batch here.
Result<Shape> with_batch(Shape shape) {
  if (shape.size() == 1) return Shape{-1, shape[0], 1, 1};
  if (shape.size() == 3) return Shape{-1, shape[0], shape[1], shape[2]};
  return malformed("an input of other than one or three dimensions");
}

Result<void> check_layers(const coreml::NeuralNetwork& network) {
  std::set<std::string> unknown;
  for (const auto& layer : network.layers()) {
    if (!ml::knows_coreml_layer(layer)) unknown.insert(ml::coreml_kind(layer));
    for (const auto& output : layer.output())
      if (output.empty() || output.size() > kLongestName)
        return malformed("a name is empty or longer than 1024 characters");
    if (layer.name().size() > kLongestName)
      return malformed("a name is longer than 1024 characters");
  }
  if (unknown.empty()) return {};
  std::string all;
  for (const std::string& kind : unknown) all += (all.empty() ? "" : ", ") + kind;
  return unsupported("layers of the " + all + " (numbers as in NeuralNetwork.proto)");
}

/// Calls a value otherwise, so that another can have its name.
/// @return the new name; the old one if inputs, outputs or constants are called so
std::string renamed(graph::Graph& graph, const std::string& old) {
  const auto is_called = [](const auto& values, const std::string& name) {
    return std::ranges::any_of(values, [&](const auto& value) { return value.name == name; });
  };
  if (is_called(graph.inputs, old) || is_called(graph.outputs, old) ||
      is_called(graph.initializers, old))
    return old;
  std::set<std::string_view> taken;
  for (const graph::Node& node : graph.nodes)
    taken.insert(node.outputs.begin(), node.outputs.end());
  std::string name = old + ".map";
  while (taken.contains(name) || is_called(graph.inputs, name) ||
         is_called(graph.initializers, name))
    name += '_';
  for (graph::Node& node : graph.nodes) {
    std::ranges::replace(node.inputs, old, name);
    std::ranges::replace(node.outputs, old, name);
    if (node.name == old) node.name = name;
  }
  return name;
}

/// An array of one dimension that the network gives as channels × 1 × 1 becomes a row.
Result<void> add_output(Builder& builder, const ml::CoreMlAssembly& assembly,
                        const coreml::FeatureDescription& feature, bool exact) {
  const ml::CoreMlValue* value = assembly.find(feature.name());
  if (value == nullptr) return malformed("an output that no layer gives");
  const bool is_row = !exact && feature.type().multiarraytype().shape_size() == 1 &&
                      value->shape.size() == 4 && value->shape[2] == 1 && value->shape[3] == 1;
  if (!is_row) {
    builder.output(value->name, value->shape);
    return {};
  }
  const bool is_own = value->name == feature.name();
  const std::string from = is_own ? renamed(builder.graph(), value->name) : value->name;
  const std::string name = from == feature.name() ? from + ".row" : feature.name();
  builder.output(builder.flatten(name, from), {value->shape[0], value->shape[1]});
  return {};
}

TensorFacts facts_of(const coreml::FeatureDescription& feature) {
  TensorFacts facts{.name = feature.name(), .type = "float32", .shape = {}};
  const bool is_picture = feature.type().has_imagetype();
  if (is_picture) facts.type = "picture";
  if (const auto shape =
          is_picture ? picture_shape(feature.type().imagetype()) : declared_shape(feature))
    facts.shape = *shape;
  return facts;
}

}  // namespace

Result<std::vector<std::byte>> import_coreml(std::span<const std::byte> bytes) {
  VISAVIS_TRY(model, parse(bytes));
  VISAVIS_TRY(network, network_of(model));
  VISAVIS_CHECK(check_layers(*network));
  const bool exact = network->arrayinputshapemapping() == 1;
  Builder builder("coreml");
  ml::CoreMlAssembly assembly(builder);
  for (const auto& input : model.description().input()) {
    if (input.name().empty() || input.name().size() > kLongestName)
      return malformed("an input without a name, or one of more than 1024 characters");
    if (input.type().has_imagetype()) {
      VISAVIS_CHECK(add_picture(builder, assembly, input, *network));
      continue;
    }
    VISAVIS_TRY(declared, declared_shape(input));
    if (!exact) {
      VISAVIS_TRY(shape, with_batch(std::move(declared)));
      declared = std::move(shape);
    }
    if (declared.empty()) return malformed("an input without a shape");
    builder.input(input.name(), declared);
    VISAVIS_CHECK(assembly.add(input.name(), {.name = input.name(), .shape = std::move(declared)}));
  }
  for (const auto& layer : network->layers()) VISAVIS_CHECK(assembly.add(layer));
  if (model.description().output().empty()) return malformed("there is no output");
  for (const auto& output : model.description().output())
    VISAVIS_CHECK(add_output(builder, assembly, output, exact));
  return builder.finish();
}

bool looks_like_coreml(std::span<const std::byte> bytes) {
  // The version and the description come first, which ONNX's version and producer look like.
  if (bytes.empty() || bytes.front() != std::byte{8}) return false;
  const auto model = parse(bytes);
  return model && model->has_specificationversion() && model->has_description() &&
         (model->has_neuralnetwork() || model->has_neuralnetworkclassifier() ||
          model->has_mlprogram() || model->has_pipeline());
}

Result<Inspection> inspect_coreml(std::span<const std::byte> bytes) {
  VISAVIS_TRY(model, parse(bytes));
  Inspection out;
  out.format = "Core ML";
  out.importer = "coreml";
  out.producer = model.description().metadata().author();
  for (const auto& input : model.description().input()) out.inputs.push_back(facts_of(input));
  for (const auto& output : model.description().output()) out.outputs.push_back(facts_of(output));
  if (model.has_mlprogram()) out.operators["mlProgram"] = 1;
  if (model.has_pipeline()) out.operators["pipeline"] = 1;
  const coreml::NeuralNetwork& network =
      model.has_neuralnetworkclassifier() ? model.neuralnetworkclassifier() : model.neuralnetwork();
  for (const auto& layer : network.layers()) ++out.operators[ml::coreml_kind(layer)];
  // All numbers of a network whose layers are known, and what outputs are of whose shapes are left
  // out.
  const auto onnx = import_coreml(bytes);
  const auto graph = onnx ? graph::read_onnx(*onnx) : std::unexpected(onnx.error());
  if (!graph) return out;
  for (const graph::Tensor& tensor : graph->initializers) out.parameters += tensor.size();
  const bool exact = network.arrayinputshapemapping() == 1;
  for (std::size_t i = 0; i < out.outputs.size(); ++i) {
    if (!out.outputs[i].shape.empty()) continue;
    const auto shape = std::span(graph->outputs[i].shape);
    const auto told = shape.subspan(exact || shape.empty() ? 0 : 1);  // without with_batch's one
    out.outputs[i].shape.assign(told.begin(), told.end());
  }
  return out;
}

}  // namespace visavis::modelkit
