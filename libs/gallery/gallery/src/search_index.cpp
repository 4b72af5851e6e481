#include "search_index.hpp"

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <utility>

#include "visavis/matching/matching.hpp"
#include "visavis/store/wipe.hpp"

namespace visavis::gallery {
namespace {

constexpr std::size_t kRowsAtOnce = 4096;

index::Stamp stamp_of(const store::Facts& facts) {
  return {.count = facts.faces,
          .generation = facts.generation,
          .model = matching::parse_model_id(facts.model).value_or(ModelId{})};
}

/// Rows on their way into an index.
struct Rows {
  std::vector<std::uint64_t> keys;
  std::vector<std::uint64_t> groups;
  std::vector<float> values;

  void append(std::int64_t face, std::int64_t person, std::span<const float> unit) {
    keys.push_back(static_cast<std::uint64_t>(face));
    groups.push_back(static_cast<std::uint64_t>(person));
    values.insert(values.end(), unit.begin(), unit.end());
  }

  Result<void> move_to(index::VectorIndex& vectors, Executor* executor = nullptr) {
    VISAVIS_CHECK(vectors.add(keys, groups, values, executor));
    keys.clear();
    groups.clear();
    values.clear();
    return {};
  }
};

/// docs/formats/gallery.md has what is derived from a gallery's key.
index::FileKey file_key_of(const std::shared_ptr<const store::Key>& key) {
  if (!key) return {};
  return [key](std::span<const std::byte, index::kFileSaltBytes> salt) {
    const store::Key own = key->derive("visavis gallery index", salt);
    index::FileKeyBytes bytes;
    std::ranges::copy(own.bytes(), bytes.begin());
    return bytes;
  };
}

/// An index file, and what a writer who was stopped has left of one.
Result<void> wipe_index(const std::filesystem::path& file) {
  auto wiped = store::wipe_file(file);
  auto part = store::wipe_file(file.string() + ".part");
  return wiped ? std::move(part) : std::move(wiped);
}

}  // namespace

SearchIndex::SearchIndex(std::filesystem::path folder, index::IndexKind kind, bool writes,
                         const GalleryOptions& options)
    : folder_(std::move(folder)),
      kind_(kind),
      file_(file_of(kind)),
      writes_(writes),
      file_from_(options.index_file_from),
      key_(file_key_of(options.key)),
      workers_(options.workers) {}

std::filesystem::path SearchIndex::file_of(index::IndexKind kind) const {
  return folder_ / ("index-" + std::string(index::to_string(kind)));
}

Result<void> SearchIndex::wipe() {
  in_file_ = false;
  Result<void> wiped;
  for (const auto kind : {index::IndexKind::kExact, index::IndexKind::kHnsw})
    if (auto one = wipe_index(file_of(kind)); !one) wiped = std::move(one);
  return wiped;
}

Result<void> SearchIndex::forget_stale(const store::Facts& facts) {
  for (const auto kind : {index::IndexKind::kExact, index::IndexKind::kHnsw})
    if (kind != kind_) VISAVIS_CHECK(wipe_index(file_of(kind)));
  VISAVIS_CHECK(store::wipe_file(file_.string() + ".part"));
  const auto stamp = index::read_stamp(file_, key_);
  if (!stamp && stamp.error().code == ErrorCode::kNotFound) return {};
  if (stamp && *stamp == stamp_of(facts)) return {};
  return wipe();
}

Result<void> SearchIndex::forget() {
  vectors_ = nullptr;
  loaded_ = false;
  return wipe();
}

void SearchIndex::distrust() {
  distrusted_ = generation_;
  vectors_ = nullptr;
  loaded_ = false;
  in_file_ = false;
}

Result<void> SearchIndex::load(const store::Store& store) {
  VISAVIS_TRY(facts, store.facts());
  model_ = stamp_of(facts).model;
  if (facts.faces == 0) {
    vectors_ = nullptr;
    generation_ = facts.generation;
    loaded_ = true;
    return {};
  }
  auto mapped = distrusted_ == facts.generation
                    ? fail(ErrorCode::kDecodeFailed, "the index file is damaged")
                    : index::open_index(file_, stamp_of(facts), key_);
  if (mapped && (*mapped)->kind() == kind_) {
    vectors_ = *std::move(mapped);
    generation_ = facts.generation;
    in_file_ = loaded_ = true;
    return {};
  }
  if (writes_) VISAVIS_CHECK(wipe());
  VISAVIS_TRY(fresh, read(store, facts));
  vectors_ = std::move(fresh);
  in_file_ = false;
  loaded_ = true;
  return writes_ ? save(store) : Result<void>();
}

Result<std::shared_ptr<index::VectorIndex>> SearchIndex::read(const store::Store& store,
                                                              const store::Facts& facts) {
  VISAVIS_TRY(fresh, index::make_index(kind_, facts.dimension));
  const bool shared = kind_ == index::IndexKind::kHnsw && facts.faces > kRowsAtOnce && workers_;
  const auto workers = shared ? workers_() : nullptr;
  Rows rows;
  Result<void> added;
  VISAVIS_TRY(generation, store.scan([&](std::int64_t face, std::int64_t person, float,
                                         std::span<const float> unit) {
    if (!added) return;
    rows.append(face, person, unit);
    if (rows.keys.size() == kRowsAtOnce) added = rows.move_to(*fresh, workers.get());
  }));
  VISAVIS_CHECK(added);
  VISAVIS_CHECK(rows.move_to(*fresh, workers.get()));
  generation_ = generation;
  return std::shared_ptr<index::VectorIndex>(std::move(fresh));
}

void SearchIndex::add(std::span<const store::AddedFace> faces) {
  if (!loaded_ || faces.empty()) return;
  Rows rows;
  for (const store::AddedFace& face : faces) rows.append(face.face, face.person, face.unit);
  if (!vectors_) {
    auto fresh = index::make_index(kind_, faces.front().unit.size());
    if (fresh) vectors_ = *std::move(fresh);
  }
  in_file_ = false;
  // The store is the truth: where the index cannot follow, it is made again.
  if (!vectors_ || !rows.move_to(*vectors_)) loaded_ = false;
}

Result<void> SearchIndex::remove(const Result<std::uint64_t>& generation,
                                 std::span<const std::int64_t> faces) {
  if (!generation) loaded_ = false;
  if (!loaded_) return wipe();
  if (!vectors_) return {};
  std::vector<std::uint64_t> keys;
  for (const std::int64_t face : faces) keys.push_back(static_cast<std::uint64_t>(face));
  // Not asked of the store, which would count a million rows.
  const index::Stamp stamp{
      .count = vectors_->size() - keys.size(), .generation = *generation, .model = model_};
  if (const auto removed = vectors_->remove(keys, stamp); !removed) {
    loaded_ = false;
    return wipe();
  }
  generation_ = *generation;
  return {};
}

Result<void> SearchIndex::save(const store::Store& store) {
  if (!loaded_ || !vectors_ || in_file_ || vectors_->size() < file_from_) return {};
  VISAVIS_TRY(facts, store.facts());
  VISAVIS_CHECK(vectors_->save(file_, stamp_of(facts), key_));
  distrusted_.reset();
  in_file_ = true;
  return {};
}

std::optional<std::string> SearchIndex::finding(const store::Facts& facts) const {
  const auto stamp = index::read_stamp(file_, key_);
  if (!stamp && stamp.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (stamp && *stamp != stamp_of(facts)) return std::nullopt;
  const auto whole = index::check_index(file_, stamp_of(facts), key_);
  if (whole) return std::nullopt;
  return "the index file cannot be used and is made anew: " + whole.error().message;
}

}  // namespace visavis::gallery
