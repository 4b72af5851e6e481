#pragma once

/// TensorFlow and TensorFlow Lite count a picture's axes as batch, height, width, channel; ONNX as
/// batch, channel, height, width. `ChannelsFirst` is told a network in the first order, layer by
/// layer, and writes it in the second. Where it is in the flow: importer -> ChannelsFirst -> Graph.
///
/// Each value remembers in which order its axes lie in the ONNX graph. A transposition costs
/// nothing: it only changes that order. A Transpose is written where an operator wants another
/// order than there is, and nowhere else.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "fresh_names.hpp"

namespace visavis::modelkit {

/// The axes in another order: axis i of the result is axis `order[i]` of what is given. A kernel
/// [height, width, in, out] becomes [out, in, height, width] by {3, 2, 0, 1}.
/// @return kInvalidArgument if `order` is no permutation of the axes.
[[nodiscard]] Result<Constant> permuted(const Constant& given,
                                        const std::vector<std::size_t>& order);

class ChannelsFirst {
 public:
  /// A value of the network, by number. Shapes and axes that belong to it are in the order of the
  /// original, -1 marks a dimension that is not known.
  using Id = std::size_t;

  enum class Padding : std::uint8_t {
    kValid,
    kSame,  ///< ceil(size / stride) outputs, the odd pixel behind.
    kExplicit
  };

  /// How a window moves over height and width.
  struct Window {
    Padding padding = Padding::kValid;
    std::int64_t kernel_h = 1;  ///< Of pooling only: a convolution's kernel says it.
    std::int64_t kernel_w = 1;
    std::int64_t stride_h = 1;
    std::int64_t stride_w = 1;
    std::int64_t dilation_h = 1;
    std::int64_t dilation_w = 1;
    std::int64_t top = 0;  ///< Of kExplicit.
    std::int64_t bottom = 0;
    std::int64_t left = 0;
    std::int64_t right = 0;
  };

  explicit ChannelsFirst(std::string_view name) { graph_.name = name; }

  /// Dimension 0 becomes free, whatever it was. With four dimensions it is a picture and lies with
  /// its channels first in the ONNX graph.
  /// @return kUnsupported without dimensions or with more than graph::kMaxRank.
  Result<Id> input(const std::string& name, const Shape& shape);
  /// @return kDecodeFailed unless there are as many values as the shape says.
  Result<Id> constant(Constant given);
  /// Makes a value an output: of four dimensions with channels first, others as they are.
  Result<void> output(const std::string& name, Id value);

  [[nodiscard]] const Shape& shape(Id value) const { return values_[value].shape; }
  /// Null if the value is computed from an input.
  [[nodiscard]] const Constant* constant_of(Id value) const;

  // Each operator writes a node that is named after `name`; two that are called the same get
  // different names. What depends on no input is computed at once. All return kUnsupported, with a
  // phrase that follows "the operator needs", for what this class does not write, and for shapes
  // that do not go together.

  /// kernel: out, in / groups, height, width. bias: out; may be empty.
  Result<Id> convolution(const std::string& name, Id x, Constant kernel, std::vector<float> bias,
                         std::int64_t groups, const Window& window);
  /// The other way round: each number of x gives a window of numbers, and those that meet are
  /// added. kernel: in, out / groups, height, width.
  /// @param size  height and width of the result: those whose convolution with this window has
  /// x's; -1 where x's is free: as many steps as x has numbers, and with VALID what hangs over
  Result<Id> transposed_convolution(const std::string& name, Id x, Constant kernel,
                                    std::vector<float> bias, const Window& window,
                                    const Shape& size);
  /// Padding counts neither for the maximum nor for the mean.
  Result<Id> max_pool(const std::string& name, Id x, const Window& window);
  Result<Id> average_pool(const std::string& name, Id x, const Window& window);
  /// A picture in another size, as TensorFlow places its numbers: at x · in / out, or
  /// (x + .5) · in / out − .5 where half pixels count, or with the first and last of both in one
  /// place. `linear`, or the nearest number: that below, or the rounded one where corners align.
  struct Resizing {
    bool linear = false;
    bool align_corners = false;
    bool half_pixel_centers = false;
  };
  /// @param size  height and width
  Result<Id> resize(const std::string& name, Id x, const Shape& size, const Resizing& how);
  /// Of the last axis, or of axis 1 of a picture with its channels there.
  Result<Id> batch_normalization(const std::string& name, Id x, const BatchNormalization& given,
                                 double epsilon, std::size_t axis);
  /// Abs, Elu, Erf, Exp, Log, Neg, Relu, Sigmoid, Sqrt, Tanh, as ONNX names them.
  Result<Id> unary(std::string_view op, const std::string& name, Id x);
  Result<Id> clip(const std::string& name, Id x, std::optional<float> low,
                  std::optional<float> high);
  Result<Id> leaky_relu(const std::string& name, Id x, float slope);
  /// Slopes in a shape that broadcasts against x.
  Result<Id> prelu(const std::string& name, Id x, Id slopes);
  /// Add, Sub, Mul, Div, Pow, and Max, Min, which no engine needs to know: broadcast as NumPy does.
  Result<Id> binary(std::string_view op, const std::string& name, Id a, Id b);
  /// Negative axes count from the end. Without axes nothing is done.
  Result<Id> mean(const std::string& name, Id x, const Shape& axes, bool keeps);
  Result<Id> sum(const std::string& name, Id x, const Shape& axes, bool keeps);
  /// The largest number of each channel of a picture: axes are its height and width.
  Result<Id> largest(const std::string& name, Id x, const Shape& axes, bool keeps);
  Result<Id> softmax(const std::string& name, Id x, std::int64_t axis);
  Result<Id> concat(const std::string& name, const std::vector<Id>& parts, std::int64_t axis);
  /// At most one dimension is -1. If the first is that of the batch (kBatch, or what the input's
  /// first dimension was before it became free), the others tell the numbers of each sample. A
  /// first dimension of -1 may make several rows of each sample, or one of several, where the file
  /// leaves the batch free.
  Result<Id> reshape(const std::string& name, Id x, Shape shape);
  /// The batch may be moved only where the file leaves it free.
  Result<Id> transpose(Id x, const std::vector<std::size_t>& order);
  /// So many `value` before and behind each axis.
  Result<Id> pad(const std::string& name, Id x, const Shape& before, const Shape& behind,
                 float value);
  /// So many from `begin` on along each axis; -1: all that is left. All samples stay.
  Result<Id> slice(const std::string& name, Id x, const Shape& begin, const Shape& size);
  /// The numbers at these places of an axis that is not the batch.
  Result<Id> gather(const std::string& name, Id x, const Shape& places, std::int64_t axis);
  /// Along each axis what lies between two places as Python counts them: from the end where they
  /// are below 0, all where there is none. Free dimensions may be cut at places that are counted
  /// from the end that they are near to.
  Result<Id> between(const std::string& name, Id x,
                     const std::vector<std::optional<std::int64_t>>& begin,
                     const std::vector<std::optional<std::int64_t>>& end);
  /// What is left of x in steps of 8 bits, (step − zero) · scale.
  Result<Id> rounded(const std::string& name, Id x, float scale, std::int64_t zero, bool is_signed);
  /// [n, k] · [k, m] with constant weights, or products of two computed stacks of matrices.
  Result<Id> product(const std::string& name, Id x, Id weights);

  /// In a shape: as many samples as there are.
  static constexpr std::int64_t kBatch = -2;

  /// The network, with factors and sums per channel multiplied into the convolution or product
  /// before, and PReLU where it was written as several operators.
  [[nodiscard]] Result<graph::Graph> finish() &&;
  /// Its ONNX file: the same calls give the same bytes.
  [[nodiscard]] Result<std::vector<std::byte>> finish_onnx() &&;

 private:
  using Order = std::vector<std::size_t>;  ///< Axis i of the ONNX value is order[i] here.
  struct Value {
    std::string name;  ///< Of the ONNX value; empty for a constant.
    Shape shape;
    Order order;
    std::optional<Constant> constant;
    std::map<Order, std::string> as;  ///< Where it lies in other orders.
  };

  std::string fresh(const std::string& name) { return names_.give(name); }
  Id add(std::string name, Shape shape, Order order);
  std::string initializer(const std::string& name, graph::Shape shape,
                          graph::Tensor::Values values);
  void node(std::string_view op, const std::string& name, std::vector<std::string> inputs,
            std::vector<std::pair<std::string, graph::Attribute>> attributes);
  Result<std::string> in_order(Id value, const Order& order);
  Result<std::string> operand(Id value, std::size_t rank, const Order& order);
  Result<Id> windowed(std::string_view op, const std::string& name, std::vector<std::string> inputs,
                      Id x, const Window& window, std::int64_t channels,
                      std::vector<std::pair<std::string, graph::Attribute>> attributes);
  Result<Id> folded(Constant constant);
  Result<Id> joined(const std::vector<Id>& parts, std::size_t along);
  Result<Id> cut(Id x, const Shape& begin, const Shape& size);
  Result<std::string> picture(Id x);
  Result<Id> extreme(bool most, const std::string& name, Id a, Id b);
  Result<Id> scaled(const std::string& name, Id x, float factor);
  Id sliced(const std::string& name, Id x, Shape shape, Shape starts, Shape ends, Shape axes);
  Result<Id> computed_product(const std::string& name, Id a, Id b);
  [[nodiscard]] Result<Shape> filled(const Value& x, Shape shape) const;

  graph::Graph graph_;
  std::vector<Value> values_;
  FreshNames names_;
  std::vector<std::pair<std::string, std::string>> renamed_;  ///< Values, and outputs' names.
  std::int64_t declared_batch_ = -1;  ///< Dimension 0 of the last input before it became free.
  bool mixes_ = false;                ///< Rows of some value are no samples.
  std::size_t folded_ = 0;            ///< Numbers that were computed beforehand.
};

}  // namespace visavis::modelkit
