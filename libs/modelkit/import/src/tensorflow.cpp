#include "tensorflow.hpp"

#include <tensorflow.pb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>

#include "bundle.hpp"
#include "proto_parts.hpp"
#include "refusals.hpp"
#include "tensorflow_graph.hpp"
#include "tensorflow_to_onnx.hpp"
#include "visavis/import/import.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::string_view kModelFile = "saved_model.pb";
constexpr std::string_view kVariables = "variables/variables";
constexpr std::string_view kTag = "serve";
constexpr std::string_view kSignature = "serving_default";
constexpr std::string_view kInitialisation = "__saved_model_init_op";
/// What davidsandberg/facenet's graphs call theirs.
constexpr std::string_view kEmbeddings = "embeddings";

using Bytes = std::vector<std::byte>;

std::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed TensorFlow file: " + what);
}

/// A tensor that the network takes or gives, and what it is called.
struct Named {
  std::string name;
  std::string tensor;  ///< "node:0"
  std::int32_t type = 0;
  Shape shape;
};

/// The node of "node", "node:0" or "^node".
std::string_view node_of(std::string_view input) {
  if (input.starts_with('^')) input.remove_prefix(1);
  return input.substr(0, input.find(':'));
}

/// What the files hold, whichever they are.
struct Model {
  std::string format;
  std::string producer;
  tensorflow::GraphDef graph;
  std::optional<Bundle> variables;
  std::vector<Named> inputs;   ///< As a signature says, or empty.
  std::vector<Named> outputs;  ///< As a signature says, or empty.
  std::vector<std::string> signatures;
  std::vector<GraphFacts> graphs;
  std::optional<Error> unclear;  ///< Why it does not tell which of its networks is meant.
};

template <class Message>
Result<Message> parsed(std::span<const std::byte> bytes, const WireForm& form) {
  Message message;
  VISAVIS_CHECK(check_parts(bytes, form));
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return malformed("the bytes are damaged or of another format");
  return message;
}

const Part* find(std::span<const Part> parts, std::string_view name) {
  const auto found = std::ranges::find(parts, name, &Part::name);
  return found == parts.end() ? nullptr : &*found;
}

std::string shard_name(std::string_view stem, std::size_t shard, std::size_t count) {
  const auto five = [](std::size_t n) {
    const std::string digits = std::to_string(n);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  return std::string(stem) + ".data-" + five(shard) + "-of-" + five(count);
}

/// The files of numbers beside an index.
Result<Bundle> bundle_of(std::span<const Part> parts, std::string_view stem) {
  const Part* index = find(parts, std::string(stem) + ".index");
  if (index == nullptr)
    return fail(ErrorCode::kInvalidArgument,
                "the file " + printable(stem) + ".index of the variables is missing");
  const std::string prefix = std::string(stem) + ".data-";
  const auto count = static_cast<std::size_t>(std::ranges::count_if(
      parts, [&](const Part& part) { return part.name.starts_with(prefix); }));
  std::vector<std::span<const std::byte>> shards;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = shard_name(stem, i, count);
    const Part* shard = find(parts, name);
    if (shard == nullptr)
      return fail(ErrorCode::kInvalidArgument,
                  "the file " + printable(name) + " of the variables is missing");
    shards.emplace_back(shard->bytes);
  }
  return Bundle::read(index->bytes, std::move(shards));
}

std::vector<Named> tensors_of(const auto& list) {
  std::vector<Named> out;
  for (const tensorflow::SignatureTensor& each : list) {
    Named named{.name = each.key(),
                .tensor = each.value().name(),
                .type = each.value().dtype(),
                .shape = {}};
    const auto& shape = each.value().tensor_shape();
    if (!shape.unknown_rank())
      for (const auto& dim : shape.dim()) named.shape.push_back(dim.size() < 0 ? -1 : dim.size());
    out.push_back(std::move(named));
  }
  return out;
}

std::string type_name(std::int32_t type) {
  switch (static_cast<TensorflowType>(type)) {
    case TensorflowType::kNone:
      break;
    case TensorflowType::kFloat:
      return "float32";
    case TensorflowType::kDouble:
      return "float64";
    case TensorflowType::kInt32:
      return "int32";
    case TensorflowType::kString:
      return "string";
    case TensorflowType::kInt64:
      return "int64";
    case TensorflowType::kBool:
      return "bool";
    case TensorflowType::kHalf:
      return "float16";
  }
  return "type " + std::to_string(type);
}

std::vector<TensorFacts> facts_of(const std::vector<Named>& list) {
  std::vector<TensorFacts> out;
  for (const Named& each : list)
    out.push_back({.name = each.name, .type = type_name(each.type), .shape = each.shape});
  return out;
}

/// Where each node stands.
using Places = std::unordered_map<std::string_view, std::size_t>;

Places places_of(const tensorflow::GraphDef& graph) {
  Places places;
  for (const tensorflow::NodeDef& node : graph.node()) places.emplace(node.name(), places.size());
  return places;
}

/// A signature's order is that of a map; the network's is that of the nodes.
void sort_by_place(const Places& places, std::vector<Named>& list) {
  const auto place = [&](const Named& named) {
    const auto found = places.find(node_of(named.tensor));
    const std::size_t colon = named.tensor.find(':');
    const std::string output = colon == std::string::npos ? "0" : named.tensor.substr(colon + 1);
    return std::tuple(found == places.end() ? places.size() : found->second, output.size(), output);
  };
  std::ranges::sort(list, {}, place);
}

/// Names of what there is, the first of them.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMostNamed = 20;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i)
    out += (i == 0 ? "" : ", ") + printable(names[i]);
  if (names.size() > kMostNamed)
    out += " and " + std::to_string(names.size() - kMostNamed) + " more";
  return out.empty() ? "none" : out;
}

/// The one of that name; "serving_default" or the only one if it is empty; null if there is none.
Result<const tensorflow::Signature*> find_signature(const tensorflow::MetaGraphDef& graph,
                                                    std::string_view name) {
  const tensorflow::Signature* chosen = nullptr;
  std::vector<std::string> names;
  for (const tensorflow::Signature& each : graph.signature_def()) {
    if (each.key() == kInitialisation) continue;
    names.push_back(each.key());
    if (each.key() == (name.empty() ? kSignature : name)) chosen = &each;
    if (name.empty() && chosen == nullptr) chosen = &each;
  }
  std::ranges::sort(names);
  if (!name.empty() && chosen == nullptr)
    return fail(ErrorCode::kNotFound,
                "it has no signature " + printable(name) + "; there are: " + listed(names));
  if (name.empty() && names.size() > 1 && chosen->key() != kSignature)
    return fail(ErrorCode::kUnsupported,
                "it has no signature serving_default, but several others, of which one has to be "
                "chosen: " +
                    listed(names));
  return chosen;
}

/// What is not clear without a choice is kept in the model: who only looks can be told the rest.
Result<void> choose_signature(const tensorflow::MetaGraphDef& graph, const Choice& choice,
                              Model& model) {
  for (const tensorflow::Signature& each : graph.signature_def())
    if (each.key() != kInitialisation) model.signatures.push_back(each.key());
  std::ranges::sort(model.signatures);
  const auto found = find_signature(graph, choice.signature);
  if (!found && choice.signature.empty()) {
    model.unclear = found.error();
    return {};
  }
  if (!found) return std::unexpected(found.error());
  const tensorflow::Signature* chosen = *found;
  if (chosen == nullptr) return {};
  model.inputs = tensors_of(chosen->value().inputs());
  model.outputs = tensors_of(chosen->value().outputs());
  const Places places = places_of(graph.graph_def());
  sort_by_place(places, model.inputs);
  sort_by_place(places, model.outputs);
  return {};
}

std::string version_of(const tensorflow::MetaGraphDef& graph) {
  const std::string& version = graph.meta_info_def().tensorflow_version();
  return version.empty() ? "" : "TensorFlow " + printable(version);
}

/// Takes the graph out of its message without a copy.
tensorflow::GraphDef taken(tensorflow::MetaGraphDef& graph) {
  tensorflow::GraphDef out;
  out.Swap(graph.mutable_graph_def());
  return out;
}

using Tags = std::set<std::string, std::less<>>;

Tags tags_of(const tensorflow::MetaGraphDef& graph) {
  const auto& tags = graph.meta_info_def().tags();
  return {tags.begin(), tags.end()};
}

Tags tags_in(std::string_view list) {
  Tags out;
  for (const auto tag : std::views::split(list, ',')) out.emplace(tag.begin(), tag.end());
  return out;
}

std::string joined(const Tags& tags) {
  std::string out;
  for (const std::string& tag : tags) out += (out.empty() ? "" : ",") + tag;
  return out;
}

/// The graph with those tags and no others, else the only one that has them among others.
Result<tensorflow::MetaGraphDef*> find_graph(tensorflow::SavedModel& saved,
                                             std::string_view wanted) {
  const Tags tags = tags_in(wanted.empty() ? kTag : wanted);
  std::vector<tensorflow::MetaGraphDef*> having;
  std::vector<std::string> names;
  for (tensorflow::MetaGraphDef& graph : *saved.mutable_meta_graphs()) {
    const Tags its = tags_of(graph);
    if (its == tags) return &graph;
    if (std::ranges::includes(its, tags)) having.push_back(&graph);
    names.push_back(joined(its));
  }
  if (having.size() == 1) return having.front();
  if (wanted.empty() && saved.meta_graphs_size() == 1) return saved.mutable_meta_graphs(0);
  if (names.empty()) return malformed("it has no graph");
  const std::string what = having.empty() ? "no graph" : "several graphs";
  return fail(wanted.empty() ? ErrorCode::kUnsupported : ErrorCode::kNotFound,
              "it has " + what + " with the tag " + printable(wanted.empty() ? kTag : wanted) +
                  "; there are: " + listed(names));
}

std::vector<GraphFacts> graphs_of(const tensorflow::SavedModel& saved) {
  std::vector<GraphFacts> out;
  for (const tensorflow::MetaGraphDef& graph : saved.meta_graphs()) {
    const Tags tags = tags_of(graph);
    GraphFacts facts{.tags = {tags.begin(), tags.end()}, .signatures = {}};
    const Places places = places_of(graph.graph_def());
    for (const tensorflow::Signature& each : graph.signature_def()) {
      if (each.key() == kInitialisation) continue;
      std::vector<Named> inputs = tensors_of(each.value().inputs());
      std::vector<Named> outputs = tensors_of(each.value().outputs());
      sort_by_place(places, inputs);
      sort_by_place(places, outputs);
      facts.signatures.push_back(
          {.name = each.key(), .inputs = facts_of(inputs), .outputs = facts_of(outputs)});
    }
    std::ranges::sort(facts.signatures, {}, &SignatureFacts::name);
    out.push_back(std::move(facts));
  }
  return out;
}

/// What a graph calls the variable that a node is a handle of.
std::string variable_of(const tensorflow::NodeDef& node) {
  const auto* shared = attribute(node, "shared_name");
  return shared == nullptr || shared->s().empty() ? node.name() : shared->s();
}

/// Names of variables in the graph need not be those in the checkpoint (Keras 3): which is which is
/// told by the objects that are the last arguments of functions.
void bind_variables(const tensorflow::GraphDef& graph, const tensorflow::SavedObjectGraph& objects,
                    Bundle& variables) {
  std::unordered_map<std::string_view, const tensorflow::SavedConcreteFunction*> functions;
  for (const auto& each : objects.concrete_functions())
    functions.emplace(each.key(), &each.value());
  if (functions.empty()) return;
  std::unordered_map<std::string_view, const tensorflow::NodeDef*> handles;
  for (const tensorflow::NodeDef& node : graph.node())
    if (node.op() == "VarHandleOp") handles.emplace(node.name(), &node);
  for (const tensorflow::NodeDef& node : graph.node()) {
    const auto* called = attribute(node, "f");
    const auto function =
        called == nullptr ? functions.end() : functions.find(called->func().name());
    if (function == functions.end()) continue;
    const auto& bound = function->second->bound_inputs();
    const auto given = std::ranges::count_if(
        node.input(), [](const std::string& input) { return !input.starts_with('^'); });
    for (int i = 0; bound.size() <= given && i < bound.size(); ++i) {
      const auto handle =
          handles.find(node_of(node.input(static_cast<int>(given) - bound.size() + i)));
      if (handle == handles.end() || bound[i] < 0 || bound[i] >= objects.nodes_size()) continue;
      variables.bind(variable_of(*handle->second), static_cast<std::size_t>(bound[i]),
                     objects.nodes(bound[i]).variable().name());
    }
  }
}

Result<Model> read_saved_model(std::span<const Part> parts, const Choice& choice) {
  VISAVIS_TRY(saved,
              parsed<tensorflow::SavedModel>(find(parts, kModelFile)->bytes, kSavedModelForm));
  Model model;
  model.format = "TensorFlow SavedModel";
  model.graphs = graphs_of(saved);
  const auto found = find_graph(saved, choice.tag);
  if (!found && !choice.tag.empty()) return std::unexpected(found.error());
  if (found) {
    model.producer = version_of(**found);
    VISAVIS_CHECK(choose_signature(**found, choice, model));
    model.graph = taken(**found);
  } else {
    model.unclear = found.error();
  }
  if (find(parts, std::string(kVariables) + ".index") != nullptr) {
    VISAVIS_TRY(bundle, bundle_of(parts, kVariables));
    if (found) bind_variables(model.graph, (*found)->object_graph_def(), bundle);
    model.variables = std::move(bundle);
  }
  return model;
}

Result<Model> read_checkpoint(std::span<const Part> parts, const Part& meta, const Choice& choice) {
  if (!choice.tag.empty()) return fail(ErrorCode::kNotFound, "a checkpoint has one graph, no tags");
  VISAVIS_TRY(graph, parsed<tensorflow::MetaGraphDef>(meta.bytes, kTensorflowMetaGraphForm));
  Model model;
  model.format = "TensorFlow checkpoint";
  model.producer = version_of(graph);
  VISAVIS_CHECK(choose_signature(graph, choice, model));
  model.graph = taken(graph);
  VISAVIS_TRY(bundle,
              bundle_of(parts, std::string_view(meta.name).substr(
                                   0, meta.name.size() - std::string_view(".meta").size())));
  model.variables = std::move(bundle);
  return model;
}

Result<Model> read_frozen(std::span<const std::byte> bytes) {
  VISAVIS_TRY(graph, parsed<tensorflow::GraphDef>(bytes, kTensorflowGraphForm));
  if (graph.node_size() == 0) return malformed("it has no nodes");
  Model model;
  model.format = "TensorFlow frozen graph";
  if (graph.versions().producer() > 0)
    model.producer = "TensorFlow, graph version " + std::to_string(graph.versions().producer());
  model.graph = std::move(graph);
  return model;
}

const Part* meta_of(std::span<const Part> parts) {
  const auto found =
      std::ranges::find_if(parts, [](const Part& part) { return part.name.ends_with(".meta"); });
  return found == parts.end() ? nullptr : &*found;
}

Result<Model> read_model(std::span<const Part> parts, const Choice& choice) {
  if (parts.empty()) return fail(ErrorCode::kInvalidArgument, "there is no file");
  if (find(parts, kModelFile) != nullptr) return read_saved_model(parts, choice);
  if (const Part* meta = meta_of(parts)) return read_checkpoint(parts, *meta, choice);
  if (parts.front().name.ends_with(".index"))
    return fail(ErrorCode::kInvalidArgument,
                "the file .meta with the checkpoint's graph is missing");
  if (!choice.empty())
    return fail(ErrorCode::kNotFound,
                "a frozen graph has neither tags nor signatures to choose from");
  return read_frozen(parts.front().bytes);
}

bool is_queue(std::string_view op) {
  return op.starts_with("QueueDequeue") || op == "IteratorGetNext";
}

using NodesByName = std::unordered_map<std::string_view, const tensorflow::NodeDef*>;

/// The shape of one of the pictures' queue's components.
Shape queued_shape(const tensorflow::NodeDef& dequeue, std::size_t component,
                   const NodesByName& nodes) {
  const auto shape_in = [&](const tensorflow::NodeDef& node, std::string_view name) {
    Shape out;
    const auto* shapes = attribute(node, name);
    if (shapes == nullptr || static_cast<std::size_t>(shapes->list().shape_size()) <= component)
      return out;
    const auto& shape = shapes->list().shape(static_cast<int>(component));
    for (const auto& dim : shape.dim()) out.push_back(dim.size() < 0 ? -1 : dim.size());
    return out;
  };
  if (dequeue.op() == "IteratorGetNext") return shape_in(dequeue, "output_shapes");
  const auto queue = dequeue.input_size() > 0 ? nodes.find(node_of(dequeue.input(0))) : nodes.end();
  Shape shape = queue == nodes.end() ? Shape{} : shape_in(*queue->second, "shapes");
  const std::string& op = dequeue.op();
  const bool one = op == "QueueDequeue" || op == "QueueDequeueV2";
  if (!shape.empty() && !one) shape.insert(shape.begin(), -1);
  return shape;
}

std::int32_t queued_type(const tensorflow::NodeDef& dequeue, std::size_t component) {
  for (const std::string_view name : {"component_types", "output_types"})
    if (const auto* types = attribute(dequeue, name))
      if (static_cast<std::size_t>(types->list().type_size()) > component)
        return types->list().type(static_cast<int>(component));
  return 0;
}

/// Pictures come from a queue in graphs made for training: the last Identity behind it ("input" in
/// facenet's) is where they are put in instead.
std::vector<Named> queued_inputs(const tensorflow::GraphDef& graph) {
  NodesByName nodes;
  std::unordered_map<std::string_view, std::string_view> behind;  // tensor -> Identity
  for (const tensorflow::NodeDef& node : graph.node()) {
    nodes.emplace(node.name(), &node);
    if (node.op() == "Identity" && node.input_size() > 0)
      behind.emplace(node.input(0), node.name());
  }
  std::vector<Named> out;
  for (const tensorflow::NodeDef& node : graph.node()) {
    if (!is_queue(node.op())) continue;
    constexpr std::size_t kMostComponents = 16;
    for (std::size_t k = 0; k < kMostComponents; ++k) {
      if (queued_type(node, k) != static_cast<std::int32_t>(TensorflowType::kFloat)) continue;
      auto last = behind.find(k == 0 ? node.name() : node.name() + ":" + std::to_string(k));
      if (last == behind.end()) continue;
      std::string_view name = last->second;
      std::size_t steps = 0;
      for (; (last = behind.find(name)) != behind.end() && steps < behind.size(); ++steps)
        name = last->second;
      out.push_back({.name = std::string(name),
                     .tensor = std::string(name),
                     .type = static_cast<std::int32_t>(TensorflowType::kFloat),
                     .shape = queued_shape(node, k, nodes)});
    }
  }
  return out;
}

bool is_float_placeholder(const tensorflow::NodeDef& node) {
  const auto* type = attribute(node, "dtype");
  return (node.op() == "Placeholder" || node.op() == "PlaceholderV2" ||
          node.op() == "PlaceholderWithDefault") &&
         type != nullptr && type->type() == static_cast<std::int32_t>(TensorflowType::kFloat);
}

/// What nothing reads and what depends on pictures, of float32.
std::vector<Named> ends_of(const tensorflow::GraphDef& graph, std::span<const Named> queued) {
  std::unordered_map<std::string_view, std::vector<const tensorflow::NodeDef*>> readers;
  std::vector<std::string_view> open;
  for (const Named& each : queued) open.push_back(each.tensor);
  for (const tensorflow::NodeDef& node : graph.node()) {
    if (is_float_placeholder(node)) open.push_back(node.name());
    for (const std::string& input : node.input()) {
      if (input.starts_with('^')) continue;
      readers[node_of(input)].push_back(&node);
    }
  }
  std::vector<Named> out;
  std::unordered_set<std::string_view> seen(open.begin(), open.end());
  while (!open.empty()) {
    const std::string_view name = open.back();
    open.pop_back();
    const auto found = readers.find(name);
    if (found == readers.end()) continue;
    for (const tensorflow::NodeDef* reader : found->second)
      if (seen.insert(reader->name()).second) open.push_back(reader->name());
  }
  for (const tensorflow::NodeDef& node : graph.node()) {
    const auto* type = attribute(node, "T");
    const bool is_float =
        type != nullptr && type->type() == static_cast<std::int32_t>(TensorflowType::kFloat);
    if (is_float && seen.contains(node.name()) && !readers.contains(node.name()) &&
        !node.op().starts_with("Assign"))
      out.push_back({.name = node.name(),
                     .tensor = node.name(),
                     .type = static_cast<std::int32_t>(TensorflowType::kFloat),
                     .shape = {}});
  }
  return out;
}

/// Fills in what no signature says.
Result<void> choose_ends(Model& model) {
  if (!model.outputs.empty()) return {};
  model.inputs = queued_inputs(model.graph);
  const auto embeddings = std::ranges::find(
      model.graph.node(), kEmbeddings,
      [](const tensorflow::NodeDef& node) { return std::string_view(node.name()); });
  if (embeddings != model.graph.node().end()) {
    model.outputs = {{.name = std::string(kEmbeddings),
                      .tensor = std::string(kEmbeddings),
                      .type = static_cast<std::int32_t>(TensorflowType::kFloat),
                      .shape = {}}};
    return {};
  }
  model.outputs = ends_of(model.graph, model.inputs);
  constexpr std::size_t kMostOutputs = 64;
  if (model.outputs.empty() || model.outputs.size() > kMostOutputs)
    return fail(ErrorCode::kUnsupported,
                "the TensorFlow graph does not tell which of its nodes are the outputs");
  return {};
}

struct Ends {
  std::map<std::string, TensorflowInput> inputs;
  std::vector<std::string> fed;
  std::vector<std::string> wanted;
  std::vector<std::string> names;
};

Ends ends_of(const Model& model) {
  Ends out;
  for (const Named& input : model.inputs) {
    const std::string node(node_of(input.tensor));
    const auto found = std::ranges::find(
        model.graph.node(), node, [](const tensorflow::NodeDef& each) { return each.name(); });
    Shape shape = input.shape;
    if (shape.empty() && found != model.graph.node().end())
      shape = shape_of(attribute(*found, "shape"));
    if (input.type != static_cast<std::int32_t>(TensorflowType::kFloat)) continue;
    out.inputs.emplace(node, TensorflowInput{.name = input.name, .shape = std::move(shape)});
    out.fed.push_back(node);
  }
  for (const Named& output : model.outputs) {
    out.wanted.push_back(output.tensor);
    out.names.push_back(output.name);
  }
  return out;
}

Result<Bytes> converted(std::span<const Part> parts, const Choice& choice) {
  VISAVIS_TRY(model, read_model(parts, choice));
  if (model.unclear) return std::unexpected(*std::move(model.unclear));
  VISAVIS_CHECK(choose_ends(model));
  const Ends ends = ends_of(model);
  VISAVIS_TRY(graph, TensorflowGraph::read(model.graph, ends.wanted, ends.fed));
  return tensorflow_to_onnx(graph, ends.inputs, ends.names,
                            model.variables ? &*model.variables : nullptr);
}

std::uint64_t numbers_in(const Shape& shape) {
  const auto count = graph::element_count(shape);
  return count ? *count : 0;
}

std::uint64_t constants_in(const tensorflow::NodeDef& node) {
  const auto* value = node.op() == "Const" ? attribute(node, "value") : nullptr;
  if (value == nullptr ||
      value->tensor().dtype() != static_cast<std::int32_t>(TensorflowType::kFloat))
    return 0;
  Shape shape;
  for (const auto& dim : value->tensor().tensor_shape().dim()) shape.push_back(dim.size());
  return numbers_in(shape);
}

bool is_variable(std::string_view op) {
  return op == "VarHandleOp" || op == "VariableV2" || op == "Variable";
}

/// Placeholders that the outputs need and that no signature names.
void add_placeholders(const TensorflowGraph& graph, Inspection& out) {
  for (const std::size_t index : graph.order()) {
    const TensorflowGraph::Node& node = graph.nodes()[index];
    if (node.def == nullptr || node.op == "_Input" || !is_float_placeholder(*node.def)) continue;
    out.inputs.push_back(
        {.name = node.name, .type = "float32", .shape = shape_of(attribute(*node.def, "shape"))});
  }
}

Result<Inspection> inspected(std::span<const Part> parts, const Choice& choice) {
  VISAVIS_TRY(model, read_model(parts, choice));
  Inspection out;
  out.format = model.format;
  out.producer = model.producer;
  out.importer = "tensorflow";
  out.signatures = model.signatures;
  out.graphs = model.graphs;
  if (model.variables)
    for (const auto& [key, entry] : model.variables->entries()) {
      if (entry.type == static_cast<std::int32_t>(TensorflowType::kString)) continue;
      out.weights.push_back({.name = key, .type = type_name(entry.type), .shape = entry.shape});
      out.parameters += numbers_in(entry.shape);
    }
  if (model.unclear) return out;
  std::set<std::string> read;  // keys of variables
  const auto count = [&](const tensorflow::NodeDef& node) {
    ++out.operators[node.op()];
    // Beside variables, constants are none: the epsilon of a batch normalisation.
    if (!model.variables) out.parameters += constants_in(node);
  };
  // What the outputs need; of a graph that cannot be read so, everything.
  const auto ends = choose_ends(model);
  const Ends names = ends_of(model);
  out.inputs = facts_of(model.inputs);
  out.outputs = facts_of(model.outputs);
  const auto graph = ends ? TensorflowGraph::read(model.graph, names.wanted, names.fed)
                          : std::unexpected(ends.error());
  if (!graph) {
    for (const tensorflow::NodeDef& node : model.graph.node()) count(node);
    return out;
  }
  add_placeholders(*graph, out);
  for (const std::size_t index : graph->order()) {
    const TensorflowGraph::Node& node = graph->nodes()[index];
    if (node.def == nullptr || node.op.starts_with('_')) continue;
    count(*node.def);
    if (!model.variables || !is_variable(node.op)) continue;
    const std::string name(variable_of(*node.def));
    const std::string* key = model.variables->key_of(name);
    if (key == nullptr) continue;
    const bool is_part = !model.variables->entries().contains(*key);
    read.insert(is_part ? name.substr(0, name.rfind("/part_")) : *key);
  }
  // What the network reads, not what else is kept beside it: Keras 3 keeps every variable twice.
  if (read.empty()) return out;
  std::erase_if(out.weights,
                [&](const TensorFacts& weight) { return !read.contains(weight.name); });
  out.parameters = 0;
  for (const TensorFacts& weight : out.weights) out.parameters += numbers_in(weight.shape);
  return out;
}

/// Parsing and copying take memory that a file may claim and not have.
template <class Function>
auto guarded(const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::exception& error) {
    return fail(ErrorCode::kResourceExhausted,
                std::string("the TensorFlow file could not be read: ") + error.what());
  }
}

/// Graphs without signatures do not tell what shapes their outputs have; the network that is made
/// of them does.
void tell_output_shapes(std::span<const Part> parts, const Choice& choice, Inspection& out) {
  if (std::ranges::none_of(out.outputs, &std::vector<std::int64_t>::empty, &TensorFacts::shape))
    return;
  const auto onnx = converted(parts, choice);
  const auto graph = onnx ? graph::read_onnx(*onnx) : std::unexpected(onnx.error());
  if (!graph || graph->outputs.size() != out.outputs.size()) return;
  for (std::size_t i = 0; i < out.outputs.size(); ++i) {
    if (!out.outputs[i].shape.empty()) continue;
    std::vector<std::int64_t> shape = graph->outputs[i].shape;
    // Channels come last in TensorFlow.
    if (shape.size() == 4) std::ranges::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
    out.outputs[i].shape = std::move(shape);
  }
}

}  // namespace

Result<std::vector<std::filesystem::path>> tensorflow_files(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  std::filesystem::path folder = path.parent_path();
  std::string stem;
  if (std::filesystem::is_directory(path, error)) {
    if (!std::filesystem::exists(path / kModelFile, error)) return out;
    out.push_back(path / kModelFile);
    folder = path / "variables";
    stem = "variables";
    if (!std::filesystem::is_directory(folder, error)) return out;
  } else {
    const std::string name = path.filename().string();
    const std::size_t data = name.rfind(".data-");
    if (name.ends_with(".meta") || name.ends_with(".index"))
      stem = path.stem().string();
    else if (data != std::string::npos)
      stem = name.substr(0, data);
    else
      return out;
    const std::filesystem::path meta = folder / (stem + ".meta");
    if (!std::filesystem::exists(meta, error)) return out;
    out.push_back(meta);
  }
  std::vector<std::filesystem::path> files;
  const auto list = std::filesystem::directory_iterator(
      folder.empty() ? std::filesystem::path(".") : folder, error);
  if (error)
    return fail(ErrorCode::kUnavailable,
                "the folder " + folder.string() + " cannot be read: " + error.message());
  for (const auto& entry : list) {
    const std::string name = entry.path().filename().string();
    if (name == stem + ".index" || name.starts_with(stem + ".data-"))
      files.push_back(folder / entry.path().filename());
  }
  std::ranges::sort(files);
  out.insert(out.end(), files.begin(), files.end());
  return out;
}

bool is_tensorflow(std::span<const Part> parts) {
  if (parts.empty()) return false;
  if (find(parts, kModelFile) != nullptr || meta_of(parts) != nullptr) return true;
  // The first field of a GraphDef is a node, whose first field is its name.
  const auto& bytes = parts.front().bytes;
  if (bytes.size() < 4 || bytes[0] != std::byte{0x0A}) return false;
  const auto graph =
      guarded([&] { return parsed<tensorflow::GraphDef>(bytes, kTensorflowGraphForm); });
  return graph && graph->node_size() > 0 &&
         std::ranges::all_of(graph->node(), [](const tensorflow::NodeDef& node) {
           return !node.name().empty() && !node.op().empty();
         });
}

Result<std::vector<std::byte>> import_tensorflow(std::span<const Part> parts,
                                                 const Choice& choice) {
  return guarded([&] { return converted(parts, choice); });
}

Result<Inspection> inspect_tensorflow(std::span<const Part> parts, const Choice& choice) {
  return guarded([&] {
    auto found = inspected(parts, choice);
    if (found) tell_output_shapes(parts, choice, *found);
    return found;
  });
}

}  // namespace visavis::modelkit
