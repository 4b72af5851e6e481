#include "openvino.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <pugixml.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "openvino_to_onnx.hpp"
#include "refusals.hpp"
#include "visavis/import/import.hpp"

namespace visavis::modelkit {
namespace {

/// A document takes some twenty times its file's size in memory.
constexpr std::size_t kMostXml = std::size_t{32} << 20U;
constexpr std::size_t kMostPorts = 4096;
constexpr std::size_t kMostName = 4096;

std::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed OpenVINO IR: " + what);
}

std::optional<std::int64_t> number_in(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Of several names ("a,b"; a comma in a name is "\,") the first.
std::string first_name(std::string_view names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && names[i] != ','; ++i) {
    if (names[i] == '\\' && i + 1 < names.size()) ++i;
    out.push_back(names[i]);
  }
  return out;
}

Result<IrPort> port_of(const pugi::xml_node& node) {
  IrPort port{.shape = {}, .name = first_name(node.attribute("names").value())};
  if (port.name.size() > kMostName) return malformed("a name is too long");
  for (const pugi::xml_node& dim : node.children("dim")) {
    const auto size = number_in(dim.child_value());
    if (!size || *size < -1 || *size > graph::kMaxElements || port.shape.size() >= graph::kMaxRank)
      return malformed("a shape is out of range");
    port.shape.push_back(*size);
  }
  return port;
}

/// By a layer's id and a port's.
using Ports = std::map<std::pair<std::int64_t, std::int64_t>, IrSource>;

struct Reading {
  IrNetwork network;
  Ports inputs;  ///< Where `output` is the place among the layer's inputs.
  Ports outputs;
};

Result<void> read_layer(const pugi::xml_node& node, Reading& reading) {
  const auto id = number_in(node.attribute("id").value());
  IrLayer layer{.name = node.attribute("name").value(),
                .type = node.attribute("type").value(),
                .opset = node.attribute("version").value(),
                .attributes = {},
                .inputs = {},
                .outputs = {},
                .constant = {}};
  if (!id || layer.type.empty() || layer.name.size() > kMostName || layer.type.size() > kMostName)
    return malformed("a layer has no id or no type");
  for (const pugi::xml_attribute& each : node.child("data").attributes())
    layer.attributes.emplace(each.name(), each.value());
  const std::size_t place = reading.network.layers.size();
  for (const pugi::xml_node& port : node.child("input").children("port")) {
    const auto number = number_in(port.attribute("id").value());
    const std::size_t index = layer.inputs.size();
    if (!number || index >= kMostPorts ||
        !reading.inputs.try_emplace({*id, *number}, IrSource{.layer = place, .output = index})
             .second)
      return malformed("two ports have one id, or one has none");
    layer.inputs.push_back({.layer = SIZE_MAX, .output = 0});
  }
  for (const pugi::xml_node& port : node.child("output").children("port")) {
    const auto number = number_in(port.attribute("id").value());
    const std::size_t index = layer.outputs.size();
    if (!number || index >= kMostPorts ||
        !reading.outputs.try_emplace({*id, *number}, IrSource{.layer = place, .output = index})
             .second)
      return malformed("two ports have one id, or one has none");
    VISAVIS_TRY(facts, port_of(port));
    layer.outputs.push_back(std::move(facts));
  }
  reading.network.layers.push_back(std::move(layer));
  return {};
}

Result<void> read_edge(const pugi::xml_node& node, Reading& reading) {
  const auto value = [&](const char* name) { return number_in(node.attribute(name).value()); };
  const auto from_layer = value("from-layer");
  const auto from_port = value("from-port");
  const auto to_layer = value("to-layer");
  const auto to_port = value("to-port");
  if (!from_layer || !from_port || !to_layer || !to_port)
    return malformed("an edge does not say from where to where");
  const auto from = reading.outputs.find({*from_layer, *from_port});
  const auto to = reading.inputs.find({*to_layer, *to_port});
  if (from == reading.outputs.end() || to == reading.inputs.end())
    return malformed("an edge leads to a port that is not there");
  reading.network.layers[to->second.layer].inputs[to->second.output] = from->second;
  return {};
}

/// Each layer behind those that it reads; depth first, without recursion.
Result<std::vector<IrLayer>> sorted(std::vector<IrLayer> layers) {
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };
  std::vector<Mark> marks(layers.size(), Mark::kNew);
  std::vector<std::size_t> order;
  std::vector<std::pair<std::size_t, std::size_t>> open;  // a layer, and its next input
  for (std::size_t root = 0; root < layers.size(); ++root) {
    if (marks[root] != Mark::kNew) continue;
    marks[root] = Mark::kOpen;
    open.emplace_back(root, 0);
    while (!open.empty()) {
      auto& [index, next] = open.back();
      if (next == layers[index].inputs.size()) {
        marks[index] = Mark::kDone;
        order.push_back(index);
        open.pop_back();
        continue;
      }
      const std::size_t read = layers[index].inputs[next++].layer;
      if (read >= layers.size()) return malformed("a layer reads what is not there");
      if (marks[read] == Mark::kOpen) return malformed("layers read each other in a circle");
      if (marks[read] == Mark::kDone) continue;
      marks[read] = Mark::kOpen;
      open.emplace_back(read, 0);
    }
  }
  std::vector<std::size_t> places(layers.size());
  for (std::size_t i = 0; i < order.size(); ++i) places[order[i]] = i;
  std::vector<IrLayer> out;
  out.reserve(layers.size());
  for (const std::size_t index : order) {
    out.push_back(std::move(layers[index]));
    for (IrSource& source : out.back().inputs) source.layer = places[source.layer];
  }
  return out;
}

Result<void> find_numbers(std::vector<IrLayer>& layers, std::span<const std::byte> numbers) {
  for (IrLayer& layer : layers) {
    if (layer.type != "Const") continue;
    const auto offset = number_in(layer.text("offset"));
    const auto size = number_in(layer.text("size"));
    if (!offset || !size || *offset < 0 || *size < 0 || layer.outputs.size() != 1)
      return malformed("a constant does not say where it lies");
    const auto begin = static_cast<std::uint64_t>(*offset);
    const auto count = static_cast<std::uint64_t>(*size);
    if (begin > numbers.size() || count > numbers.size() - begin)
      return fail(ErrorCode::kDecodeFailed,
                  "a constant of the OpenVINO IR lies outside of its file of numbers (.bin)");
    layer.constant =
        numbers.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
  }
  return {};
}

std::string producer_of(const pugi::xml_node& net) {
  const pugi::xml_node info = net.child("rt_info");
  const char* old = info.child("Runtime_version").attribute("value").value();
  for (const pugi::xml_node& each : info.children("info"))
    if (std::string_view(each.attribute("name").value()) == "OpenVINO Runtime")
      return std::string("OpenVINO ") + each.attribute("value").value();
  return *old == '\0' ? std::string() : std::string("OpenVINO ") + old;
}

struct Files {
  std::span<const std::byte> xml;
  std::span<const std::byte> numbers;
};

/// A network without constants has a file of numbers, too; it is empty then.
Result<Files> files_of(std::span<const Part> parts) {
  if (parts.empty()) return fail(ErrorCode::kInvalidArgument, "there is no file");
  if (parts.size() < 2)
    return fail(ErrorCode::kInvalidArgument,
                "OpenVINO IR is two files: the numbers (.bin) beside " +
                    printable(parts.front().name) + " are missing");
  return Files{.xml = parts[0].bytes, .numbers = parts[1].bytes};
}

Result<Inspection> inspected(const IrNetwork& network) {
  Inspection out;
  out.format = "OpenVINO IR";
  out.importer = "openvino";
  out.producer = printable(network.producer);
  for (const IrLayer& layer : network.layers) {
    if (layer.type == "Parameter" && layer.outputs.size() == 1) {
      out.inputs.push_back(ir_facts(layer, layer.outputs[0]));
    } else if (layer.type == "Result" && layer.inputs.size() == 1) {
      const IrLayer& from = network.layers[layer.inputs[0].layer];
      out.outputs.push_back(ir_facts(from, from.outputs[layer.inputs[0].output]));
    } else if (layer.type == "Const") {
      const auto count = graph::element_count(layer.outputs[0].shape);
      out.parameters += count ? *count : 0;
    } else {
      ++out.operators[layer.type];
    }
  }
  return out;
}

}  // namespace

std::string_view IrLayer::text(std::string_view key, std::string_view otherwise) const {
  const auto found = attributes.find(key);
  return found == attributes.end() ? otherwise : std::string_view(found->second);
}

Result<IrNetwork> read_ir(std::span<const std::byte> xml, std::span<const std::byte> numbers) {
  if (xml.size() > kMostXml)
    return fail(ErrorCode::kResourceExhausted, "the OpenVINO IR has more than 32 MiB of XML");
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(
      xml.data(), xml.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
  if (!parsed)
    return malformed(std::string("it cannot be read as XML (") + parsed.description() + ")");
  for (const pugi::xml_node& node : document.children())
    if (node.type() == pugi::node_doctype) return malformed("it has a document type definition");
  const pugi::xml_node net = document.child("net");
  if (!net) return malformed("it has no network");
  const std::string_view version = net.attribute("version").value();
  if (version != "10" && version != "11")
    return fail(ErrorCode::kUnsupported,
                "OpenVINO IR is read in its versions 10 and 11; this is version " +
                    (version.empty() ? "unknown" : printable(version)));
  Reading reading;
  reading.network.name = net.attribute("name").value();
  reading.network.producer = producer_of(net);
  for (const pugi::xml_node& layer : net.child("layers").children("layer")) {
    if (reading.network.layers.size() >= graph::kMaxNodes)
      return fail(ErrorCode::kResourceExhausted, "the OpenVINO IR has too many layers");
    VISAVIS_CHECK(read_layer(layer, reading));
  }
  for (const pugi::xml_node& edge : net.child("edges").children("edge"))
    VISAVIS_CHECK(read_edge(edge, reading));
  VISAVIS_TRY(layers, sorted(std::move(reading.network.layers)));
  reading.network.layers = std::move(layers);
  VISAVIS_CHECK(find_numbers(reading.network.layers, numbers));
  reading.network.bytes = numbers.size();
  return std::move(reading.network);
}

bool looks_like_openvino(std::span<const std::byte> bytes) {
  constexpr std::size_t kEnough = 4096;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), kEnough));
  const std::size_t first = text.find_first_not_of("\xEF\xBB\xBF \t\r\n");
  return first != std::string_view::npos && text[first] == '<' && text.contains("<net");
}

Result<std::vector<std::byte>> import_openvino(std::span<const Part> parts) {
  VISAVIS_TRY(files, files_of(parts));
  VISAVIS_TRY(network, read_ir(files.xml, files.numbers));
  return openvino_to_onnx(network);
}

Result<Inspection> inspect_openvino(std::span<const Part> parts) {
  VISAVIS_TRY(files, files_of(parts));
  VISAVIS_TRY(network, read_ir(files.xml, files.numbers));
  return inspected(network);
}

}  // namespace visavis::modelkit
