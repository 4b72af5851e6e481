#pragma once

/// Turns the operators of a TensorFlow Lite file into ONNX, one after the other. Where it is in the
/// flow: LiteModel -> Converter -> ChannelsFirst -> ONNX file. Its rules lie in several files by
/// what they are about: tflite_layers, tflite_arithmetic, tflite_shapes; the table of them is in
/// tflite_to_onnx, and what is several operators in the file and one here in tflite_patterns.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "channels_first.hpp"
#include "tflite.hpp"
#include "tflite_patterns.hpp"

namespace visavis::modelkit::lite {

using Id = ChannelsFirst::Id;

class Converter {
 public:
  explicit Converter(const LiteModel& model);

  /// @return the ONNX file; kUnsupported with what is not understood.
  Result<std::vector<std::byte>> run() &&;

 private:
  using Rule = Result<Id> (Converter::*)(const LiteOperator&);
  struct Row {
    std::string_view name;
    Rule rule;
    std::size_t inputs;          ///< At least.
    bool moves_only = false;     ///< Its results are steps of what came in.
    std::string_view stem = {};  ///< Of the names of its nodes.
  };

  static const Row* rule_of(std::string_view name);

  /// All that is not understood, in one sentence.
  [[nodiscard]] Result<void> check_operators() const;
  Result<void> inputs();
  Result<void> outputs();
  Result<void> convert(std::size_t index);

  // Names and values.

  [[nodiscard]] std::string given_name(std::size_t tensor, const std::string& otherwise) const;
  /// The only output, and a row for each sample.
  [[nodiscard]] bool is_row(std::size_t tensor) const;
  [[nodiscard]] bool is_embedding(const LiteOperator& op) const;
  /// A name of our own: those in the file are long paths, and may be there twice.
  std::string fresh(std::string_view stem) { return std::string(stem) + std::to_string(++count_); }
  /// What was computed, or a constant.
  Result<Id> value(std::size_t tensor);
  [[nodiscard]] const LiteTensor& tensor(const LiteOperator& op, std::size_t input) const {
    return model_.tensors[op.inputs[input]];
  }
  Result<Id> activated(const LiteOperator& op, Id x);
  /// What is left of reals that become steps.
  Result<Id> rounded(const LiteTensor& as, Id x);

  // Layers with weights or windows.

  Result<std::vector<float>> bias_of(const LiteOperator& op);
  Result<Id> convolution(const LiteOperator& op);
  Result<Id> spread(const LiteOperator&);
  Result<Id> spread_of(const Spread& found, const LiteOperator& behind);
  Result<Id> transposed(const LiteOperator& op);
  Result<Id> convolve(const LiteOperator& op, std::size_t input,
                      const ChannelsFirst::Window& window);
  Result<Id> dense(const LiteOperator& op);
  Result<Id> product(const LiteOperator& op);
  Result<Id> pool(const LiteOperator& op);
  Result<Id> resize(const LiteOperator& op);

  // Arithmetic.

  Result<Id> binary(const LiteOperator& op);
  Result<Id> unary(const LiteOperator& op);
  Result<Id> clipped(const LiteOperator& op);
  Result<Id> square(const LiteOperator& op);
  Result<Id> squared_difference(const LiteOperator& op);
  Result<Id> number(float given);
  Result<Id> reciprocal_root(const LiteOperator& op);
  Result<Id> hard_swish(const LiteOperator& op);
  Result<Id> gelu(const LiteOperator& op);
  Result<Id> leaky_relu(const LiteOperator& op);
  Result<Id> prelu(const LiteOperator& op);
  Result<Id> prelu_of(const Prelu& found);
  Result<Id> softmax(const LiteOperator& op);
  Result<Id> softmax_of(const Distribution& found);
  Result<Id> unit_length(const LiteOperator& op);
  Result<Id> reduce(const LiteOperator& op);

  // What moves numbers and changes none.

  Result<Id> reshape(const LiteOperator& op);
  Result<Id> transpose(const LiteOperator& op);
  Result<Id> pad(const LiteOperator& op);
  Result<Id> gather(const LiteOperator& op);
  Result<Id> slice(const LiteOperator& op);
  Result<Id> strided_slice(const LiteOperator& op);
  Result<Id> concat(const LiteOperator& op);
  Result<Id> same(const LiteOperator& op);

  LiteModel model_;
  Patterns patterns_;
  ChannelsFirst out_{"tflite"};
  std::vector<std::optional<Id>> ids_;
  std::string name_;  ///< Of the node that is being written.
  int count_ = 0;
};

}  // namespace visavis::modelkit::lite
