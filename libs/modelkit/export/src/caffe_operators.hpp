#pragma once

/// ONNX operators as Caffe's layers. The table of them is in caffe_operators, the rules in
/// caffe_windows, caffe_arithmetic and caffe_shapes.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "caffe_writer.hpp"
#include "survey.hpp"

namespace visavis::modelkit {

/// Those that can be written, at least with some of their attributes.
[[nodiscard]] std::set<std::string_view> caffe_operators();

/// Writes a graph's nodes one after the other.
class CaffeLowering {
 public:
  /// All outlive this object. @param late  outputs that add_late_output will add
  CaffeLowering(const Survey& survey, const std::set<std::string>& late, CaffeWriter& writer)
      : survey_(survey), late_(late), writer_(writer) {}

  /// @return kUnsupported with "Operator (why)". What reads the node's output can still be added.
  [[nodiscard]] Result<void> add(const graph::Node& node);
  void add_late_output(const std::string& name);

 private:
  using Node = graph::Node;
  using Done = Result<void>;
  using Fields = CaffeFields;

  // Windows over pictures.

  Done convolution(const Node& node);
  Done transposed(const Node& node);
  Done pool(const Node& node);
  Done average_pool(const Node& node, const std::vector<WindowAxis>& windows);
  Done global_pool(const Node& node);

  // Arithmetic.

  Done dense(const Node& node);
  Done binary(const Node& node);
  Done with_number(const Node& node, float number, bool number_first);
  Done with_tensor(const Node& node, std::size_t constant);
  Done with_channels(const Node& node, std::size_t channels);
  Done of_two(const Node& node);
  Done batch_norm(const Node& node);
  Done prelu(const Node& node);
  Done plain(const Node& node);
  Done clip(const Node& node);
  Done hard_sigmoid(const Node& node);
  Done softmax(const Node& node);
  Done reduce(const Node& node);

  // Shapes.

  Done pad(const Node& node);
  Done concat(const Node& node);
  Done reshape(const Node& node);
  Done transpose(const Node& node);
  Done slice(const Node& node);
  Done split(const Node& node);

  Done alias(const Node& node);

  struct Rule;
  friend std::set<std::string_view> caffe_operators();
  static const std::vector<Rule>& rules();

  [[nodiscard]] std::string bottom(const Node& node, std::size_t input) const;
  [[nodiscard]] std::string top(const std::string& value) const;
  /// A blob between layers of one node.
  [[nodiscard]] std::string between(const Node& node);
  std::string layer(const std::string& type, const std::string& bottom, const std::string& top,
                    const std::string& parameters = {}, Fields fields = {},
                    std::vector<CaffeTensor> blobs = {});
  std::string power(const std::string& x, const std::string& top, float exponent, float scale,
                    float shift);
  /// max(x, low) by a ReLU layer, exact where x is not close to `low`.
  std::string at_least(const Node& node, const std::string& x, const std::string& top, float low);
  std::string at_most(const Node& node, const std::string& x, const std::string& top, float high);
  /// Numbers along some axes of x.
  std::string scale(const std::string& x, const std::string& top, std::size_t axis,
                    std::vector<std::int64_t> shape, std::vector<float> factors,
                    std::vector<float> shifts);
  /// The part [from, to) of an axis of that size; the rest is silenced.
  std::string cut(const Node& node, const std::string& x, const std::string& top, std::size_t axis,
                  std::int64_t size, std::int64_t from, std::int64_t to);
  /// Each axis from `from` on as long as `to`.
  std::string cut_all(const Node& node, const std::string& x, const std::string& top,
                      const Shape& size, const Shape& from, const Shape& to);

  const Survey& survey_;
  const std::set<std::string>& late_;
  CaffeWriter& writer_;
  std::map<std::string, std::string> aliases_;  ///< Of values that are another's blob.
  int count_ = 0;
};

}  // namespace visavis::modelkit
