#pragma once

/// Writes a network layer by layer (opset 13). Every layer returns the name of its output, which is
/// also the name of its node.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {

using Shape = std::vector<std::int64_t>;  ///< -1 marks a free dimension.

struct Constant {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

/// (x − mean) · scale / √(variance + ε) + shift, each with one number per channel.
struct BatchNormalization {
  Constant scale;
  Constant shift;
  Constant mean;
  Constant variance;
};

struct ConvolutionShape {
  std::int64_t groups = 1;
  std::int64_t stride_h = 1;
  std::int64_t stride_w = 1;
  std::int64_t dilation_h = 1;
  std::int64_t dilation_w = 1;
  std::int64_t pad_top = 0;
  std::int64_t pad_left = 0;
  std::int64_t pad_bottom = 0;
  std::int64_t pad_right = 0;
};

class Builder {
 public:
  explicit Builder(std::string_view name) { graph_.name = name; }

  std::string input(const std::string& name, const Shape& shape);
  /// Makes the value `name` an output.
  void output(const std::string& name, const Shape& shape);

  /// weights: out, in / groups, height, width; bias: out.
  std::string convolution(const std::string& name, const std::string& x, Constant weights,
                          Constant bias, const ConvolutionShape& shape);
  std::string batch_normalization(const std::string& name, const std::string& x,
                                  BatchNormalization given, float epsilon);
  /// slopes in a shape that broadcasts against x.
  std::string prelu(const std::string& name, const std::string& x, Constant slopes);
  std::string relu(const std::string& name, const std::string& x);
  std::string relu6(const std::string& name, const std::string& x);  ///< From 0 to 6.
  /// Windows that hang over the end count too, as Caffe and ceil_mode have it.
  std::string max_pool_ceil(const std::string& name, const std::string& x, std::int64_t side,
                            std::int64_t stride);
  /// Only windows that lie within count.
  std::string max_pool(const std::string& name, const std::string& x, std::int64_t side,
                       std::int64_t stride);
  std::string average_pool(const std::string& name, const std::string& x, std::int64_t side,
                           std::int64_t stride);
  /// n × channels × 1 × 1.
  std::string global_average_pool(const std::string& name, const std::string& x);
  /// Zeros behind the end of each dimension, so many.
  std::string pad_end(const std::string& name, const std::string& x, const Shape& zeros);
  /// x · weights; weights: in, out.
  std::string product(const std::string& name, const std::string& x, Constant weights);
  /// x · weightsᵀ + bias; weights: out, in.
  std::string dense(const std::string& name, const std::string& x, Constant weights, Constant bias);
  std::string add(const std::string& name, const std::string& a, const std::string& b);
  /// One behind the other along the channels.
  std::string concat(const std::string& name, const std::vector<std::string>& parts);
  /// x / max(|x|, 1e-12) for each of the rows [n, width].
  std::string unit_rows(const std::string& name, const std::string& x, std::int64_t width);
  std::string transpose(const std::string& name, const std::string& x, const Shape& permutation);
  /// n × everything else.
  std::string flatten(const std::string& name, const std::string& x);
  /// Over the channels.
  std::string softmax(const std::string& name, const std::string& x);

  using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;
  /// Any operator; its first output has the node's name.
  std::string node(const char* type, const std::string& name, std::vector<std::string> inputs,
                   Attributes attributes);
  std::string constant(Constant constant);
  /// Whole numbers in a row, such as a shape.
  std::string integers(const std::string& name, Shape values);

  [[nodiscard]] graph::Graph& graph() noexcept { return graph_; }  ///< As far as it is written.
  /// The ONNX file: the same calls give the same bytes.
  [[nodiscard]] Result<std::vector<std::byte>> finish() const;

 private:
  graph::Graph graph_;
};

}  // namespace visavis::modelkit
