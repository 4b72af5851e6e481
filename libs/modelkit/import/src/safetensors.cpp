#include "safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "refusals.hpp"
#include "state_dict.hpp"

namespace visavis::modelkit {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLength = sizeof(std::uint64_t);
constexpr std::size_t kMostHeader = std::size_t{16} << 20U;
constexpr std::size_t kMostDimensions = 16;
constexpr std::string_view kMetadata = "__metadata__";

static_assert(std::endian::native == std::endian::little);

constexpr auto kTypes =
    std::to_array<std::pair<std::string_view, Dtype>>({{"F32", Dtype::kFloat32},
                                                       {"F64", Dtype::kFloat64},
                                                       {"F16", Dtype::kFloat16},
                                                       {"BF16", Dtype::kBfloat16},
                                                       {"I64", Dtype::kInt64},
                                                       {"I32", Dtype::kInt32},
                                                       {"I16", Dtype::kInt16},
                                                       {"I8", Dtype::kInt8},
                                                       {"U8", Dtype::kUint8},
                                                       {"BOOL", Dtype::kBool}});

std::unexpected<Error> damaged(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "the safetensors file is damaged: " + what);
}

std::uint64_t header_size(std::span<const std::byte> bytes) noexcept {
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data(), kLength);
  return size;
}

/// What nests deeper than a list in a tensor's entry is dropped while it is read.
Result<Json> header_of(std::span<const std::byte> text) {
  constexpr int kDeepest = 3;
  std::set<std::string> names;
  bool twice = false;
  const auto keep = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1)
      twice = !names.insert(parsed.get<std::string>()).second || twice;
    return depth <= kDeepest;
  };
  const auto* begin = reinterpret_cast<const char*>(text.data());
  Json header = Json::parse(begin, begin + text.size(), keep, false);
  if (!header.is_object()) return damaged("its header is no JSON object");
  if (twice) return damaged("a name is there twice");
  return header;
}

/// A list of whole numbers from 0.
Result<std::vector<std::uint64_t>> numbers(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array())
    return damaged("a tensor without " + std::string(key));
  std::vector<std::uint64_t> out;
  for (const Json& each : *found) {
    if (!each.is_number_unsigned()) return damaged("a tensor's " + std::string(key));
    out.push_back(each.get<std::uint64_t>());
  }
  return out;
}

struct Placed {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// @param data  what follows the header
Result<std::pair<Weight, Placed>> tensor_of(const Json& entry, std::span<const std::byte> data) {
  if (!entry.is_object()) return damaged("a tensor that is no JSON object");
  const auto type = entry.find("dtype");
  if (type == entry.end() || !type->is_string()) return damaged("a tensor without dtype");
  const auto& name = type->get_ref<const std::string&>();
  const auto* known = std::ranges::find(kTypes, name, &std::pair<std::string_view, Dtype>::first);
  if (known == kTypes.end())
    return fail(ErrorCode::kUnsupported,
                "the safetensors file has a tensor of type " + printable(name));
  VISAVIS_TRY(shape, numbers(entry, "shape"));
  VISAVIS_TRY(place, numbers(entry, "data_offsets"));
  if (shape.size() > kMostDimensions) return damaged("a tensor of too many dimensions");
  if (place.size() != 2 || place[0] > place[1] || place[1] > data.size())
    return damaged("a tensor lies outside of it");
  const std::uint64_t held = (place[1] - place[0]) / bytes_of(known->second);
  Weight weight;
  weight.dtype = known->second;
  std::uint64_t count = 1;
  for (const std::uint64_t n : shape) {
    if (n > std::numeric_limits<std::int32_t>::max() || (n > 0 && count > data.size() / n))
      return damaged("a tensor is larger than it");
    count *= n;
    weight.shape.push_back(static_cast<std::int64_t>(n));
  }
  if (count != held || held * bytes_of(known->second) != place[1] - place[0])
    return damaged("a tensor is not as large as its shape");
  weight.stride.assign(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;)
    weight.stride[i - 1] = weight.stride[i] * std::max<std::int64_t>(weight.shape[i], 1);
  weight.storage = data.subspan(place[0], place[1] - place[0]);
  return std::pair(std::move(weight), Placed{.begin = place[0], .end = place[1]});
}

}  // namespace

bool looks_like_safetensors(std::span<const std::byte> bytes) noexcept {
  return bytes.size() > kLength && bytes[kLength] == std::byte{'{'} &&
         header_size(bytes) <= std::uint64_t{1} << 32U;
}

Result<std::map<std::string, Weight, std::less<>>> read_safetensors(
    std::span<const std::byte> bytes) {
  if (bytes.size() < kLength) return damaged("it is too short");
  const std::uint64_t size = header_size(bytes);
  if (size > bytes.size() - kLength) return damaged("it is too short for its header");
  if (size > kMostHeader)
    return fail(ErrorCode::kResourceExhausted, "the safetensors file's header is above 16 MiB");
  VISAVIS_TRY(header, header_of(bytes.subspan(kLength, size)));
  const std::span<const std::byte> data = bytes.subspan(kLength + size);
  std::map<std::string, Weight, std::less<>> weights;
  std::vector<Placed> places;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata) continue;
    VISAVIS_TRY(tensor, tensor_of(entry, data));
    weights.emplace(name, std::move(tensor.first));
    places.push_back(tensor.second);
  }
  std::ranges::sort(places, {},
                    [](const Placed& place) { return std::pair(place.begin, place.end); });
  std::uint64_t end = 0;
  for (const Placed& place : places) {
    if (place.begin != end) return damaged("its tensors do not lie one behind the other");
    end = place.end;
  }
  if (end != data.size()) return damaged("it has bytes that belong to no tensor");
  return weights;
}

}  // namespace visavis::modelkit
