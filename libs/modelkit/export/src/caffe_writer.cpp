#include "caffe_writer.hpp"

#include <caffe.pb.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {
namespace {

/// In double quotes, with octal escapes for all that is not plain ASCII.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < ' ' || byte > '~') {
      out += '\\';
      for (const unsigned shift : {6U, 3U, 0U})
        out += static_cast<char>('0' + (byte >> shift & 7U));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

CaffeWriter::CaffeWriter(std::string_view name) : text_("name: " + in_quotes(name) + "\n") {}

void CaffeWriter::input(const std::string& name, const std::vector<std::int64_t>& shape) {
  text_ += "layer {\n  name: " + in_quotes(name) +
           "\n  type: \"Input\"\n  top: " + in_quotes(name) + "\n  input_param {\n    shape {\n";
  for (const std::int64_t n : shape) text_ += "      dim: " + std::to_string(n) + "\n";
  text_ += "    }\n  }\n}\n";
}

void CaffeWriter::layer(Layer layer) {
  text_ +=
      "layer {\n  name: " + in_quotes(layer.name) + "\n  type: " + in_quotes(layer.type) + "\n";
  for (const std::string& bottom : layer.bottoms) text_ += "  bottom: " + in_quotes(bottom) + "\n";
  for (const std::string& top : layer.tops) text_ += "  top: " + in_quotes(top) + "\n";
  if (!layer.fields.empty()) {
    text_ += "  " + layer.parameters + " {\n";
    for (const auto& [field, value] : layer.fields)
      text_.append("    ").append(field).append(": ").append(value).append("\n");
    text_ += "  }\n";
  }
  text_ += "}\n";
  if (!layer.blobs.empty())
    weights_.emplace_back(std::pair(std::move(layer.name), std::move(layer.type)),
                          std::move(layer.blobs));
}

Result<std::vector<Part>> CaffeWriter::finish(const std::string& stem) const {
  caffe::NetParameter net;
  net.set_name(stem);
  std::uint64_t numbers = 0;
  for (const auto& [layer, blobs] : weights_)
    for (const CaffeTensor& blob : blobs) numbers += blob.values.size();
  constexpr std::uint64_t kMost =
      std::numeric_limits<std::int32_t>::max() / sizeof(float) - (1U << 20U);
  if (numbers > kMost)
    return fail(ErrorCode::kInvalidArgument, "a caffemodel holds at most 2 GiB of weights");
  for (const auto& [layer, blobs] : weights_) {
    caffe::LayerParameter* proto = net.add_layer();
    proto->set_name(layer.first);
    proto->set_type(layer.second);
    for (const CaffeTensor& blob : blobs) {
      caffe::BlobProto* written = proto->add_blobs();
      for (const std::int64_t n : blob.shape) written->mutable_shape()->add_dim(n);
      written->mutable_data()->Add(blob.values.begin(), blob.values.end());
    }
  }
  std::string weights;
  if (!net.SerializeToString(&weights))
    return fail(ErrorCode::kInternal, "the weights cannot be serialized");
  std::vector<Part> parts;
  parts.push_back({.name = stem + ".prototxt", .bytes = bytes_of(text_)});
  parts.push_back({.name = stem + ".caffemodel", .bytes = bytes_of(weights)});
  return parts;
}

std::string shortest(float value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

}  // namespace visavis::modelkit
