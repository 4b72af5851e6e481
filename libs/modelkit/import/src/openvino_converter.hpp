#pragma once

/// Turns the layers of an OpenVINO IR into ONNX operators, one after the other. Where it is in the
/// flow: IrNetwork -> Converter -> Graph -> ONNX file. Its rules lie in several files by what they
/// are about: openvino_constants, openvino_layers, openvino_arithmetic, openvino_reductions,
/// openvino_shapes; the table of them is in openvino_to_onnx.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "fresh_names.hpp"
#include "openvino.hpp"
#include "openvino_values.hpp"
#include "refusals.hpp"

namespace visavis::modelkit::ir {

class Converter {
 public:
  /// @param network  must outlive it
  explicit Converter(const IrNetwork& network);

  /// @return the ONNX file; kUnsupported with all that is not understood, kDecodeFailed,
  /// kModelMismatch or kResourceExhausted.
  Result<std::vector<std::byte>> run() &&;

 private:
  /// What one layer becomes. kUnsupported says what the layer would have to have; it is collected,
  /// and any other error ends the import.
  using Handler = Result<Values> (Converter::*)(const Call&);
  struct Rule {
    std::string_view type;
    Handler run;
  };

  static const Rule* rule_of(std::string_view type);

  Result<void> convert(std::size_t index);

  // What is written.

  std::string fresh(const std::string& name) { return names_.give(name); }
  /// Of a layer's result: what the file calls it, or else its layer.
  std::string name_of(const Call& call, std::size_t output = 0);
  void node(std::string_view op, const std::string& name, std::vector<std::string> inputs,
            Attributes attributes = {});
  std::string initializer(const std::string& name, Shape shape, graph::Tensor::Values values);
  std::string integers(const std::string& name, Shape values);
  std::string single(const std::string& name, float value);
  /// Its name in the graph, where a constant is written now.
  Result<std::string> operand(const Value& value);
  /// One operator of one output that the file declares.
  Result<Values> made(std::string_view op, const Call& call, std::vector<std::string> inputs,
                      Attributes attributes = {});
  /// A constant that was computed here.
  Result<Values> folded(Constant constant);

  // Inputs, outputs, constants, steps of 8 bits.

  Result<Values> parameter(const Call& call);
  Result<Values> result(const Call& call);
  Result<Values> constant(const Call& call);
  Result<Values> convert_type(const Call& call);
  Result<Values> fake_quantize(const Call& call);
  Result<Values> quantized_constant(const Call& call, const Constant& x, std::int64_t levels);

  // Layers with weights or windows.

  Result<Values> convolved(const Call& call, Constant kernel, std::int64_t groups);
  Result<Values> convolution(const Call& call);
  Result<Values> group_convolution(const Call& call);
  /// kernel: in, out / groups, height, width
  Result<Values> transposed(const Call& call, Constant kernel, std::int64_t groups);
  Result<Values> transposed_convolution(const Call& call);
  Result<Values> transposed_group_convolution(const Call& call);
  Result<Values> pool(const Call& call);
  Result<Values> interpolate(const Call& call);
  Result<Values> batch_norm(const Call& call);
  Result<Values> mat_mul(const Call& call);

  // Arithmetic.

  Result<Values> unary(const Call& call);
  Result<Values> binary(const Call& call);
  Result<Values> least(const Call& call, const std::vector<std::string>& inputs);
  Result<Values> of_constants(std::string_view op, const Call& call, const Constant& a,
                              const Constant& b);
  Result<Values> prelu(const Call& call);
  Result<Values> clamp(const Call& call);
  Result<Values> elu(const Call& call);
  Result<Values> hard_sigmoid(const Call& call);
  Result<Values> swish(const Call& call);
  Result<Values> squared_difference(const Call& call);
  Result<Values> softmax(const Call& call);

  // Means, sums and lengths along axes.

  std::string mean_of(const std::string& name, const std::string& x, const Shape& axes);
  std::string squares_of(const std::string& name, const std::string& x);
  Result<std::string> square_length(const Call& call, const Computed& x, const Shape& axes);
  Result<Values> reduce(const Call& call);
  Result<Values> normalize(const Call& call);
  Result<Values> mean_variance(const Call& call);

  // Shapes, of the data and of the numbers that describe them.

  Result<Values> shape_of(const Call& call);
  Result<Values> reshape(const Call& call);
  Result<Values> reshaped(const Constant& given, Shape target);
  Result<Values> squeeze(const Call& call);
  Result<Values> unsqueeze(const Call& call);
  Result<Values> other_rank(const Call& call, std::string_view op);
  Result<Values> transpose(const Call& call);
  Result<Values> concat(const Call& call);
  Result<Values> split(const Call& call);
  Result<Values> slice(const Call& call);
  Result<Values> strided_slice(const Call& call);
  Result<Values> gather(const Call& call);
  Result<Values> broadcast(const Call& call);
  Result<Values> range(const Call& call);
  Result<Values> pad(const Call& call);

  const IrNetwork& network_;
  graph::Graph graph_;
  std::vector<Values> values_;
  FreshNames names_;
  std::map<std::pair<std::size_t, std::size_t>, std::string> claimed_;  ///< Names that are known.
  std::map<const Constant*, std::string> written_;
  std::vector<Numbers> kept_;  ///< So that no other constant gets a written one's address.
  Refusals refusals_;
  std::set<std::pair<std::size_t, std::size_t>> used_;  ///< Layers and which of their outputs.
  std::size_t read_ = 0;                                ///< Bytes that constants take here.
  std::size_t folded_ = 0;
};

}  // namespace visavis::modelkit::ir
