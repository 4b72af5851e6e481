#pragma once

/// Writes Caffe's two files, layer by layer.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {

/// The lines of one parameter message: {{"kernel_h", "3"}, …}.
using CaffeFields = std::vector<std::pair<std::string, std::string>>;

struct CaffeTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

class CaffeWriter {
 public:
  explicit CaffeWriter(std::string_view name);

  void input(const std::string& name, const std::vector<std::int64_t>& shape);

  struct Layer {
    std::string type;  ///< "Convolution"
    std::string name;
    std::vector<std::string> bottoms;
    std::vector<std::string> tops;
    std::string parameters{};  ///< "convolution_param"; may be empty.
    CaffeFields fields{};
    std::vector<CaffeTensor> blobs{};
  };
  void layer(Layer layer);

  /// @return kInvalidArgument above the 2 GiB that the format allows.
  [[nodiscard]] Result<std::vector<Part>> finish(const std::string& stem) const;

 private:
  std::string text_;
  std::vector<std::pair<std::pair<std::string, std::string>, std::vector<CaffeTensor>>> weights_;
};

/// Numbers for the fields; a float has as few digits as give it again.
[[nodiscard]] inline std::string text(std::int64_t n) { return std::to_string(n); }
[[nodiscard]] std::string shortest(float value);

}  // namespace visavis::modelkit
