#include "npy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "state_dict.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 65536;
constexpr std::size_t kMaxDimensions = 16;

std::unexpected<Error> damaged(const char* why) {
  return fail(ErrorCode::kDecodeFailed, std::string("the NumPy array is damaged: ") + why);
}

struct DtypeName {
  std::string_view name;
  Dtype dtype;
};
constexpr auto kDtypes = std::to_array<DtypeName>({{"<f4", Dtype::kFloat32},
                                                   {"<f8", Dtype::kFloat64},
                                                   {"<f2", Dtype::kFloat16},
                                                   {"<i8", Dtype::kInt64},
                                                   {"<i4", Dtype::kInt32},
                                                   {"<i2", Dtype::kInt16},
                                                   {"|i1", Dtype::kInt8},
                                                   {"|u1", Dtype::kUint8},
                                                   {"|b1", Dtype::kBool}});

/// What the dictionary holds; each of its three keys once.
struct Header {
  std::optional<std::string_view> descr;
  std::optional<bool> columns_first;
  std::optional<std::vector<std::int64_t>> shape;

  [[nodiscard]] bool is_complete() const { return descr && columns_first && shape; }
};

class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : rest_(text) {}

  std::optional<Header> read() {
    Header header;
    if (!take("{")) return std::nullopt;
    while (!take("}")) {
      const std::optional<std::string_view> key = quoted();
      if (!key || !take(":") || !value_of(*key, header)) return std::nullopt;
      if (!take(",") && !rest_.starts_with('}')) return std::nullopt;
    }
    return header.is_complete() ? std::optional(std::move(header)) : std::nullopt;
  }

 private:
  bool value_of(std::string_view key, Header& header) {
    if (key == "descr" && !header.descr) return (header.descr = quoted()).has_value();
    if (key == "fortran_order" && !header.columns_first)
      return (header.columns_first = boolean()).has_value();
    if (key == "shape" && !header.shape) return (header.shape = tuple()).has_value();
    return false;
  }

  void skip_spaces() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
  }

  bool take(std::string_view text) {
    skip_spaces();
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    skip_spaces();
    return true;
  }

  std::optional<std::string_view> quoted() {
    if (!take("'")) return std::nullopt;
    const std::size_t end = rest_.find('\'');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    skip_spaces();
    return text;
  }

  std::optional<bool> boolean() {
    if (take("False")) return false;
    if (take("True")) return true;
    return std::nullopt;
  }

  std::optional<std::vector<std::int64_t>> tuple() {
    std::vector<std::int64_t> values;
    if (!take("(")) return std::nullopt;
    while (!take(")")) {
      std::int32_t value = -1;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (error != std::errc() || value < 0 || values.size() == kMaxDimensions) return std::nullopt;
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      values.push_back(value);
      if (!take(",") && !rest_.starts_with(')')) return std::nullopt;
    }
    return values;
  }

  std::string_view rest_;
};

/// The elements' distances; empty if there are more of them than `most`.
std::optional<std::vector<std::int64_t>> strides(const Header& header, std::size_t most) {
  const std::vector<std::int64_t>& shape = *header.shape;
  std::vector<std::int64_t> out(shape.size());
  std::size_t count = 1;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    const std::size_t i = *header.columns_first ? k : shape.size() - 1 - k;
    out[i] = static_cast<std::int64_t>(count);
    const auto extent = static_cast<std::size_t>(shape[i]);
    if (extent != 0 && count > most / extent) return std::nullopt;
    count *= extent;
  }
  return out;
}

}  // namespace

bool is_npy(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= kMagic.size() &&
         std::string_view(reinterpret_cast<const char*>(bytes.data()), kMagic.size()) == kMagic;
}

Result<Weight> read_npy(std::span<const std::byte> bytes) {
  const auto byte_at = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  if (!is_npy(bytes) || bytes.size() < kMagic.size() + 6) return damaged("it has no header");
  const std::size_t version = byte_at(6);
  if (version < 1 || version > 3)
    return fail(ErrorCode::kUnsupported, "the NumPy array has a version that is not known");
  const std::size_t begin = version == 1 ? 10 : 12;
  std::size_t length = byte_at(8) | byte_at(9) << 8U;
  if (version > 1) length |= byte_at(10) << 16U | byte_at(11) << 24U;
  if (length > kMaxHeader || length > bytes.size() - begin) return damaged("its header is cut off");
  const std::span<const std::byte> text = bytes.subspan(begin, length);
  const auto header =
      HeaderReader({reinterpret_cast<const char*>(text.data()), text.size()}).read();
  if (!header) return damaged("its header is not as NumPy writes it");
  const auto dtype = std::ranges::find(kDtypes, *header->descr, &DtypeName::name);
  if (dtype == kDtypes.end())
    return fail(ErrorCode::kUnsupported, "the NumPy array holds no little-endian numbers");
  const std::span<const std::byte> data = bytes.subspan(begin + length);
  const std::size_t held = data.size() / bytes_of(dtype->dtype);
  auto stride = strides(*header, held);
  if (!stride) return damaged("it has fewer elements than its shape says");
  return Weight{.dtype = dtype->dtype,
                .shape = *header->shape,
                .stride = *std::move(stride),
                .offset = 0,
                .storage = data};
}

}  // namespace visavis::modelkit
