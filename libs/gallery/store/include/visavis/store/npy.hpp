#pragma once

/// NumPy's .npy, as far as embeddings need it: little-endian float32 matrices in C order
/// (numpy.lib.format, versions 1.0 to 3.0).

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>

namespace visavis::store {

struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;  ///< Row after row.
};

/// What a matrix's file begins with in version 1.0, as `numpy.save` writes it.
/// @param descr  NumPy's name of the numbers: "<f4", "<f2"
[[nodiscard]] std::string npy_header(std::string_view descr, std::size_t rows, std::size_t columns);

/// @return kDecodeFailed for what is not a two-dimensional little-endian float32 array in C order.
[[nodiscard]] Result<Matrix> parse_npy(std::span<const std::byte> bytes);
[[nodiscard]] Result<Matrix> read_npy(const std::filesystem::path& path);
/// Writes a matrix of which nobody knows yet how many rows it gets, in constant memory.
class NpyWriter {
 public:
  /// @return kInvalidArgument for 0 columns; kUnavailable if the file cannot be written.
  [[nodiscard]] static Result<NpyWriter> create(const std::filesystem::path& path,
                                                std::size_t columns,
                                                Readers readers = Readers::kAsUsual);
  /// @param values  whole rows. @return kInvalidArgument if they are not; kUnavailable
  [[nodiscard]] Result<void> append(std::span<const float> values);
  /// The file takes its place. @return kUnavailable
  [[nodiscard]] Result<void> commit();

 private:
  NpyWriter(FileWriter file, std::size_t columns) : file_(std::move(file)), columns_(columns) {}

  FileWriter file_;
  std::size_t columns_ = 0;
  std::size_t rows_ = 0;
};

[[nodiscard]] Result<void> write_npy(const std::filesystem::path& path, std::size_t rows,
                                     std::size_t columns, std::span<const float> values);

}  // namespace visavis::store
