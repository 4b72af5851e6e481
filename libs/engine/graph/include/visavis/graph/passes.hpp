#pragma once

/// Rewrites of a graph that leave its answers as they are.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::graph {

/// Makes a network that was exported for one sample take any number of them: axis 0 of every input
/// and output becomes free, and each Reshape to a constant shape keeps axis 0 of what it reshapes.
/// The batch is followed through the graph, so that nothing mixes samples in the result. Assumed,
/// not checked: where a constant meets a batch, it broadcasts along axis 0.
/// @return kUnsupported, with the operator's name, if an input's axis 0 is fixed to anything but 1
/// or an operator might touch the batch axis; kInvalidArgument if the graph is not valid.
[[nodiscard]] Result<Graph> free_batch(Graph graph);

/// Sets weights below 1e-20 in magnitude to zero. Training with weight decay leaves many of them,
/// their products with activations are subnormal, and arithmetic on subnormal numbers is many times
/// slower.
[[nodiscard]] Graph flush_subnormals(Graph graph);

/// Drops nodes and constants that no output depends on, and Identity and Dropout, which hand on
/// what they get. Outputs keep their names.
[[nodiscard]] Graph remove_unused(Graph graph);

/// The outputs of a graph for these inputs, in the order of its own: what an engine does. Declared
/// shapes of outputs mean nothing to it.
using Evaluate =
    std::function<Result<std::vector<Tensor>>(const Graph& graph, std::span<const Tensor> inputs)>;

/// A weight that stays float32.
struct KeptFloat {
  std::string name;
  std::string reason;  ///< "it holds a number that halves cannot hold", …
};

/// A network with weights of 16 bits.
struct Halved {
  Graph graph;
  std::size_t tensors = 0;        ///< So many constants became halves …
  std::uint64_t numbers = 0;      ///< … which hold so many numbers.
  std::vector<KeptFloat> kept{};  ///< Large enough, but unfit.
};

/// Constants of fewer numbers stay float32: a Cast and a second name take some hundred bytes.
inline constexpr std::size_t kLeastHalves = 256;

/// Stores weights as IEEE halves, each rounded to the nearest, ties to even, with a Cast to float32
/// behind them, so that the network still computes in float32. Done to constants of float32 (and in
/// Constant nodes) with at least kLeastHalves numbers and two axes longer than 1: kernels,
/// matrices. Biases, slopes and statistics take little room. A constant stays float32 if a number
/// in it is not finite or rounds to infinity (from 65520 on), or if rounding moves it by more than
/// 2^-11 of its length, the most that a half of 2^-14 or above can be off: then what it says is in
/// numbers too small for halves.
/// @return kUnsupported below operator set 6, which has no such Cast.
[[nodiscard]] Result<Halved> halve_weights(Graph graph);

/// Constants of halves that only a Cast to float32 reads become float32: exact, and the opposite of
/// `halve_weights` but for what rounding took. Others stay.
[[nodiscard]] Graph widen_halves(Graph graph);

/// True if a constant is of halves.
[[nodiscard]] bool has_halves(const Graph& graph) noexcept;

/// These numbers as halves if each is one exactly; else nothing.
[[nodiscard]] std::optional<std::vector<Half>> exact_halves(std::span<const float> values);

/// Computes beforehand whatever depends on no input, and widens halves.
/// @return what `evaluate` refuses.
[[nodiscard]] Result<Graph> fold_constants(Graph graph, const Evaluate& evaluate);

/// Of every value by its name.
using Shapes = std::unordered_map<std::string, Shape>;

/// The shapes of all values for these shapes of the inputs. What shapes are computed from is
/// computed by `evaluate`, a node at a time.
/// @return kUnsupported for an operator without a rule, or a shape that depends on more than
/// shapes; kResourceExhausted if more than 2^24 numbers have to be computed for it;
/// kInvalidArgument for inputs or nodes whose shapes do not go together.
[[nodiscard]] Result<Shapes> infer_shapes(const Graph& graph, std::span<const Shape> inputs,
                                          const Evaluate& evaluate);

/// What is computed from nothing but shapes and constants becomes constant, if it is the same for
/// all these shapes of the inputs: for one set of them everything, for several what does not depend
/// on the dimensions in which they differ.
/// @param sizes  sets of shapes of all inputs
/// @return as infer_shapes
[[nodiscard]] Result<Graph> fold_shapes(Graph graph, std::span<const std::vector<Shape>> sizes,
                                        const Evaluate& evaluate);

/// Multiplies each batch normalisation into the convolution (or Gemm with transB, alpha and beta 1)
/// whose output nobody else reads: W' = W g / sqrt(v + e), b' = (b - m) g / sqrt(v + e) + beta
/// (S. Ioffe and C. Szegedy, Batch Normalization, 2015, section 3.1). One that stands before a
/// convolution stays, for the zeros of a padding are not normalised.
[[nodiscard]] Graph fold_batch_norm(Graph graph);

/// The network that an int8 one stands for: where values are rounded to steps of a constant scale
/// and taken back at once, a Clip to the range of the steps is left. Weights stay as they are.
[[nodiscard]] Graph drop_roundings(Graph graph);

/// True if a node is of those that `compose` looks at.
[[nodiscard]] bool has_composites(const Graph& graph) noexcept;

/// Operators that formats lack, made of others that they have. ReduceL2, ReduceSum and
/// LpNormalization become means of squares, of magnitudes or of the numbers themselves, times their
/// count; a ReduceMax of whole planes a GlobalMaxPool; Sum, Max and Min of several an Add, Max or
/// Min of two after another; a Concat of one input that input; and an Expand goes where the
/// operators that read it stretch its input as well. What does not fit stays.
/// @param shapes  of all values, as infer_shapes has them
/// @param others  for another size of the inputs, if that is free; what changes is no count
[[nodiscard]] Graph compose(const Graph& graph, const Shapes& shapes, const Shapes& others);

}  // namespace visavis::graph
