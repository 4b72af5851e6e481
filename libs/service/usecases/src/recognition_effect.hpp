#pragma once

/// What becomes of recognition when a recogniser is written in another form.

#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/networks.hpp>

#include "embedding_gate.hpp"

namespace visavis::usecases {

/// A source that waits for its result.
class EffectTrial {
 public:
  /// Reads the list and loads the source into the bench, in place of its recogniser's own network.
  /// @return kUsage where the graph is not what the recogniser's manifest describes; as gate_test.
  [[nodiscard]] static Outcome<EffectTrial> make(const RecognitionTest& test,
                                                 const graph::Graph& source, double min_cosine);

  /// @param errors  gets photos that could not be read
  [[nodiscard]] Outcome<RecognitionEffect> run(std::shared_ptr<const runtime::Model> result,
                                               std::vector<Problem>& errors) const;

 private:
  EffectTrial(const RecognitionTest& test, GateTest pairs, double min_cosine)
      : test_(&test), pairs_(std::move(pairs)), min_cosine_(min_cosine) {}

  const RecognitionTest* test_;
  GateTest pairs_;
  double min_cosine_;
  std::string pairs_sha256_{};
};

}  // namespace visavis::usecases
