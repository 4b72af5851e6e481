#include "trained.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/models/network.hpp>

#include "kernels.hpp"

namespace visavis::detect {
namespace {

/// Layers by the names of their weights. The first failure is kept.
class Reader {
 public:
  explicit Reader(const graph::Graph& graph) : graph_(graph) {}

  TrainedLayer layer(const std::string& number, std::size_t channels, std::size_t inputs, int taps,
                     const std::string& kind = "conv") {
    const auto size = channels * inputs * static_cast<std::size_t>(taps * taps);
    return {.weights = take(kind + number + ".weight", size),
            .bias = take(kind + number + ".bias", channels),
            .slope = take("prelu" + number + ".weight", channels),
            .taps = taps};
  }

  /// The layers `name`_1, `name`_2 … of so many channels, as one, filled up to 16.
  TrainedLayer head(const std::string& name, std::initializer_list<std::size_t> channels,
                    std::size_t inputs) {
    TrainedLayer head;
    int number = 0;
    for (const std::size_t n : channels) {
      const std::string part = name + "_" + std::to_string(++number);
      append(take(part + ".weight", n * inputs), head.weights);
      append(take(part + ".bias", n), head.bias);
    }
    const std::size_t all = kLanes;
    head.weights.resize(all * inputs);
    head.bias.resize(all);
    head.slope.assign(all, 1);
    return head;
  }

  Result<TrainedNet> finish(TrainedNet net) {
    if (problem_) return std::unexpected(*std::move(problem_));
    return net;
  }

 private:
  static void append(const std::vector<float>& values, std::vector<float>& to) {
    to.insert(to.end(), values.begin(), values.end());
  }

  std::vector<float> take(const std::string& name, std::size_t count) {
    const graph::Tensor* tensor = graph_.initializer(name);
    const auto* values =
        tensor == nullptr ? nullptr : std::get_if<std::vector<float>>(&tensor->values);
    const bool is_usable =
        values != nullptr && values->size() == count &&
        std::ranges::all_of(*values, [](float value) { return std::isfinite(value); });
    if (is_usable) return *values;
    if (!problem_)
      problem_ = Error{ErrorCode::kModelMismatch, "the network has no finite weights " + name +
                                                      " of the size that MTCNN's have"};
    return std::vector<float>(count);
  }

  const graph::Graph& graph_;
  std::optional<Error> problem_;
};

/// A dense layer reads its 3×3 map columns first; here it is a convolution of 3×3 taps.
void turn_to_rows_first(TrainedLayer& dense) {
  constexpr std::size_t kSide = 3;
  const std::size_t size = dense.weights.size() / dense.bias.size();
  const std::size_t channels = size / (kSide * kSide);
  std::vector<float> turned(dense.weights.size());
  for (std::size_t i = 0; i < turned.size(); ++i) {
    const std::size_t x = i / (kSide * channels) % kSide;
    const std::size_t y = i / channels % kSide;
    turned[i / size * size + (i % channels * kSide + y) * kSide + x] = dense.weights[i];
  }
  dense.weights = std::move(turned);
}

}  // namespace

Result<TrainedNet> read_pnet(const graph::Graph& graph) {
  Reader reader(graph);
  TrainedNet net;
  net.layers = {reader.layer("1", 10, 3, 3), reader.layer("2", 16, 10, 3),
                reader.layer("3", 32, 16, 3)};
  net.head = reader.head("conv4", {2, 4}, 32);
  return reader.finish(std::move(net));
}

Result<TrainedNet> read_rnet(const graph::Graph& graph) {
  Reader reader(graph);
  TrainedNet net;
  net.layers = {reader.layer("1", 28, 3, 3), reader.layer("2", 48, 28, 3),
                reader.layer("3", 64, 48, 2), reader.layer("4", 128, 64, 3, "dense")};
  turn_to_rows_first(net.layers[3]);
  net.head = reader.head("dense5", {2, 4}, 128);
  return reader.finish(std::move(net));
}

Result<TrainedNet> read_onet(const graph::Graph& graph) {
  Reader reader(graph);
  TrainedNet net;
  net.layers = {reader.layer("1", 32, 3, 3), reader.layer("2", 64, 32, 3),
                reader.layer("3", 64, 64, 3), reader.layer("4", 128, 64, 2),
                reader.layer("5", 256, 128, 3, "dense")};
  turn_to_rows_first(net.layers[4]);
  net.head = reader.head("dense6", {2, 4, 10}, 256);
  return reader.finish(std::move(net));
}

Score make_score(const TrainedLayer& head) {
  const std::size_t inputs = head.weights.size() / head.bias.size();
  Score score{.weights = {}, .bias = head.bias[1] - head.bias[0]};
  for (std::size_t i = 0; i < inputs; ++i)
    score.weights.push_back((head.weights[inputs + i] - head.weights[i]) / kFixedSteps);
  return score;
}

Result<models::NetworkData> find_data(const models::Network& network, std::string_view part) {
  const auto found = network.data.find(part);
  if (found == network.data.end() || !found->second.graph)
    return fail(ErrorCode::kModelMismatch,
                network.manifest.id + " has no weights of " + std::string(part));
  return found->second;
}

float log_odds(float probability) noexcept {
  if (probability <= 0) return -std::numeric_limits<float>::infinity();
  return std::log(probability / (1 - probability));
}

float probability(float odds) noexcept { return 1 / (1 + std::exp(-odds)); }

}  // namespace visavis::detect
