#include "channels_last.hpp"

#include <cstdint>
#include <visavis/core/result.hpp>
#include <visavis/graph/channels_last.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/import/sizes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

#include "survey.hpp"

namespace visavis::modelkit {
Result<graph::ChannelsLast> channels_last_of(const graph::Graph& given) {
  VISAVIS_TRY(graph, composed(graph::widen_halves(given)));
  VISAVIS_TRY(reference, runtime::find_engine("reference"));
  const auto evaluate = runtime::evaluate_with(*reference);
  constexpr std::int64_t kLeast = 64;  // enough for the smallest window of a detector
  VISAVIS_TRY(size, fitting_size(graph, kLeast, evaluate));
  const auto sizes = input_shapes(graph, size);
  // One odd and one even, of no common divisor for any of the usual sizes.
  const auto others = input_shapes(graph, size + size / 4 + 1);
  // Nothing that is counted in pixels is the same for these: three sides that are far apart.
  const auto far = stretched_shapes(graph, size);
  constexpr auto kOrder = graph::PictureOrder::kChannelsLast;
  VISAVIS_TRY(network, graph::to_channels_last(graph, sizes, kOrder, evaluate));
  if (sizes == others) return network;
  VISAVIS_TRY(layers, graph::hash_of_layers(network));
  for (const auto& sides : {others, far}) {
    VISAVIS_TRY(other, graph::to_channels_last(graph, sides, kOrder, evaluate));
    VISAVIS_TRY(other_layers, graph::hash_of_layers(other));
    if (layers != other_layers)
      return fail(ErrorCode::kUnsupported,
                  "the layers are not the same for all heights and widths, which are free");
    if (!reads_shapes(graph)) break;
  }
  return network;
}

}  // namespace visavis::modelkit
