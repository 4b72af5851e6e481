#include "external_data.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "onnx_numbers.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/onnx.hpp"

namespace visavis::graph {
namespace {

std::unexpected<Error> malformed(const std::string& tensor, std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed ONNX model: the tensor \"" +
                                            tensor + "\" lies in another file, " +
                                            std::string(what));
}

/// Empty if it is not there.
std::string_view text_of(const onnx::TensorProto& tensor, std::string_view key) {
  for (const onnx::StringStringEntry& entry : tensor.external_data())
    if (entry.key() == key) return entry.value();
  return {};
}

Result<std::uint64_t> number_of(const onnx::TensorProto& tensor, std::string_view key,
                                std::uint64_t otherwise) {
  const std::string_view text = text_of(tensor, key);
  if (text.empty()) return otherwise;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return malformed(tensor.name(), "its " + std::string(key) + " is no number");
  return number;
}

bool is_plain(std::string_view name) {
  const auto is_odd = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F || c == '\\';
  };
  const std::filesystem::path path(name);
  return !name.empty() && std::ranges::none_of(name, is_odd) && path.is_relative() &&
         path.has_filename() && std::ranges::find(path, "..") == path.end();
}

}  // namespace

bool is_external(const onnx::TensorProto& tensor) { return tensor.data_location() == kExternal; }

Result<std::string> location_of(const onnx::TensorProto& tensor) {
  const std::string_view name = text_of(tensor, "location");
  if (!is_plain(name))
    return malformed(tensor.name(), "whose name is no plain one within the model's folder");
  return std::filesystem::path(name).lexically_normal().generic_string();
}

Result<std::span<const std::byte>> ExternalData::bytes_of(const onnx::TensorProto& tensor,
                                                          std::uint64_t size) {
  VISAVIS_TRY(name, location_of(tensor));
  const auto file = std::ranges::find(files_, name, &OnnxData::name);
  if (file == files_.end())
    return malformed(tensor.name(), "\"" + name + "\", which is not beside the model");
  VISAVIS_TRY(offset, number_of(tensor, "offset", 0));
  VISAVIS_TRY(length, number_of(tensor, "length", size));
  if (length != size)
    return malformed(tensor.name(), "in " + std::to_string(length) + " bytes, and its shape says " +
                                        std::to_string(size));
  if (offset > file->bytes.size() || length > file->bytes.size() - offset)
    return malformed(tensor.name(), "\"" + name + "\", behind whose end it would reach");
  if (length > left_)
    return fail(ErrorCode::kResourceExhausted, "the weights beside an ONNX model exceed 2 GiB");
  left_ -= length;
  return file->bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

}  // namespace visavis::graph
