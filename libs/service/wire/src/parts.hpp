#pragma once

/// Pieces that several documents share.

#include <optional>
#include <string>
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/protocols/identification.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/quality.hpp>

#include "document.hpp"

namespace visavis::wire {

[[nodiscard]] Json box_of(const Box& box);
[[nodiscard]] Json landmarks_of(const Landmarks& landmarks);

/// Box, confidence and landmarks.
[[nodiscard]] Json face_of(const Face& face);

/// "quality" and "quality_parts".
[[nodiscard]] Json quality_of(const Quality& quality);

/// Path, size and, if there are any, warnings.
[[nodiscard]] Json photo_of(const usecases::PhotoFacts& photo);

/// Rates are keys of objects: 0.001 is "1e-3".
[[nodiscard]] std::string rate_name(double rate);

/// [low, high]; null without one.
[[nodiscard]] Json interval_of(const std::optional<metrics::Interval>& interval);

/// Adds what searches found: "rank", "rank_1_interval", "fnir_at_fpir", "fnir_intervals".
void add_searches(Json& json, const protocols::IdentificationReport& report);

/// Adds what ran and how long getting ready took: "engine" … "timings".
void add_run(Json& json, const usecases::RunFacts& run);

/// Adds what scores were compared with: "threshold", "score_kind", "promise".
void add_bar(Json& json, const usecases::Bar& bar);

}  // namespace visavis::wire
