#pragma once

/// What every exporter asks of a graph: shapes, constants, and who reads what.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/graph/resize.hpp>

namespace visavis::modelkit {

using Shape = graph::Shape;

/// A window along one axis as an ONNX convolution or pooling states it.
struct WindowAxis {
  std::int64_t size = 0;  ///< Of the input …
  std::int64_t out = 0;   ///< … and of the output.
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t before = 0;  ///< Padding.
  std::int64_t after = 0;
};

class Survey {
 public:
  /// @param graph  outlives the result
  /// @param free_size  stands for a free dimension other than the first, for which 1 stands
  /// @return as graph::infer_shapes
  [[nodiscard]] static Result<Survey> of(const graph::Graph& graph, std::int64_t free_size);

  /// @pre a value of the graph
  [[nodiscard]] const Shape& shape(const std::string& value) const { return shapes_.at(value); }
  /// Whether its shape is another for another free height and width.
  [[nodiscard]] bool varies(const std::string& value) const {
    return sizes_are_free_ && others_.at(value) != shapes_.at(value);
  }
  [[nodiscard]] bool varies(const std::string& value, std::size_t axis) const {
    return sizes_are_free_ && others_.at(value)[axis] != shapes_.at(value)[axis];
  }
  [[nodiscard]] bool has(const graph::Node& node, std::size_t input) const {
    return input < node.inputs.size() && !node.inputs[input].empty();
  }
  /// Null unless the input is a constant of floats.
  [[nodiscard]] const std::vector<float>* floats(const graph::Node& node, std::size_t input) const;
  /// A constant of whole numbers, or an attribute that older opsets have for it.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(const graph::Node& node,
                                                                  std::string_view attribute,
                                                                  std::size_t input) const;
  [[nodiscard]] bool is_constant(const std::string& value) const {
    return graph_->initializer(value) != nullptr;
  }
  /// How many inputs of nodes a value is.
  [[nodiscard]] std::size_t uses(const std::string& value) const;
  [[nodiscard]] bool is_output(std::string_view value) const;

  /// Height and width of a convolution's or a pooling's windows; nothing if there are other axes.
  [[nodiscard]] std::optional<std::vector<WindowAxis>> windows(const graph::Node& node,
                                                               const Shape& kernel) const;

  [[nodiscard]] const graph::Shapes& shapes() const noexcept { return shapes_; }
  /// For twice the free sizes.
  [[nodiscard]] const graph::Shapes& others() const noexcept {
    return sizes_are_free_ ? others_ : shapes_;
  }
  [[nodiscard]] const graph::Graph& graph() const noexcept { return *graph_; }
  [[nodiscard]] bool batch_is_free() const noexcept { return batch_is_free_; }
  [[nodiscard]] bool sizes_are_free() const noexcept { return sizes_are_free_; }

 private:
  explicit Survey(const graph::Graph& graph) : graph_(&graph) {}

  const graph::Graph* graph_;
  graph::Shapes shapes_;
  graph::Shapes others_;  ///< For twice the free sizes.
  std::map<std::string, std::size_t, std::less<>> uses_;
  bool batch_is_free_ = false;
  bool sizes_are_free_ = false;
};

/// A height and width, of those that pictures often have, for which all windows fit; 48 if none
/// does.
[[nodiscard]] std::int64_t usual_size(const graph::Graph& graph);

/// The least free height and width for which all windows fit, as they do for `fitting`.
[[nodiscard]] std::int64_t least_size(const graph::Graph& graph, std::int64_t fitting);

/// What both Gemm and MatMul with constant weights are: y = W x + b for each row.
struct Dense {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::vector<float> weights;  ///< [outputs, inputs], times alpha.
  std::vector<float> bias;     ///< Times beta; empty if there is none.
};

/// Of a Slice in steps of 1 that keeps all samples.
struct Range {
  Shape from;
  Shape to;
};

/// kUnsupported with "Operator (why)".
[[nodiscard]] std::unexpected<Error> refuse(const graph::Node& node, std::string_view why);

// What a node's attributes and constants say.
// @return kUnsupported for what no exporter writes
[[nodiscard]] Result<std::size_t> axis_of(const graph::Node& node, std::int64_t axis,
                                          std::size_t rank);
[[nodiscard]] Result<Dense> dense_of(const Survey& survey, const graph::Node& node);
/// -∞ or ∞ where there is no bound.
[[nodiscard]] Result<std::pair<float, float>> bounds_of(const Survey& survey,
                                                        const graph::Node& node);
[[nodiscard]] Result<std::size_t> softmax_axis(const Survey& survey, const graph::Node& node);
/// Not that of the samples; no input is a constant.
[[nodiscard]] Result<std::size_t> concat_axis(const Survey& survey, const graph::Node& node);
/// Neither that of the samples nor one that is free.
[[nodiscard]] Result<std::size_t> split_axis(const Survey& survey, const graph::Node& node);
/// Free dimensions stay whole.
[[nodiscard]] Result<Range> range_of(const Survey& survey, const graph::Node& node);
/// In ascending order.
[[nodiscard]] Result<std::vector<std::size_t>> reduced_axes(const Survey& survey,
                                                            const graph::Node& node);
[[nodiscard]] Shape order_of(const Survey& survey, const graph::Node& node);
/// One slope for all, or one for each channel.
[[nodiscard]] Result<const std::vector<float>*> slopes_of(const Survey& survey,
                                                          const graph::Node& node);

/// The weights of a convolution or a transposed one.
struct Kernel {
  const std::vector<float>* values = nullptr;
  const std::vector<float>* bias = nullptr;  ///< Null without one.
  Shape shape;                               ///< Of four dimensions, as ONNX has them.
};
[[nodiscard]] Result<Kernel> kernel_of(const Survey& survey, const graph::Node& node);

/// One axis of a transposed convolution: what its padding takes from what all windows cover.
struct StampAxis {
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t before = 0;
  std::int64_t after = 0;  ///< Below 0: so many that no window reaches.
};

/// @return kUnsupported where it depends on sizes that are free
[[nodiscard]] Result<std::vector<StampAxis>> stamps_of(const Survey& survey,
                                                       const graph::Node& node);

/// Of Resize and Upsample.
[[nodiscard]] Result<graph::Resizing> resizing_of(const Survey& survey, const graph::Node& node);

/// graph::compose for the sizes that a graph leaves free.
/// @return as graph::infer_shapes
[[nodiscard]] Result<graph::Graph> composed(graph::Graph graph);

/// Whether anything is computed from shapes.
[[nodiscard]] bool reads_shapes(const graph::Graph& graph);

/// input_shapes, but each free dimension is another, far from `free_size`: what is counted in
/// pixels is not the same for both.
[[nodiscard]] std::vector<Shape> stretched_shapes(const graph::Graph& graph,
                                                  std::int64_t free_size);

/// What is computed from shapes becomes constant, for a batch of 1, where no other free dimension
/// has a part in it.
/// @return as graph::infer_shapes
[[nodiscard]] Result<graph::Graph> settle_shapes(graph::Graph graph);

/// Those that are in the graph and not among `known`.
[[nodiscard]] std::set<std::string> other_operators(const graph::Graph& graph,
                                                    const std::set<std::string_view>& known);

/// "a, b, c"
[[nodiscard]] std::string joined(const std::set<std::string>& parts);

}  // namespace visavis::modelkit
