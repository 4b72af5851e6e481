#pragma once

/// One network of a detector, opened for one thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/network.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::detect {

/// Thread-compatible. Finds its outputs by their second dimension, which tells them apart in all
/// three of MTCNN's networks, whatever an exporter called them: 2 scores, 4 shifts, 10 points.
class NetworkPart {
 public:
  /// @param channels  second dimensions of the outputs wanted, in the order `run` gives them.
  /// @return kModelMismatch if the part or one of the outputs is missing.
  [[nodiscard]] static Result<NetworkPart> open(const models::Network& network,
                                                std::string_view part,
                                                std::span<const std::int64_t> channels);

  /// @return the wanted outputs, float32 with `shape[0]` as first dimension; kModelMismatch if they
  /// are not.
  [[nodiscard]] Result<std::vector<runtime::Tensor>> run(std::span<const float> input,
                                                         const std::array<std::int64_t, 4>& shape);

 private:
  NetworkPart() = default;
  std::shared_ptr<const runtime::Model> model_;
  std::unique_ptr<runtime::Session> session_;
  std::vector<std::size_t> outputs_;
  std::vector<std::int64_t> channels_;
};

}  // namespace visavis::detect
