#pragma once

/// What is decided about faces, wherever their photos came from.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/usecases/analyser.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/usecases/shelf.hpp>

#include "bench_impl.hpp"

namespace visavis::usecases {

/// Why a photo is not enrolled.
struct Refusing {
  Refusal reason{};
  std::string message{};
};

/// @return kUsage unless it is from 0 to 1
[[nodiscard]] Outcome<void> check_min_quality(float quality);

/// The face that a photo is of, if it is good enough, or why there is none.
[[nodiscard]] std::variant<std::size_t, Refusing> face_to_enrol(
    const std::vector<pipeline::FaceRecord>& faces, float min_quality);

/// Without what is kept beside it. Takes the record's embedding.
[[nodiscard]] gallery::Template template_of(pipeline::FaceRecord& record, std::string source);

/// The face that a photo is of, with what the gallery keeps of it, or why it is not enrolled.
[[nodiscard]] Outcome<std::variant<gallery::Template, Refusing>> template_or_refusal(
    const Workbench::Impl& bench, const GallerySettings& settings, const Upload& photo, Seen seen);

[[nodiscard]] Refusing as_refusal(const gallery::Duplicate& of, const std::string& person);

/// Whoever may be meant.
struct Crowd {
  std::function<Result<std::vector<gallery::Candidate>>(const Embedding&, std::size_t)> search;
  std::size_t persons = 0;
};
[[nodiscard]] Crowd crowd_of(std::shared_ptr<gallery::Gallery> people, gallery::Fusion fusion);

/// @param top  candidates to tell
[[nodiscard]] Outcome<IdentifiedFace> identify_face(const Crowd& crowd,
                                                    const pipeline::FaceRecord& record,
                                                    const protocols::ScoreRule& rule,
                                                    const Bar& bar, std::size_t top);

/// Says in `answer`, which has its bar, whether both are one person.
void judge_pair(const Workbench::Impl& bench, const Criterion& criterion,
                const pipeline::FaceRecord& a, const pipeline::FaceRecord& b, Verification& answer);

}  // namespace visavis::usecases
