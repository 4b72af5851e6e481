#include "untrained.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "inception_resnet.hpp"
#include "torch_layers.hpp"
#include "visavis/import/import.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::string_view kInceptionResnetV1 = "inception-resnet-v1";
constexpr std::int64_t kMostClasses = 1'000'000;

std::size_t count_of(const Shape& shape) {
  return static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>()));
}

/// PyTorch's generator on a processor, and how it makes a float of 24 of the 32 bits: rounded once,
/// as its code for AVX2 and later does.
class Draws {
 public:
  explicit Draws(std::uint32_t seed) : generator_(seed) {}

  void fill(std::span<float> values, double bound) {
    const auto from = static_cast<float>(-bound);
    const auto width = static_cast<float>(bound) - from;
    for (float& value : values) {
      const auto unit = static_cast<float>(generator_() & 0xffffffU) * 0x1p-24F;
      value = std::fma(unit, width, from);
    }
  }

 private:
  std::mt19937 generator_;
};

/// Of the layer whose tensors are being drawn.
struct Layer {
  bool linear = false;  ///< Or a convolution; else batch normalisation.
  double inputs = 1;    ///< Numbers that one output depends on.
};

std::vector<float> values_of(const Wanted& tensor, Layer& layer, Draws& draws) {
  std::vector<float> values(count_of(tensor.shape));
  const std::string_view name = tensor.name;
  if (name.ends_with(".weight")) {
    layer.linear = tensor.shape.size() > 1;
    layer.inputs = static_cast<double>(values.size()) /
                   static_cast<double>(std::max<std::int64_t>(tensor.shape[0], 1));
    if (layer.linear) {
      const double slope = std::sqrt(5.0);
      draws.fill(values,
                 std::sqrt(3.0) * (std::sqrt(2 / (1 + slope * slope)) / std::sqrt(layer.inputs)));
    } else {
      std::ranges::fill(values, 1.0F);
    }
  } else if (name.ends_with(".running_var")) {
    std::ranges::fill(values, 1.0F);
  } else if (name.ends_with(".bias") && layer.linear) {
    draws.fill(values, 1 / std::sqrt(layer.inputs));
  }
  return values;
}

/// One member of an .npz: version 1.0 of NumPy's format.
std::vector<std::byte> npy_of(const Shape& shape, std::span<const float> values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t n : shape) header += std::to_string(n) + ", ";
  header += "), }";
  constexpr std::size_t kBefore = 10;
  header.append(63 - (kBefore + header.size()) % 64, ' ');
  header += '\n';
  std::string start = "\x93NUMPY";
  start += '\x01';
  start += '\0';
  start += static_cast<char>(header.size() & 0xffU);
  start += static_cast<char>(header.size() >> 8U);
  start += header;
  const auto head = std::as_bytes(std::span(start));
  const auto numbers = std::as_bytes(values);
  std::vector<std::byte> bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), numbers.begin(), numbers.end());
  return bytes;
}

struct Free {
  void operator()(archive* writer) const noexcept { ::archive_write_free(writer); }
  void operator()(archive_entry* entry) const noexcept { ::archive_entry_free(entry); }
};

la_ssize_t append(archive* /*writer*/, void* out, const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  auto& file = *static_cast<std::vector<std::byte>*>(out);
  file.insert(file.end(), bytes, bytes + size);
  return static_cast<la_ssize_t>(size);
}

/// A zip archive without compression.
class ZipWriter {
 public:
  [[nodiscard]] bool open() {
    return ::archive_write_set_format_zip(writer_.get()) == ARCHIVE_OK &&
           ::archive_write_zip_set_compression_store(writer_.get()) == ARCHIVE_OK &&
           ::archive_write_set_bytes_in_last_block(writer_.get(), 1) == ARCHIVE_OK &&
           ::archive_write_open(writer_.get(), &file_, nullptr, append, nullptr) == ARCHIVE_OK;
  }

  [[nodiscard]] bool add(const std::string& name, std::span<const std::byte> bytes) {
    const std::unique_ptr<archive_entry, Free> entry(::archive_entry_new());
    ::archive_entry_set_pathname(entry.get(), name.c_str());
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0644);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    return ::archive_write_header(writer_.get(), entry.get()) == ARCHIVE_OK &&
           ::archive_write_data(writer_.get(), bytes.data(), bytes.size()) ==
               static_cast<la_ssize_t>(bytes.size());
  }

  [[nodiscard]] Result<std::vector<std::byte>> finish() {
    if (::archive_write_close(writer_.get()) != ARCHIVE_OK) return failed();
    return std::move(file_);
  }

  [[nodiscard]] std::unexpected<Error> failed() const {
    const char* why = ::archive_error_string(writer_.get());
    return fail(ErrorCode::kResourceExhausted,
                std::string("no .npz could be made: ") + (why != nullptr ? why : "no memory"));
  }

 private:
  std::vector<std::byte> file_;
  std::unique_ptr<archive, Free> writer_{::archive_write_new()};
};

}  // namespace

Result<std::vector<std::byte>> draw_weights(std::span<const Wanted> tensors, std::uint32_t seed) {
  ZipWriter zip;
  if (!zip.open()) return zip.failed();
  Draws draws(seed);
  Layer layer;
  for (const Wanted& tensor : tensors) {
    const std::vector<float> values = values_of(tensor, layer, draws);
    if (!zip.add(tensor.name + ".npy", npy_of(tensor.shape, values))) return zip.failed();
  }
  return zip.finish();
}

Result<std::vector<std::byte>> untrained(std::string_view architecture, std::int64_t classes,
                                         std::uint32_t seed) {
  if (architecture != kInceptionResnetV1)
    return fail(ErrorCode::kNotFound, "there is no architecture " + std::string(architecture) +
                                          "; known is " + std::string(kInceptionResnetV1));
  if (classes < 0 || classes > kMostClasses)
    return fail(ErrorCode::kInvalidArgument, "a classification head has from 1 to " +
                                                 std::to_string(kMostClasses) +
                                                 " classes (0: no head)");
  return draw_weights(inception_resnet_v1_tensors(classes), seed);
}

}  // namespace visavis::modelkit
