#pragma once

/// The form of a network that TensorFlow and TensorFlow Lite have: pictures as NHWC.

#include <cstdint>
#include <span>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>

namespace visavis::graph {

/// What lies in front of and behind a network.
enum class PictureOrder : std::uint8_t {
  kChannelsFirst,  ///< Inputs and outputs as they were.
  kChannelsLast,   ///< Those of rank 4 are NHWC, too.
};

/// A network for inputs of one size. Its operators have names as in ONNX and meanings as in
/// TensorFlow, so that each becomes one of TensorFlow's or TensorFlow Lite's:
///
///   Conv            x NHWC, w [out, h, w, in], b [out]; strides, dilations, padding
///   DepthwiseConv   x NHWC, w [1, h, w, out], b [out]; likewise
///   TransposeConv   x NHWC, w [out, h, w, in]; strides, padding: those of the convolution that
///                   it is the other way round of
///   MaxPool, AveragePool   x NHWC; kernel_shape, strides, padding; the mean is of what lies on x
///   FullyConnected  x [n, in], w [out, in], b [out]
///   MatMul          two values of one rank
///   Add, Sub, Mul, Div, Pow, Maximum, Minimum   constants have the value's rank or none
///   Relu, Relu6, LeakyRelu (alpha), PRelu (slopes [1, 1, c] or [c]), Elu, HardSwish, Sigmoid,
///   Tanh, Exp, Log, Neg, Abs, Sqrt, Round
///   Softmax         along the last axis
///   Mean, Max       axes (int32), attribute keepdims
///   ResizeBilinear, ResizeNearest   x NHWC, size [h, w] (int32); align_corners,
///                   half_pixel_centers
///   Reshape         shape (int32); -1 first, where the batch may change
///   Transpose       permutation (int32)
///   Pad             paddings [rank, 2] (int32), attribute value
///   Concat          attribute axis
///   Slice           begin, size (int32); -1: all that is left
///   StridedSlice    begin, end, steps (int32); attributes begin_mask, end_mask
///   Gather          indices (int32), attribute axis
///   QuantizeLinear, DequantizeLinear   scale, zero point of int8: one for all
///
/// Conv, DepthwiseConv and FullyConnected have an attribute weight_scales, one for each output,
/// where the weights are int8 in the source: w is what the steps mean. The attribute padding is
/// VALID, or SAME as TensorFlow has it: as many outputs as strides fit, the odd pixel of padding at
/// the end. Other paddings are an operator Pad.
struct ChannelsLast {
  Graph graph;    ///< Its inputs are declared as before: with -1 for what was free.
  Shapes shapes;  ///< Of all that nodes make and of the inputs.
};

/// Transposes are inserted only where an operator wants the other order. Constants have to be
/// folded before; what is computed from shapes is for these.
/// @param inputs  their shapes, as `graph` has them
/// @return kUnsupported with all operators that have no such form, or with what has to be a
/// constant and is not; as `infer_shapes`.
[[nodiscard]] Result<ChannelsLast> to_channels_last(const Graph& graph,
                                                    std::span<const Shape> inputs,
                                                    PictureOrder order, const Evaluate& evaluate);

/// The same for two forms that differ in nothing but the sizes of values: such a form can be run
/// for both, and for whatever else gives it.
[[nodiscard]] Result<Sha256> hash_of_layers(const ChannelsLast& network);

}  // namespace visavis::graph
