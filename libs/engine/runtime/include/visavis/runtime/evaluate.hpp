#pragma once

/// Passes over graphs that have to compute something ask an engine.

#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {

/// What graph::fold_constants and graph::infer_shapes want, by this engine; the reference engine
/// refuses constants of more than 2^24 numbers. Constants are of float32 or int64.
/// @param engine  outlives the result
[[nodiscard]] graph::Evaluate evaluate_with(const Engine& engine);

}  // namespace visavis::runtime
