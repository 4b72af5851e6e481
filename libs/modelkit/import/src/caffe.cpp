#include "caffe.hpp"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>

#include "caffe_net.hpp"
#include "caffe_text.hpp"
#include "caffe_to_onnx.hpp"
#include "caffe_weights.hpp"
#include "visavis/import/import.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::size_t kLongestText = std::size_t{16} << 20U;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_text(std::span<const std::byte> bytes) {
  return std::ranges::none_of(bytes.first(std::min<std::size_t>(bytes.size(), 4096)),
                              [](std::byte b) {
                                const auto c = static_cast<unsigned char>(b);
                                return c < ' ' && c != '\t' && c != '\n' && c != '\r';
                              });
}

Result<CaffeText> read_text(std::span<const std::byte> bytes) {
  if (bytes.size() > kLongestText)
    return fail(ErrorCode::kResourceExhausted, "the prototxt is larger than 16 MiB");
  return CaffeText::read(text_of(bytes));
}

/// A network without weights has a .caffemodel without a byte.
bool is_weights(const Part& part) {
  return part.name.ends_with(".caffemodel") || !is_text(part.bytes);
}

/// The part of that kind; null if there is none.
const Part* find_part(std::span<const Part> parts, bool weights) {
  for (const Part& part : parts)
    if (is_weights(part) == weights) return &part;
  return nullptr;
}

}  // namespace

Result<std::vector<std::byte>> import_caffe(std::span<const Part> parts) {
  const Part* text_part = find_part(parts, false);
  const Part* weights_part = find_part(parts, true);
  if (parts.size() != 2 || text_part == nullptr || weights_part == nullptr)
    return fail(ErrorCode::kInvalidArgument,
                "the importer caffe wants two files: a .prototxt and its .caffemodel");
  VISAVIS_TRY(text, read_text(text_part->bytes));
  VISAVIS_TRY(net, read_caffe_net(text));
  VISAVIS_TRY(weights, read_caffe_weights(weights_part->bytes));
  return caffe_to_onnx(net, weights);
}

bool looks_like_caffe(std::span<const std::byte> bytes) {
  if (bytes.empty()) return false;
  if (!is_text(bytes)) {
    // A name, or the first layer of either form.
    const auto first = std::to_integer<unsigned>(bytes.front());
    if (first != 0x0A && first != 0x12 && first != 0xA2) return false;
    const auto weights = read_caffe_weights(bytes);
    return weights && !weights->empty();
  }
  auto text = read_text(bytes);
  return text && (text->has("layer") || text->has("layers") || text->has("input"));
}

Result<Inspection> inspect_caffe(std::span<const Part> parts) {
  Inspection out;
  out.format = "Caffe";
  out.importer = "caffe";
  if (const Part* part = find_part(parts, false)) {
    VISAVIS_TRY(text, read_text(part->bytes));
    VISAVIS_TRY(net, read_caffe_net(text));
    for (CaffeInput& input : net.inputs)
      out.inputs.push_back({.name = input.name, .type = "float32", .shape = input.shape});
    for (const CaffeLayer& layer : net.layers) ++out.operators[layer.type];
  }
  if (const Part* part = find_part(parts, true)) {
    VISAVIS_TRY(weights, read_caffe_weights(part->bytes));
    for (const auto& [layer, blobs] : weights) {
      for (std::size_t i = 0; i < blobs.size(); ++i) {
        out.weights.push_back(
            {.name = layer + "." + std::to_string(i), .type = "float32", .shape = blobs[i].shape});
        out.parameters += blobs[i].values.size();
      }
    }
  }
  // What comes out is known only when all layers are.
  const auto onnx = import_caffe(parts);
  auto graph = onnx ? graph::read_onnx(*onnx) : std::unexpected(onnx.error());
  if (graph)
    for (graph::ValueInfo& value : graph->outputs) {
      // The file's batch, which is free in the network.
      if (!value.shape.empty() && value.shape.front() < 0)
        value.shape.front() = out.inputs.front().shape.front();
      out.outputs.push_back(
          {.name = value.name, .type = "float32", .shape = std::move(value.shape)});
    }
  return out;
}

}  // namespace visavis::modelkit
