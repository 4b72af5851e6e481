#pragma once

/// Turns the operators of a TensorFlow graph into ONNX, one after the other. Where it is in the
/// flow: TensorflowGraph -> Converter -> ChannelsFirst -> ONNX file. Its rules lie in several files
/// by what they are about: tensorflow_constants, tensorflow_layers, tensorflow_arithmetic,
/// tensorflow_shapes; the table of them is in tensorflow_to_onnx.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "bundle.hpp"
#include "channels_first.hpp"
#include "refusals.hpp"
#include "tensorflow_graph.hpp"
#include "tensorflow_to_onnx.hpp"
#include "tensorflow_values.hpp"

namespace visavis::modelkit::tf {

class Converter {
 public:
  /// @param graph, inputs, variables  must outlive it; tensorflow_to_onnx says what they are
  Converter(const TensorflowGraph& graph, const std::map<std::string, TensorflowInput>& inputs,
            const Bundle* variables);

  /// @return as tensorflow_to_onnx
  Result<std::vector<std::byte>> run(std::span<const std::string> outputs) &&;

 private:
  /// What one operator becomes. kUnsupported says what the operator would have to have.
  using Handler = Result<Value> (Converter::*)(const Call&);
  /// Of an operator with several outputs.
  using Splitter = Result<std::vector<Value>> (Converter::*)(const Call&);

  struct Rule {
    std::string_view op;
    std::variant<Handler, Splitter> run;
  };

  static const Rule* rule_of(std::string_view op);

  [[nodiscard]] std::optional<Value> value_at(const TensorflowGraph::Port& port) const;
  /// Errors of memory and of damaged numbers end the import; what is not understood is collected.
  Result<void> convert(std::size_t index);
  Result<std::vector<Value>> run(const Rule& rule, const Call& call);

  // Inputs, constants, variables.

  Result<Value> input(const Call& call);
  Result<Value> picture(const TensorflowInput& given);
  Result<Value> placeholder(const Call& call);
  Result<Value> placeholder_with_default(const Call& call);
  Result<Value> hand_on(const Call& call);
  Result<Value> cast(const Call& call);
  Result<Value> constant(const Call& call);
  Result<Value> variable(const Call& call);
  Result<Value> handle(const Call& call);
  Result<Value> read_variable(const Call& call);
  Result<Value> numbers_of(const std::string& name);

  // Layers.

  /// Axes as the operator has them: whether channels come first, and where height and width are.
  struct Format {
    bool channels_first = false;
    std::size_t height = 1;
    std::size_t width = 2;
  };
  static Result<Format> format_of(const Call& call);
  static Result<ChannelsFirst::Window> window_of(const Call& call, const Format& format);
  /// With its channels last, and back.
  Result<Id> turned(Id x, const Format& format);
  Result<Value> turned_back(Id x, const Format& format);
  Result<Constant> weights(const Call& call, std::size_t i);
  Result<Value> convolution(const Call& call);
  Result<Value> depthwise(const Call& call);
  /// Height and width of the result are its first input, the picture its third.
  Result<Value> transposed(const Call& call);
  /// What an operator reads, behind those that hand it on.
  [[nodiscard]] TensorflowGraph::Port origin(TensorflowGraph::Port port) const;
  /// Of a size that the run tells.
  struct Multiple {
    std::int64_t times = 1;
    std::int64_t more = 0;
  };
  /// How a size is computed of x's along an axis, by products and sums; nothing if it is of others.
  [[nodiscard]] std::optional<Multiple> multiple_of(TensorflowGraph::Port port, Id x,
                                                    std::size_t axis) const;
  /// The result's height or width; -1 if it is the input's, as Keras has it.
  [[nodiscard]] Result<std::int64_t> transposed_size(const Call& call, Id x, std::size_t place,
                                                     std::size_t axis, std::int64_t kernel,
                                                     std::int64_t stride, bool same) const;
  Result<Value> space_to_batch(const Call& call);
  /// A kernel for pixels that are apart, which have none yet.
  static Result<Value> spread_kernel(const Call& call, const Format& format,
                                     const ChannelsFirst::Window& window, Constant kernel,
                                     std::int64_t groups);
  Result<Value> batch_to_space(const Call& call);
  Result<Value> bias_add(const Call& call);
  Result<Value> fused_batch_norm(const Call& call);
  Result<Value> pool(const Call& call);
  Result<Value> resize(const Call& call);
  Result<Value> product(const Call& call);

  // Arithmetic.

  Result<Value> unary(const Call& call);
  Result<Value> relu6(const Call& call);
  Result<Value> complementary_error(const Call& call);
  Result<Value> leaky_relu(const Call& call);
  Result<Value> square(const Call& call);
  Result<Value> squared_difference(const Call& call);
  Result<Value> reciprocal_root(const Call& call);
  Result<Value> binary(const Call& call);
  Result<Value> add_n(const Call& call);
  Result<Value> reduce(const Call& call);
  Result<Value> softmax(const Call& call);

  // Axes and sizes, of the data and of the lists that describe them.

  Result<Value> pack(const Call& call);
  Result<Value> concat(const Call& call);
  Result<Value> shape(const Call& call);
  Result<Value> strided_slice(const Call& call);
  Result<Value> strided_slice_of_floats(const Call& call);
  Result<Value> slice(const Call& call);
  Result<std::vector<Value>> parts_of(const Call& call, std::size_t x, std::int64_t axis,
                                      const std::vector<std::int64_t>& sizes);
  Result<std::vector<Value>> split(const Call& call);
  Result<std::vector<Value>> split_by_sizes(const Call& call);
  Result<std::vector<Value>> unpack(const Call& call);
  Result<Value> range(const Call& call);
  Result<Value> gather(const Call& call);
  Result<Value> reshape(const Call& call);
  /// The shape of a value as a Reshape takes it.
  [[nodiscard]] Shape sizes_of(Id x) const;
  Result<Value> squeeze(const Call& call);
  Result<Value> expand_dims(const Call& call);
  Result<Value> transpose(const Call& call);
  Result<Value> pad(const Call& call);

  const TensorflowGraph& graph_;
  const std::map<std::string, TensorflowInput>& inputs_;
  const Bundle* variables_;
  ChannelsFirst network_{"tensorflow"};
  std::vector<std::vector<Value>> values_;  ///< Of each node's outputs.
  std::map<std::string, Value> read_;       ///< Variables.
  Refusals refusals_;
  std::size_t stretched_ = 0;
};

}  // namespace visavis::modelkit::tf
