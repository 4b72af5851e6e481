#pragma once

/// MTCNN's networks as they were trained, from networks as data.

#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/models/network.hpp>

#include "kernels.hpp"

namespace visavis::detect {

/// Layers in order; the head, without PReLU, has sixteen channels: two classes (the second is a
/// face), four shifts, five points (x, then y) or nothing.
struct TrainedNet {
  std::vector<TrainedLayer> layers;
  TrainedLayer head;
};

/// @param graph  with its weights named as where it was trained: conv1.weight, prelu1.weight …
/// @return kModelMismatch if one of them is missing or of another size.
[[nodiscard]] Result<TrainedNet> read_pnet(const graph::Graph& graph);
[[nodiscard]] Result<TrainedNet> read_rnet(const graph::Graph& graph);
[[nodiscard]] Result<TrainedNet> read_onet(const graph::Graph& graph);

/// The second class against the first: log odds from the last layer's steps.
[[nodiscard]] Score make_score(const TrainedLayer& head);

/// A part of the model as data.
/// @return kModelMismatch if it is not kept so.
[[nodiscard]] Result<models::NetworkData> find_data(const models::Network& network,
                                                    std::string_view part);

/// log(p / (1 - p)), which is what screens answer with; for p ≤ 0 less than anything.
[[nodiscard]] float log_odds(float probability) noexcept;
/// The other way round.
[[nodiscard]] float probability(float odds) noexcept;

}  // namespace visavis::detect
