#include "visavis/pipeline/pipeline.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "visavis/align/align.hpp"
#include "visavis/core/result.hpp"
#include "visavis/detect/detector.hpp"
#include "visavis/models/manifest.hpp"
#include "visavis/models/network.hpp"
#include "visavis/pipeline/recogniser.hpp"
#include "visavis/quality/quality.hpp"
#include "visavis/vocab/chip.hpp"
#include "visavis/vocab/embedding.hpp"
#include "visavis/vocab/face.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::pipeline {
namespace {

constexpr int kDefaultChip = 112;

/// Without a recogniser: what most of them see.
Result<Chips> default_chips(ImageView image, const Face& face) {
  VISAVIS_TRY(chip, align::align_arcface(image, face.landmarks, kDefaultChip));
  return Chips{std::move(chip)};
}

/// What decides between two faces.
double weight(const Face& face, ImageView image, Selection selection) {
  if (selection == Selection::kProbability) return face.confidence;
  const double area = static_cast<double>(face.box.width) * face.box.height;
  if (selection == Selection::kLargest) return area;
  const double x = face.box.x + face.box.width / 2.0 - image.width / 2.0;
  const double y = face.box.y + face.box.height / 2.0 - image.height / 2.0;
  return area - 2 * (x * x + y * y);
}

}  // namespace

std::string_view to_string(Selection selection) noexcept {
  switch (selection) {
    case Selection::kLargest:
      return "largest";
    case Selection::kProbability:
      return "probability";
    case Selection::kCenter:
      return "center";
  }
  return "";
}

std::optional<Selection> parse_selection(std::string_view word) noexcept {
  for (const auto selection : {Selection::kLargest, Selection::kProbability, Selection::kCenter})
    if (word == to_string(selection)) return selection;
  return std::nullopt;
}

struct Pipeline::Impl {
  std::unique_ptr<detect::Detector> detector;
  std::optional<Recogniser> recogniser;
  quality::NormScale norm;
  bool keep_chips = false;

  Result<std::vector<FaceRecord>> judge(std::span<const ImageView> images,
                                        std::vector<std::vector<Face>> faces);
};

/// One record for every face, image after image.
Result<std::vector<FaceRecord>> Pipeline::Impl::judge(std::span<const ImageView> images,
                                                      std::vector<std::vector<Face>> faces) {
  std::vector<FaceRecord> records;
  std::vector<std::size_t> aligned;
  std::vector<Chips> all_chips;  // of the aligned ones
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (const Face& face : faces[i]) {
      records.push_back({.face = face, .quality = {}, .chip = {}, .embedding = {}});
      auto chips = recogniser ? recogniser->cut(images[i], face) : default_chips(images[i], face);
      if (!chips) continue;  // what cannot be aligned is a face of no quality, not a failure
      all_chips.push_back(*std::move(chips));
      aligned.push_back(records.size() - 1);
    }
  }
  if (recogniser) {
    VISAVIS_TRY(embeddings, recogniser->embed(all_chips));
    for (std::size_t k = 0; k < aligned.size(); ++k)
      records[aligned[k]].embedding = std::move(embeddings[k]);
  }
  for (std::size_t k = 0; k < aligned.size(); ++k) {
    FaceRecord& record = records[aligned[k]];
    Chip& chip = all_chips[k][0];
    record.quality = quality::assess(record.face, chip.image.view(), record.embedding.norm, norm);
    if (keep_chips) record.chip = std::move(chip);
  }
  return records;
}

Result<Pipeline> Pipeline::open(std::unique_ptr<detect::Detector> detector,
                                std::shared_ptr<const models::Network> recogniser,
                                const PipelineOptions& options) {
  if (!detector->finds_landmarks())
    return fail(ErrorCode::kInvalidArgument, "the detector finds no landmarks");
  auto impl = std::make_unique<Impl>();
  impl->detector = std::move(detector);
  impl->keep_chips = options.keep_chips;
  if (recogniser) {
    if (recogniser->manifest.norm_is_quality || options.norm.fit) impl->norm = options.norm;
    VISAVIS_TRY(opened, Recogniser::open(std::move(recogniser), options.embedder));
    impl->recogniser = std::move(opened);
  }
  return Pipeline(std::move(impl));
}

Pipeline::Pipeline(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;
Pipeline::~Pipeline() = default;

Result<std::vector<Found>> Pipeline::analyse(std::span<const Query> queries) {
  std::vector<ImageView> images;
  for (const Query& query : queries) images.push_back(query.image);
  VISAVIS_TRY(faces, impl_->detector->detect(images));
  std::vector<Found> answers(queries.size());
  std::vector<ImageView> judged_images;
  std::vector<std::vector<Face>> judged_faces;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    std::vector<Face>& found = faces[i];
    answers[i].faces_found = found.size();
    if (queries[i].selection && !found.empty())
      found = {found[select(found, images[i], *queries[i].selection)]};
    if (!queries[i].embed) {
      for (const Face& face : found)
        answers[i].faces.push_back({.face = face, .quality = {}, .chip = {}, .embedding = {}});
      continue;
    }
    judged_images.push_back(images[i]);
    judged_faces.push_back(std::move(found));
  }
  if (judged_images.empty()) return answers;
  std::vector<std::size_t> counts;
  for (const auto& some : judged_faces) counts.push_back(some.size());
  VISAVIS_TRY(records, impl_->judge(judged_images, std::move(judged_faces)));
  auto next = std::make_move_iterator(records.begin());
  auto count = counts.begin();
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (!queries[i].embed) continue;
    const auto end = next + static_cast<std::ptrdiff_t>(*count++);
    answers[i].faces.assign(next, end);
    next = end;
  }
  return answers;
}

Result<std::vector<FaceRecord>> Pipeline::analyse(ImageView image) {
  const Query query{.image = image};
  VISAVIS_TRY(answers, analyse(std::span(&query, 1)));
  return std::move(answers.front().faces);
}

Result<Pipeline::One> Pipeline::analyse_one(ImageView image, Selection selection) {
  const Query query{.image = image, .selection = selection};
  VISAVIS_TRY(answers, analyse(std::span(&query, 1)));
  Found& found = answers.front();
  One one{.record = std::nullopt, .faces_found = found.faces_found};
  if (!found.faces.empty()) one.record = std::move(found.faces.front());
  return one;
}

ModelId Pipeline::model() const noexcept {
  return impl_->recogniser ? impl_->recogniser->model() : ModelId{};
}

std::size_t select(std::span<const Face> faces, ImageView image, Selection selection) {
  const auto best = std::ranges::max_element(
      faces, {}, [&](const Face& face) { return weight(face, image, selection); });
  return static_cast<std::size_t>(best - faces.begin());
}

}  // namespace visavis::pipeline
