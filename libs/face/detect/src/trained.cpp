#include "trained.hpp"

#include <cmath>
#include <cstddef>
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

constexpr std::size_t kHead = 8;

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

  /// Two classes by one layer, four shifts by another.
  TrainedLayer head(const std::string& name, std::size_t inputs) {
    TrainedLayer head{.weights = take(name + "_1.weight", 2 * inputs),
                      .bias = take(name + "_1.bias", 2),
                      .slope = std::vector<float>(kHead, 1),
                      .taps = 1};
    const std::vector<float> shifts = take(name + "_2.weight", 4 * inputs);
    const std::vector<float> bias = take(name + "_2.bias", 4);
    head.weights.insert(head.weights.end(), shifts.begin(), shifts.end());
    head.bias.insert(head.bias.end(), bias.begin(), bias.end());
    head.weights.resize(kHead * inputs);
    head.bias.resize(kHead);
    return head;
  }

  Result<TrainedNet> finish(TrainedNet net) {
    if (problem_) return std::unexpected(*std::move(problem_));
    return net;
  }

 private:
  std::vector<float> take(const std::string& name, std::size_t count) {
    const graph::Tensor* tensor = graph_.initializer(name);
    const auto* values =
        tensor == nullptr ? nullptr : std::get_if<std::vector<float>>(&tensor->values);
    if (values != nullptr && values->size() == count) return *values;
    if (!problem_)
      problem_ = Error{ErrorCode::kModelMismatch,
                       "the network has no weights " + name + " of the size that MTCNN's have"};
    return std::vector<float>(count);
  }

  const graph::Graph& graph_;
  std::optional<Error> problem_;
};

/// The dense layer reads a 3×3 map of 64 channels columns first; here it is a convolution.
std::vector<float> rows_first(const std::vector<float>& dense) {
  constexpr std::size_t kSide = 3;
  constexpr std::size_t kChannels = 64;
  constexpr std::size_t kSize = kSide * kSide * kChannels;
  std::vector<float> result(dense.size());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    const std::size_t out = i / kSize;
    const std::size_t x = i / (kSide * kChannels) % kSide;
    const std::size_t y = i / kChannels % kSide;
    result[out * kSize + (i % kChannels * kSide + y) * kSide + x] = dense[i];
  }
  return result;
}

}  // namespace

Result<TrainedNet> read_pnet(const graph::Graph& graph) {
  Reader reader(graph);
  TrainedNet net;
  net.layers = {reader.layer("1", 10, 3, 3), reader.layer("2", 16, 10, 3),
                reader.layer("3", 32, 16, 3)};
  net.head = reader.head("conv4", 32);
  return reader.finish(std::move(net));
}

Result<TrainedNet> read_rnet(const graph::Graph& graph) {
  Reader reader(graph);
  TrainedNet net;
  net.layers = {reader.layer("1", 28, 3, 3), reader.layer("2", 48, 28, 3),
                reader.layer("3", 64, 48, 2), reader.layer("4", 128, 64, 3, "dense")};
  net.layers[3].weights = rows_first(net.layers[3].weights);
  net.head = reader.head("dense5", 128);
  return reader.finish(std::move(net));
}

Score make_score(const TrainedLayer& head) {
  const std::size_t inputs = head.weights.size() / kHead;
  Score score{.weights = {}, .bias = head.bias[1] - head.bias[0]};
  for (std::size_t i = 0; i < inputs; ++i)
    score.weights.push_back((head.weights[inputs + i] - head.weights[i]) / kFixedSteps);
  return score;
}

Result<models::Screen> find_screen(const models::Network& network, std::string_view part) {
  const auto found = network.screens.find(part);
  if (found == network.screens.end() || !found->second.graph)
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
