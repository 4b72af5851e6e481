#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "folder_files.hpp"
#include "visavis/core/file.hpp"
#include "visavis/core/result.hpp"
#include "visavis/gallery/gallery.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::gallery {
namespace {

constexpr std::size_t kMaxNameBytes = 256;
constexpr std::size_t kMaxSourceBytes = 4096;
constexpr double kUnitTolerance = 1e-3;  // far beyond float32's rounding, far below a raw norm

Result<void> check_vector(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  // NaN and infinity fail this comparison too.
  if (std::abs(std::sqrt(squares) - 1) <= kUnitTolerance) return {};
  return fail(ErrorCode::kInvalidArgument, "the embedding is not a finite unit vector");
}

Result<void> check_text(std::string_view text, std::size_t max_bytes, const std::string& what) {
  if (text.size() > max_bytes)
    return fail(ErrorCode::kInvalidArgument,
                what + " is longer than " + std::to_string(max_bytes) + " bytes");
  if (!is_utf8(text)) return fail(ErrorCode::kInvalidArgument, what + " is not UTF-8 text");
  return {};
}

Result<void> check_face(const NewFace& entry) {
  if (entry.person.empty()) return fail(ErrorCode::kInvalidArgument, "the person's name is empty");
  VISAVIS_CHECK(check_text(entry.person, kMaxNameBytes, "the person's name"));
  VISAVIS_CHECK(check_text(entry.face.source, kMaxSourceBytes, "the photo's path"));
  const Template& face = entry.face;
  for (const float value :
       {face.quality, face.embedding.norm, face.box.x, face.box.y, face.box.width, face.box.height})
    if (!std::isfinite(value))
      return fail(ErrorCode::kInvalidArgument, "a face's number is not finite");
  return check_vector(face.embedding.values);
}

class FolderGallery final : public Gallery {
 public:
  FolderGallery(std::filesystem::path folder, Contents contents)
      : folder_(std::move(folder)), contents_(std::move(contents)) {
    index_persons();
  }

  Result<std::vector<Enrolled>> enrol(std::span<const NewFace> faces) override;
  [[nodiscard]] Result<std::vector<Candidate>> identify(const Embedding& probe,
                                                        std::size_t limit) const override;

  [[nodiscard]] ModelId model() const noexcept override { return contents_.model; }
  [[nodiscard]] std::size_t persons() const noexcept override { return person_count_; }
  [[nodiscard]] std::size_t faces() const noexcept override { return contents_.faces.size(); }

 private:
  /// Gives every row the number of its person, in the order of first enrolment.
  void index_persons() {
    std::unordered_map<std::string_view, std::size_t> numbers;
    person_of_row_.clear();
    for (const FaceRow& face : contents_.faces)
      person_of_row_.push_back(numbers.try_emplace(face.person, numbers.size()).first->second);
    person_count_ = numbers.size();
  }
  [[nodiscard]] std::span<const float> row(std::size_t i) const {
    return std::span(contents_.vectors).subspan(i * contents_.dimension, contents_.dimension);
  }

  std::filesystem::path folder_;
  Contents contents_;
  std::vector<std::size_t> person_of_row_;
  std::size_t person_count_ = 0;
};

Result<void> check_model(const Contents& contents, const Embedding& embedding) {
  if (contents.generation == 0) return {};
  if (embedding.model != contents.model)
    return fail(ErrorCode::kModelMismatch,
                "the gallery was made by model " + matching::to_text(contents.model) +
                    ", the face's embedding by " + matching::to_text(embedding.model));
  if (embedding.values.size() != contents.dimension)
    return fail(ErrorCode::kModelMismatch,
                "the gallery's vectors have " + std::to_string(contents.dimension) +
                    " numbers, the face's embedding " + std::to_string(embedding.values.size()));
  return {};
}

/// Adds a face; the first one decides the model. @pre check_face
Result<Enrolled> append(Contents& contents, const NewFace& entry) {
  const Template& face = entry.face;
  if (contents.faces.empty() && contents.generation == 0) {
    contents.model = face.embedding.model;
    contents.dimension = face.embedding.values.size();
  } else if (face.embedding.model != contents.model ||
             face.embedding.values.size() != contents.dimension) {
    return fail(ErrorCode::kModelMismatch, "the faces were embedded by different models");
  }
  std::string face_id = std::to_string(contents.next_face++);
  face_id.insert(face_id.begin(), 'f');
  contents.faces.push_back({.face_id = std::move(face_id),
                            .person = entry.person,
                            .quality = face.quality,
                            .norm = face.embedding.norm,
                            .box = face.box,
                            .source = face.source});
  contents.vectors.insert(contents.vectors.end(), face.embedding.values.begin(),
                          face.embedding.values.end());
  return Enrolled{.person = entry.person, .face_id = contents.faces.back().face_id};
}

Result<std::vector<Enrolled>> FolderGallery::enrol(std::span<const NewFace> faces) {
  if (faces.empty()) return std::vector<Enrolled>{};
  for (const NewFace& face : faces) VISAVIS_CHECK(check_face(face));
  VISAVIS_TRY(lock, FolderLock::take(folder_, FolderLock::Kind::kExclusive));
  VISAVIS_TRY(generation, read_generation(folder_));
  Contents next = contents_;
  if (generation != contents_.generation) {  // another process enrolled since we read
    VISAVIS_TRY(fresh, read_contents(folder_));
    next = std::move(fresh);
  }
  std::vector<Enrolled> enrolled;
  for (const NewFace& face : faces) {
    VISAVIS_CHECK(check_model(next, face.face.embedding));
    VISAVIS_TRY(done, append(next, face));
    enrolled.push_back(std::move(done));
  }
  ++next.generation;
  VISAVIS_CHECK(write_contents(folder_, lock, next));
  contents_ = std::move(next);
  index_persons();
  return enrolled;
}

Result<std::vector<Candidate>> FolderGallery::identify(const Embedding& probe,
                                                       std::size_t limit) const {
  VISAVIS_CHECK(check_vector(probe.values));
  VISAVIS_CHECK(check_model(contents_, probe));
  constexpr float kNone = -2;  // below every cosine
  std::vector<float> best(person_count_, kNone);
  std::vector<std::size_t> best_row(person_count_);
  for (std::size_t i = 0; i < contents_.faces.size(); ++i) {
    const float score = matching::similarity(probe.values, row(i));
    const std::size_t person = person_of_row_[i];
    if (score <= best[person]) continue;
    best[person] = score;
    best_row[person] = i;
  }
  std::vector<std::size_t> order(person_count_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(limit, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
    return best[a] != best[b] ? best[a] > best[b] : a < b;
  });
  order.erase(end, order.end());
  std::vector<Candidate> candidates;
  for (const std::size_t person : order) {
    const FaceRow& face = contents_.faces[best_row[person]];
    candidates.push_back({.person = face.person,
                          .name = face.person,
                          .similarity = best[person],
                          .norm = face.norm});
  }
  return candidates;
}

/// What a damaged or forged file could hold that no enrolment would have let in.
Result<void> check_contents(const Contents& contents) {
  for (std::size_t i = 0; i < contents.faces.size(); ++i) {
    const auto row =
        std::span(contents.vectors).subspan(i * contents.dimension, contents.dimension);
    if (!check_vector(row) || contents.faces[i].person.empty())
      return fail(ErrorCode::kDecodeFailed,
                  "the gallery is damaged: face " + std::to_string(i + 1) + " is not valid");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Gallery>> open_folder_gallery(const std::filesystem::path& folder,
                                                     OpenMode mode) {
  if (mode == OpenMode::kCreate) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
      return fail(ErrorCode::kUnavailable, "the gallery folder cannot be made: " + error.message());
  }
  VISAVIS_TRY(lock, FolderLock::take(folder, FolderLock::Kind::kShared));
  VISAVIS_TRY(contents, read_contents(folder));
  if (contents.generation == 0 && mode == OpenMode::kMustExist)
    return fail(ErrorCode::kNotFound, "there is no gallery in this folder");
  VISAVIS_CHECK(check_contents(contents));
  return std::make_unique<FolderGallery>(folder, std::move(contents));
}

}  // namespace visavis::gallery
