#include "visavis/store/npy.hpp"

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "visavis/core/file.hpp"
#include "visavis/core/result.hpp"

namespace visavis::store {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they lie");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::uint64_t kMaxBytes = 8ULL << 30;
constexpr std::size_t kAlignment = 64;

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::size_t> shape;
};

/// Reads the header, a Python dict literal with three known keys. Nothing else of Python is read.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  std::optional<Header> parse() {
    Header header;
    bool descr = false;
    bool order = false;
    bool shape = false;
    if (!take('{')) return std::nullopt;
    while (!take('}')) {
      const auto key = string();
      if (!key || !take(':')) return std::nullopt;
      bool* seen = nullptr;
      bool good = false;
      if (*key == "descr") {
        seen = &descr;
        good = read_descr(header);
      } else if (*key == "fortran_order") {
        seen = &order;
        good = read_order(header);
      } else if (*key == "shape") {
        seen = &shape;
        good = read_shape(header);
      }
      if (!good || *seen) return std::nullopt;
      *seen = true;
      if (!take(',') && !peek('}')) return std::nullopt;
    }
    skip_space();
    if (!text_.empty() || !descr || !order || !shape) return std::nullopt;
    return header;
  }

 private:
  void skip_space() {
    const std::size_t at = text_.find_first_not_of(" \t\n\r");
    text_.remove_prefix(at == std::string_view::npos ? text_.size() : at);
  }
  bool peek(char c) {
    skip_space();
    return text_.starts_with(c);
  }
  bool take(char c) {
    if (!peek(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  std::optional<std::string> string() {
    skip_space();
    if (!text_.starts_with('\'') && !text_.starts_with('"')) return std::nullopt;
    const std::size_t end = text_.find(text_.front(), 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string value(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return value;
  }
  bool read_descr(Header& header) {
    const auto value = string();
    if (value) header.descr = *value;
    return value.has_value();
  }
  bool read_order(Header& header) {
    if (take_word("False")) return true;
    header.fortran_order = true;
    return take_word("True");
  }
  bool read_shape(Header& header) {
    if (!take('(')) return false;
    while (!take(')')) {
      skip_space();
      std::size_t size = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (error != std::errc{}) return false;
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      take('L');  // Python 2 wrote long integers so
      header.shape.push_back(size);
      if (!take(',') && !peek(')')) return false;
    }
    return true;
  }

  std::string_view text_;
};

std::size_t little_endian(std::span<const std::byte> bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = (value << 8U) | std::to_integer<std::size_t>(bytes[i]);
  return value;
}

auto refuse(const char* why) { return fail(ErrorCode::kDecodeFailed, why); }

Result<void> check(const Header& header) {
  if (header.descr != "<f4") return refuse("the .npy array's values are not little-endian float32");
  if (header.fortran_order) return refuse("the .npy array is in Fortran order");
  if (header.shape.size() != 2) return refuse("the .npy array does not have two dimensions");
  if (header.shape[1] == 0) return refuse("the .npy array has no columns");
  return {};
}

}  // namespace

/// Of one length whatever the number of rows: numpy leaves room for the first dimension to grow to
/// 21 digits, then aligns the values.
std::string npy_header(std::string_view descr, std::size_t rows, std::size_t columns) {
  std::string header = "{'descr': '" + std::string(descr) +
                       "', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(columns) + "), }";
  header.append(21 - std::to_string(rows).size(), ' ');
  const std::size_t prefix = kMagic.size() + 2 + 2;
  header.append(kAlignment - (prefix + header.size() + 1) % kAlignment, ' ');
  header += '\n';

  std::string out(kMagic);
  out += '\x01';
  out += '\x00';
  out += static_cast<char>(header.size() & 0xFFU);
  out += static_cast<char>(header.size() >> 8U);
  return out + header;
}

Result<Matrix> parse_npy(std::span<const std::byte> bytes) {
  constexpr std::size_t kVersionEnd = kMagic.size() + 2;
  if (bytes.size() < kVersionEnd || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return refuse("this is not a .npy file");
  const auto major = std::to_integer<int>(bytes[kMagic.size()]);
  if (major < 1 || major > 3) return refuse("this version of .npy is unknown");
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  if (bytes.size() < kVersionEnd + length_bytes) return refuse("the .npy file is truncated");
  const std::size_t length = little_endian(bytes.subspan(kVersionEnd, length_bytes));
  const auto rest = bytes.subspan(kVersionEnd + length_bytes);
  if (rest.size() < length) return refuse("the .npy file is truncated");

  const std::string_view text(reinterpret_cast<const char*>(rest.data()), length);
  const auto header = HeaderParser(text).parse();
  if (!header) return refuse("the .npy header is damaged");
  VISAVIS_CHECK(check(*header));

  const auto data = rest.subspan(length);
  const std::size_t rows = header->shape[0];
  const std::size_t columns = header->shape[1];
  if (columns > std::numeric_limits<std::size_t>::max() / sizeof(float) ||
      (rows > 0 && data.size() / (columns * sizeof(float)) < rows))
    return refuse("the .npy file is truncated");
  if (data.size() != rows * columns * sizeof(float))
    return refuse("the .npy file has bytes after its array");
  Matrix matrix{.rows = rows, .columns = columns, .values = std::vector<float>(rows * columns)};
  if (!data.empty()) std::memcpy(matrix.values.data(), data.data(), data.size());
  return matrix;
}

Result<Matrix> read_npy(const std::filesystem::path& path) {
  VISAVIS_TRY(bytes, read_file(path, kMaxBytes));
  return parse_npy(bytes);
}

Result<NpyWriter> NpyWriter::create(const std::filesystem::path& path, std::size_t columns,
                                    Readers readers) {
  if (columns == 0) return fail(ErrorCode::kInvalidArgument, "a matrix has at least one column");
  VISAVIS_TRY(file, FileWriter::create(path, readers));
  const std::string header = npy_header("<f4", 0, columns);
  VISAVIS_CHECK(file.append(std::as_bytes(std::span(header))));
  return NpyWriter(std::move(file), columns);
}

Result<void> NpyWriter::append(std::span<const float> values) {
  if (values.size() % columns_ != 0)
    return fail(ErrorCode::kInvalidArgument, "the values are not whole rows");
  VISAVIS_CHECK(file_.append(std::as_bytes(values)));
  rows_ += values.size() / columns_;
  return {};
}

Result<void> NpyWriter::commit() {
  VISAVIS_CHECK(file_.rewind());
  const std::string header = npy_header("<f4", rows_, columns_);
  VISAVIS_CHECK(file_.append(std::as_bytes(std::span(header))));
  return file_.commit();
}

Result<void> write_npy(const std::filesystem::path& path, std::size_t rows, std::size_t columns,
                       std::span<const float> values) {
  if (columns == 0 || values.size() / columns != rows || values.size() % columns != 0)
    return fail(ErrorCode::kInvalidArgument, "the matrix has not rows times columns values");
  VISAVIS_TRY(writer, NpyWriter::create(path, columns));
  VISAVIS_CHECK(writer.append(values));
  return writer.commit();
}

}  // namespace visavis::store
