#pragma once

/// A network of PyTorch's, written down layer by layer with the weights of a state dict. Whatever
/// is not as the layers want it is collected, so that `finish` can say all of it at once; until
/// then a network reads as a list of its layers.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "state_dict.hpp"

namespace visavis::modelkit {

/// Weights by output (their dimension 0), and what is added to each output. Both are empty where
/// the state dict does not have them as they have to be.
struct Linear {
  std::string name;  ///< Of its constants: `name`.weight and `name`.bias.
  Shape shape;
  std::vector<float> weights;
  std::vector<double> bias;
};

/// A tensor that a network has to have.
struct Wanted {
  std::string name;
  Shape shape;
};

/// What stands before `name` in the names of a state dict, such as "module." or "features.module.":
/// the shortest that occurs, which is empty where `name` itself occurs or nothing does.
[[nodiscard]] std::string prefix_before(const StateDict& weights, std::string_view name);

class TorchLayers {
 public:
  /// Names are sought behind `prefix`; what the state dict has without it belongs to something else
  /// (a classification head, a teacher) and is left alone.
  TorchLayers(std::string_view network, const StateDict& weights, std::string_view prefix = {});

  Builder& builder() noexcept { return builder_; }

  [[nodiscard]] bool has(std::string_view name) const;

  /// How many outputs these weights have (their dimension 0), or `otherwise` if they are not there.
  [[nodiscard]] std::int64_t outputs_of(std::string_view name, std::int64_t otherwise) const;

  /// What begins so may be there without being used.
  void ignore(std::string start) { ignored_.push_back(std::move(start)); }

  /// `name`.weight of that shape, without a bias.
  Linear plain(const std::string& name, Shape shape);
  /// `name`.weight and `name`.bias.
  Linear biased(const std::string& name, Shape shape);
  /// Followed by the batch normalisation `name`: (x − mean) · γ / √(variance + ε) + β.
  Linear normalised(Linear linear, const std::string& name, double epsilon);
  /// All outputs times `factor`.
  static Linear scaled(Linear linear, double factor);

  /// Both are called `result`, which may be the name of the weights.
  std::string conv(const std::string& x, const std::string& result, Linear linear,
                   const ConvolutionShape& shape);
  std::string dense(const std::string& x, const std::string& result, Linear linear);
  /// A batch normalisation that no layer before it can take over.
  std::string batch_norm(const std::string& x, const std::string& name, std::int64_t channels,
                         double epsilon);
  /// One slope per channel, for pictures [n, c, h, w].
  std::string prelu(const std::string& x, const std::string& name, std::int64_t channels);
  /// One slope per channel, for rows [n, c].
  std::string prelu_row(const std::string& x, const std::string& name, std::int64_t channels);

  /// All that was asked for, in that order.
  [[nodiscard]] const std::vector<Wanted>& wanted() const noexcept { return wanted_; }

  /// @return kModelMismatch with what is missing, what differs and what is left over.
  [[nodiscard]] Result<std::vector<std::byte>> finish();

 private:
  Constant take(const std::string& name, Shape shape);
  BatchNormalization take_batch_norm(const std::string& name, std::int64_t channels);
  [[nodiscard]] std::vector<std::string> left_over() const;

  std::string network_;
  Builder builder_;
  const StateDict& weights_;
  std::string prefix_;
  std::vector<Wanted> wanted_;
  std::set<std::string, std::less<>> used_;
  std::vector<std::string> ignored_;
  std::vector<std::string> missing_;
  std::vector<std::string> different_;
};

}  // namespace visavis::modelkit
