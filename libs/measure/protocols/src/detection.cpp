#include "visavis/protocols/detection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "group_rates.hpp"
#include "resampled.hpp"
#include "visavis/core/result.hpp"
#include "visavis/geometry/box.hpp"
#include "visavis/metrics/bootstrap.hpp"
#include "visavis/metrics/localisation.hpp"
#include "visavis/protocols/rate.hpp"
#include "visavis/store/tsv.hpp"
#include "visavis/vocab/face.hpp"

namespace visavis::protocols {
namespace {

using Row = std::vector<std::string>;

constexpr float kOverlap = .5F;
constexpr std::size_t kCountFields = 2;
constexpr std::size_t kBoxFields = 5;
constexpr std::size_t kPointFields = 11;
constexpr double kMaxFaces = 100'000;

/// The numbers after the path; nothing if one is none.
std::optional<std::vector<float>> numbers_of(const Row& row) {
  std::vector<float> numbers;
  for (const std::string& field : std::span(row).subspan(1)) {
    float value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size() || !std::isfinite(value))
      return std::nullopt;
    numbers.push_back(value);
  }
  return numbers;
}

bool is_count(float value) {
  return value >= 0 && value <= kMaxFaces && value == std::floor(value);
}

TruthKind kind_of(std::size_t fields) {
  if (fields == kBoxFields) return TruthKind::kBoxes;
  return fields == kPointFields ? TruthKind::kPoints : TruthKind::kCount;
}

bool adds_face(const std::vector<float>& numbers, TruePhoto& photo) {
  ++photo.faces;
  if (numbers.size() + 1 == kBoxFields) {
    photo.boxes.push_back(
        {.x = numbers[0], .y = numbers[1], .width = numbers[2], .height = numbers[3]});
    return numbers[2] > 0 && numbers[3] > 0;
  }
  Landmarks points{};
  for (std::size_t k = 0; k < points.size(); ++k)
    points[k] = {.x = numbers[2 * k], .y = numbers[2 * k + 1]};
  photo.points.push_back(points);
  return points[0] != points[1];
}

double eye_distance(const Landmarks& points) {
  return std::hypot(double{points[0].x} - points[1].x, double{points[0].y} - points[1].y);
}

double error_of(const Landmarks& found, const Landmarks& truth) {
  return metrics::normalised_mean_error(found, truth, eye_distance(truth));
}

bool holds(const Box& box, const Landmarks& points) {
  Point middle{};
  for (const Point& point : points) {
    middle.x += point.x / static_cast<float>(points.size());
    middle.y += point.y / static_cast<float>(points.size());
  }
  return middle.x >= box.x && middle.x < box.right() && middle.y >= box.y &&
         middle.y < box.bottom();
}

/// The free face that a detection shows; nothing if there is none.
std::optional<std::size_t> match(const Face& face, const TruePhoto& photo, TruthKind kind,
                                 const std::vector<bool>& taken) {
  std::optional<std::size_t> best;
  double nearest = 0;
  for (std::size_t k = 0; k < photo.faces; ++k) {
    if (taken[k]) continue;
    double distance = 0;
    if (kind == TruthKind::kBoxes) {
      const float overlap = geometry::overlap(face.box, photo.boxes[k]);
      if (overlap < kOverlap) continue;
      distance = -overlap;
    } else if (kind == TruthKind::kPoints) {
      if (!holds(face.box, photo.points[k])) continue;
      distance = error_of(face.landmarks, photo.points[k]);
    }
    if (best && distance >= nearest) continue;
    best = k;
    nearest = distance;
  }
  return best;
}

/// What was seen in one photo.
struct Judged {
  std::vector<metrics::Detection> detections;
  std::vector<double> errors;  ///< Of the points of faces that were found.
};

Judged judge(const TruePhoto& photo, TruthKind kind, std::vector<Face> found) {
  std::ranges::stable_sort(found, std::greater{}, &Face::confidence);
  std::vector<bool> taken(photo.faces);
  Judged judged;
  for (const Face& face : found) {
    const auto own = match(face, photo, kind, taken);
    judged.detections.push_back({.confidence = face.confidence, .correct = own.has_value()});
    if (!own) continue;
    taken[*own] = true;
    if (kind == TruthKind::kPoints)
      judged.errors.push_back(error_of(face.landmarks, photo.points[*own]));
  }
  return judged;
}

/// Linear between the two around it (type 7 of Hyndman and Fan). @pre sorted, not empty
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  return std::lerp(sorted[below], sorted[std::min(below + 1, sorted.size() - 1)],
                   at - std::floor(at));
}

std::optional<LandmarkErrors> landmark_errors(std::span<const Judged> photos,
                                              std::size_t replicates) {
  std::vector<double> all;
  for (const Judged& photo : photos)
    all.insert(all.end(), photo.errors.begin(), photo.errors.end());
  if (all.empty()) return std::nullopt;
  std::ranges::sort(all);
  LandmarkErrors errors{
      .faces = all.size(), .median = quantile(all, .5), .ninetieth = quantile(all, .9)};
  const auto count = static_cast<double>(all.size());
  for (const double one : all) errors.mean += one / count;
  errors.above_tenth =
      static_cast<double>(std::ranges::count_if(all, [](double e) { return e > .1; })) / count;
  if (photos.size() < kFewestPeople || replicates == 0) return errors;
  const auto mean = [&](metrics::Draw draw) -> std::optional<double> {
    double sum = 0;
    double faces = 0;
    for (std::size_t i = 0; i < photos.size(); ++i) {
      for (const double one : photos[i].errors) sum += draw[i] * one;
      faces += draw[i] * static_cast<double>(photos[i].errors.size());
    }
    return faces > 0 ? std::optional(sum / faces) : std::nullopt;
  };
  errors.mean_interval = metrics::bootstrap_people(photos.size(), mean, {.replicates = replicates});
  return errors;
}

std::optional<RateWithInterval> one_minus(std::optional<RateWithInterval> rate) {
  if (!rate) return rate;
  rate->value = 1 - rate->value;
  if (rate->interval)
    rate->interval = {.low = 1 - rate->interval->high, .high = 1 - rate->interval->low};
  return rate;
}

}  // namespace

Result<Truth> parse_truth(std::string_view text) {
  VISAVIS_TRY(rows, store::parse_tsv(text));
  Truth truth;
  std::map<std::string, std::size_t, std::less<>> known;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const auto wrong = [&](const std::string& why) {
      return fail(ErrorCode::kDecodeFailed,
                  "row " + std::to_string(i + 1) + " of the list of faces " + why);
    };
    const auto numbers = numbers_of(row);
    if (i == 0 && !numbers) continue;  // the header
    const bool counts = row.size() == kCountFields && numbers && is_count(numbers->front());
    if (!numbers || row[0].empty() ||
        (!counts && row.size() != kBoxFields && row.size() != kPointFields))
      return wrong("is not a path and a number of faces, a box or five points");
    const bool is_empty = counts && numbers->front() == 0;
    if (!is_empty) {
      if (known.empty() || std::ranges::all_of(truth.photos, [](auto& p) { return p.faces == 0; }))
        truth.kind = kind_of(row.size());
      if (truth.kind != kind_of(row.size())) return wrong("is of another kind than those before");
    }
    const auto [it, is_new] = known.try_emplace(row[0], truth.photos.size());
    if (is_new) truth.photos.push_back({.path = row[0]});
    TruePhoto& photo = truth.photos[it->second];
    if (counts) {
      if (!is_new) return wrong("is of a photo that was there before");
      photo.faces = static_cast<std::size_t>(numbers->front());
    } else if (!adds_face(*numbers, photo)) {
      return wrong("has a box without area or eyes that coincide");
    }
  }
  if (truth.photos.empty()) return fail(ErrorCode::kDecodeFailed, "the list of faces is empty");
  return truth;
}

DetectionReport judge_detections(const Truth& truth,
                                 std::span<const std::optional<std::vector<Face>>> found,
                                 std::size_t replicates) {
  DetectionReport report{.kind = truth.kind, .images = truth.photos.size()};
  std::vector<Judged> photos;
  std::vector<metrics::Detection> detections;
  std::vector<metrics::PairTrials> missed;  // a photo stands where elsewhere a person does
  std::vector<metrics::PairTrials> wrong;
  for (std::uint32_t i = 0; i < truth.photos.size(); ++i) {
    if (!found[i]) ++report.failed_images;
    Judged judged = judge(truth.photos[i], truth.kind, found[i] ? *found[i] : std::vector<Face>{});
    const auto right = static_cast<std::uint64_t>(
        std::ranges::count(judged.detections, true, &metrics::Detection::correct));
    const std::uint64_t faces = truth.photos[i].faces;
    missed.push_back({.a = i, .b = i, .errors = faces - right, .trials = faces});
    wrong.push_back({.a = i,
                     .b = i,
                     .errors = judged.detections.size() - right,
                     .trials = judged.detections.size()});
    detections.insert(detections.end(), judged.detections.begin(), judged.detections.end());
    report.faces += faces;
    photos.push_back(std::move(judged));
  }
  report.detections = detections.size();
  report.recall = one_minus(rate_of(missed, photos.size(), replicates));
  report.precision = one_minus(rate_of(wrong, photos.size(), replicates));
  if (truth.kind != TruthKind::kCount && report.faces > 0)
    report.average_precision = metrics::detection_average_precision(detections, report.faces);
  report.landmarks = landmark_errors(photos, replicates);
  return report;
}

}  // namespace visavis::protocols
