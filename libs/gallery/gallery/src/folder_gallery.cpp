#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "archive_export.hpp"
#include "index_choice.hpp"
#include "past_folder.hpp"
#include "search_index.hpp"
#include "visavis/core/result.hpp"
#include "visavis/core/time.hpp"
#include "visavis/gallery/archive.hpp"
#include "visavis/gallery/gallery.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/store/store.hpp"
#include "visavis/store/wipe.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::gallery {
namespace {

/// Persons looked at for each that is told, where fused templates may change the order.
constexpr std::size_t kFusionReach = 4;

/// Faces whose chips and photos are in memory at a time: so many, or so many bytes.
constexpr std::size_t kFacesAtOnce = 64;
constexpr std::size_t kBytesAtOnce = std::size_t{64} << 20U;

/// How often a search is done again because somebody it found was removed meanwhile.
constexpr int kSearches = 1000;

std::string face_id_of(std::int64_t face) { return "f" + std::to_string(face); }

std::optional<std::int64_t> parse_face_id(std::string_view id) {
  std::int64_t face = 0;
  if (!id.starts_with('f')) return std::nullopt;
  const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), face);
  if (error != std::errc{} || end != id.data() + id.size() || face_id_of(face) != id)
    return std::nullopt;
  return face;
}

Result<void> check_vector(std::span<const float> values) {
  if (is_unit(values)) return {};
  return fail(ErrorCode::kInvalidArgument, "the embedding is not a finite unit vector");
}

auto no_such_person() { return fail(ErrorCode::kNotFound, "there is no such person"); }

Person person_of(store::PersonRow row) {
  return {.id = std::move(row.fields.public_id),
          .name = std::move(row.fields.name),
          .attributes = std::move(row.fields.attributes),
          .consent_basis = std::move(row.fields.consent_basis),
          .consent_at = row.fields.consent_at,
          .expires_at = row.fields.expires_at,
          .created = row.created,
          .faces = row.faces,
          .number = row.id};
}

std::vector<Person> persons_of(std::vector<store::PersonRow> rows) {
  std::vector<Person> persons;
  for (store::PersonRow& row : rows) persons.push_back(person_of(std::move(row)));
  return persons;
}

constexpr std::string_view kChips = "chips/";
constexpr std::string_view kPhotos = "photos/";

std::string kept_path(std::string_view folder, const std::string& name) {
  return name.empty() ? name : std::string(folder) + name;
}

store::KeptFile file_of(const std::optional<KeptFile>& kept) {
  return kept ? store::KeptFile{.form = kept->form, .bytes = kept->bytes} : store::KeptFile{};
}

EnrolledFace face_of(store::FaceRow row) {
  return {.face_id = face_id_of(row.id),
          .quality = row.fields.quality,
          .norm = row.fields.norm,
          .box = row.fields.box,
          .landmarks = row.fields.landmarks,
          .source = std::move(row.fields.source),
          .enrolled_at = row.enrolled,
          .chip = kept_path(kChips, row.chip),
          .photo = kept_path(kPhotos, row.photo)};
}

class FolderGallery final : public Gallery {
 public:
  FolderGallery(store::Store store, std::filesystem::path folder, IndexChoice choice, bool writes,
                const GalleryOptions& options, const store::Facts& facts)
      : store_(std::move(store)),
        folder_(std::move(folder)),
        writes_(writes),
        options_(options),
        choice_(choice),
        index_(make_index(choice)) {
    take(facts);
  }
  ~FolderGallery() override {
    if (!writes_) return;
    // A convenience for the next start: without it the index is made from the store.
    [[maybe_unused]] const Result<void> saved = index_.save(store_);
  }
  FolderGallery(const FolderGallery&) = delete;
  FolderGallery& operator=(const FolderGallery&) = delete;

  Result<std::vector<Decision>> enrol(std::span<const NewFace> faces,
                                      const EnrolOptions& options) override;
  [[nodiscard]] Result<std::vector<Candidate>> identify(
      const Embedding& probe, const IdentifyOptions& options) const override;
  Result<void> put_person(const Person& person) override;
  Result<void> change_person(std::string_view id, const PersonChange& change) override;
  [[nodiscard]] Result<std::vector<Person>> expired(std::int64_t now) const override;
  Result<std::size_t> remove_person(std::string_view id) override;
  Result<void> remove_face(std::string_view face_id) override;
  Result<std::size_t> remove_expired(std::int64_t now) override;
  [[nodiscard]] Result<std::vector<Person>> list(const Page& page) const override;
  [[nodiscard]] Result<PersonDetails> show(std::string_view person) const override;
  [[nodiscard]] Result<std::vector<Template>> templates(std::string_view person) const override;
  [[nodiscard]] Result<std::vector<std::byte>> kept_file(std::string_view name) const override;
  Result<PersonExport> export_person(std::string_view person) override;
  Result<Archived> archive(const std::filesystem::path& file) override;
  Result<void> note_refused(const Import& import, std::span<const RefusedPhoto> photos) override;
  [[nodiscard]] Result<std::vector<RefusedPhoto>> refused(const Import& import) const override;
  Result<void> finish_import(std::string_view source) override;
  Result<Moved> move_to(const MoveOptions& options, const Remake& remake) override;
  [[nodiscard]] Result<Stats> stats() const override;
  [[nodiscard]] Result<std::vector<std::string>> check() const override;
  Result<void> compact() override;
  Result<void> choose_index(IndexChoice choice) override;

  [[nodiscard]] ModelId model() const noexcept override { return model_; }
  [[nodiscard]] std::size_t persons() const noexcept override { return persons_; }
  [[nodiscard]] std::size_t faces() const noexcept override { return faces_; }

 private:
  void take(const store::Facts& facts) const;
  [[nodiscard]] Result<std::optional<KeptFile>> read_kept(store::KeptKind kind,
                                                          const std::string& name) const;
  /// The first of `rows`, as many as memory should hold.
  [[nodiscard]] Result<std::vector<Material>> materials_of(
      std::span<const store::FaceRow> rows) const;
  Result<std::size_t> remove_row(std::int64_t person);
  /// Before a removal: what the file holds is to be overwritten in place.
  Result<void> load_for_removal();
  /// After it. @pre changing_ is held
  Result<void> drop(std::span<const std::int64_t> faces);
  /// Brings the vectors to memory when they are first needed and, beside a foreign writer, whenever
  /// they changed.
  Result<void> load() const;
  /// @pre changing_ is held
  Result<void> reload() const;
  /// As `search` of the index, whose file may turn out to be damaged: then the vectors are made
  /// again from the database. @pre changing_ is held
  [[nodiscard]] Result<std::vector<std::vector<index::Hit>>> search_best(
      std::span<const float> queries, std::size_t count) const;
  /// Makes what the database says of these vectors, unless somebody has done so.
  /// @pre changing_ is held
  Result<void> replace_damaged(const std::shared_ptr<const index::VectorIndex>& vectors) const;
  [[nodiscard]] SearchIndex make_index(IndexChoice choice) const {
    return {folder_, kind_of(choice), writes_, options_};
  }
  [[nodiscard]] Result<void> check_model(const Embedding& embedding) const;
  /// @pre changing_ is held
  Result<void> put(const Person& person);
  /// Adds faces, and persons before them. @pre changing_ is held
  Result<std::vector<Enrolled>> add(std::span<const NewFace* const> faces,
                                    std::span<const store::PersonFields> persons);
  /// Those of whom faces are to be added whom `change` makes others than they are.
  /// @pre changing_ is held
  [[nodiscard]] Result<std::vector<store::PersonFields>> changed_persons(
      std::span<const NewFace* const> faces, const PersonChange& change) const;
  /// Of which face that is enrolled, or comes before in `faces`, each of them is the same picture:
  /// nothing for most. @pre changing_ is held
  [[nodiscard]] Result<std::vector<std::optional<Duplicate>>> duplicates(
      std::span<const NewFace> faces) const;
  /// The enrolled face that is the same picture as a query, which has found `hits`.
  [[nodiscard]] Result<std::optional<Duplicate>> duplicate_of(
      const std::vector<index::Hit>& hits) const;
  /// The first `limit` of the hits as persons, without those whose time is over at `now`; nothing
  /// if one of them was removed since it was found.
  [[nodiscard]] Result<std::optional<std::vector<Candidate>>> candidates_of(
      const std::vector<index::Hit>& hits, std::size_t limit, std::int64_t now) const;
  [[nodiscard]] Result<float> fused(const Embedding& probe, std::int64_t person,
                                    Fusion fusion) const;

  [[nodiscard]] index::IndexKind index_kind() const;

  store::Store store_;
  std::filesystem::path folder_;
  bool writes_;
  GalleryOptions options_;
  std::atomic<IndexChoice> choice_;
  mutable std::atomic<ModelId> model_{};
  mutable std::atomic<std::size_t> dimension_{0};
  mutable std::atomic<std::size_t> persons_{0};
  mutable std::atomic<std::size_t> faces_{0};

  /// Held by whoever changes the gallery or loads it. Taken before `searching_`.
  mutable std::mutex changing_;
  mutable std::shared_mutex searching_;
  mutable SearchIndex index_;  ///< Loaded by the first search.
};

void FolderGallery::take(const store::Facts& facts) const {
  model_ = matching::parse_model_id(facts.model).value_or(ModelId{});
  dimension_ = facts.dimension;
  persons_ = facts.persons;
  faces_ = facts.faces;
}

Result<void> FolderGallery::load() const {
  std::optional<std::uint64_t> generation;  // a writer knows of every change
  if (!writes_) {
    VISAVIS_TRY(now, store_.generation());
    generation = now;
  }
  {
    const std::shared_lock lock(searching_);
    if (index_.is_loaded() && (!generation || *generation == index_.generation())) return {};
  }
  const std::scoped_lock changing(changing_);
  return reload();
}

Result<void> FolderGallery::reload() const {
  SearchIndex fresh = index_;
  VISAVIS_CHECK(fresh.load(store_));
  VISAVIS_TRY(facts, store_.facts());
  const std::unique_lock lock(searching_);
  take(facts);
  index_ = std::move(fresh);
  return {};
}

Result<void> FolderGallery::replace_damaged(
    const std::shared_ptr<const index::VectorIndex>& vectors) const {
  {
    const std::unique_lock lock(searching_);
    if (index_.vectors() != vectors) return {};
    index_.distrust();
  }
  return reload();
}

Result<void> FolderGallery::check_model(const Embedding& embedding) const {
  if (dimension_ == 0) return {};
  if (embedding.model != model_)
    return fail(ErrorCode::kModelMismatch,
                "the gallery was made by model " + matching::to_text(model_) +
                    ", the face's embedding by " + matching::to_text(embedding.model));
  if (embedding.values.size() != dimension_)
    return fail(ErrorCode::kModelMismatch,
                "the gallery's vectors have " + std::to_string(dimension_) +
                    " numbers, the face's embedding " + std::to_string(embedding.values.size()));
  return {};
}

store::PersonFields fields_of(const Person& person) {
  return {.public_id = person.id,
          .name = person.name,
          .attributes = person.attributes,
          .consent_basis = person.consent_basis,
          .consent_at = person.consent_at,
          .expires_at = person.expires_at};
}

store::FaceFields fields_of(const Template& face) {
  return {.norm = face.embedding.norm,
          .quality = face.quality,
          .box = face.box,
          .landmarks = face.landmarks,
          .source = face.source};
}

Result<std::vector<Enrolled>> FolderGallery::add(std::span<const NewFace* const> faces,
                                                 std::span<const store::PersonFields> persons) {
  std::vector<store::FaceFields> fields;
  std::vector<std::string> models;
  for (const NewFace* face : faces) {
    fields.push_back(fields_of(face->face));
    models.push_back(matching::to_text(face->face.embedding.model));
  }
  std::vector<store::NewFace> rows;
  for (std::size_t i = 0; i < faces.size(); ++i)
    rows.push_back({.person = faces[i]->person,
                    .model = models[i],
                    .unit = faces[i]->face.embedding.values,
                    .fields = &fields[i],
                    .chip = file_of(faces[i]->face.chip),
                    .photo = file_of(faces[i]->face.photo)});
  VISAVIS_TRY(added, store_.add(rows, persons));
  std::vector<Enrolled> enrolled;
  const std::unique_lock lock(searching_);
  if (!faces.empty()) {
    model_ = faces.front()->face.embedding.model;
    dimension_ = faces.front()->face.embedding.values.size();
  }
  for (std::size_t i = 0; i < added.size(); ++i) {
    if (added[i].new_person) ++persons_;
    ++faces_;
    enrolled.push_back({.person = faces[i]->person, .face_id = face_id_of(added[i].face)});
  }
  index_.add(added);
  return enrolled;
}

Result<std::vector<store::PersonFields>> FolderGallery::changed_persons(
    std::span<const NewFace* const> faces, const PersonChange& change) const {
  std::vector<store::PersonFields> persons;
  if (change.is_empty()) return persons;
  std::set<std::string_view> seen;
  for (const NewFace* face : faces) {
    if (!seen.insert(face->person).second) continue;
    VISAVIS_TRY(row, store_.find_person(face->person));
    Person person =
        row ? person_of(*std::move(row)) : Person{.id = face->person, .name = face->person};
    VISAVIS_TRY(changed, apply_change(person, change));
    if (changed != person) persons.push_back(fields_of(changed));
  }
  return persons;
}

Result<std::vector<Decision>> FolderGallery::enrol(std::span<const NewFace> faces,
                                                   const EnrolOptions& options) {
  const std::scoped_lock changing(changing_);
  if (options.known_persons_only) {
    for (const NewFace& face : faces) {
      VISAVIS_TRY(known, store_.find_person(face.person));
      if (!known) return no_such_person();
    }
  }
  std::vector<std::optional<Duplicate>> known(faces.size());
  if (options.refuse_duplicates) {
    VISAVIS_TRY(found, duplicates(faces));
    known = std::move(found);
  }
  std::vector<const NewFace*> fresh;
  for (std::size_t i = 0; i < faces.size(); ++i)
    if (!known[i]) fresh.push_back(&faces[i]);
  VISAVIS_TRY(persons, changed_persons(fresh, options.change));
  VISAVIS_TRY(added, add(fresh, persons));
  std::vector<Decision> decisions;
  auto next = added.begin();
  for (std::optional<Duplicate>& duplicate : known)
    if (duplicate)
      decisions.emplace_back(*std::move(duplicate));
    else
      decisions.emplace_back(std::move(*next++));
  return decisions;
}

Result<std::optional<Duplicate>> FolderGallery::duplicate_of(
    const std::vector<index::Hit>& hits) const {
  if (hits.empty() || hits.front().similarity < kSamePicture) return std::optional<Duplicate>();
  const auto face = static_cast<std::int64_t>(hits.front().key);
  VISAVIS_TRY(owner, store_.owner_of(face));
  if (!owner) return std::optional<Duplicate>();  // the index holds what the database has not
  return std::optional(Duplicate{.person = std::move(owner->public_id),
                                 .face_id = face_id_of(face),
                                 .similarity = hits.front().similarity});
}

namespace {

/// The first face before the one at `at` that is the same picture and no duplicate itself.
std::optional<Duplicate> duplicate_before(std::size_t at, std::span<const NewFace> faces,
                                          std::span<const std::optional<Duplicate>> known) {
  for (std::size_t i = 0; i < at; ++i) {
    if (known[i]) continue;
    const float similarity =
        matching::similarity(faces[i].face.embedding.values, faces[at].face.embedding.values);
    if (similarity >= kSamePicture)
      return Duplicate{.person = faces[i].person, .similarity = similarity};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::vector<index::Hit>>> FolderGallery::search_best(
    std::span<const float> queries, std::size_t count) const {
  const auto search = [&] {
    const auto vectors = index_.vectors();
    if (!vectors || count == 0)
      return Result<std::vector<std::vector<index::Hit>>>(std::in_place, count);
    return vectors->search(queries, count, {.k = 1});
  };
  auto found = search();
  if (found || found.error().code != ErrorCode::kDecodeFailed) return found;
  VISAVIS_CHECK(replace_damaged(index_.vectors()));
  return search();
}

Result<std::vector<std::optional<Duplicate>>> FolderGallery::duplicates(
    std::span<const NewFace> faces) const {
  std::vector<float> queries;
  for (const NewFace& face : faces) {
    VISAVIS_CHECK(check_vector(face.face.embedding.values));
    queries.insert(queries.end(), face.face.embedding.values.begin(),
                   face.face.embedding.values.end());
  }
  if (!index_.is_loaded()) VISAVIS_CHECK(reload());
  for (const NewFace& face : faces) VISAVIS_CHECK(check_model(face.face.embedding));
  VISAVIS_TRY(hits, search_best(queries, faces.size()));
  std::vector<std::optional<Duplicate>> answer;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    VISAVIS_TRY(known, duplicate_of(hits[i]));
    answer.push_back(known ? std::move(known) : duplicate_before(i, faces, answer));
  }
  return answer;
}

Result<std::optional<std::vector<Candidate>>> FolderGallery::candidates_of(
    const std::vector<index::Hit>& hits, std::size_t limit, std::int64_t now) const {
  std::vector<Candidate> candidates;
  for (std::size_t at = 0; at < hits.size() && candidates.size() < limit;) {
    const std::size_t count = std::min(hits.size() - at, limit - candidates.size());
    std::vector<std::int64_t> faces;
    for (std::size_t i = 0; i < count; ++i)
      faces.push_back(static_cast<std::int64_t>(hits[at + i].key));
    VISAVIS_TRY(owners, store_.owners_of(faces));
    for (std::size_t i = 0; i < count; ++i, ++at) {
      std::optional<store::Owner>& owner = owners[i];
      if (!owner) return std::optional<std::vector<Candidate>>();
      if (owner->expires_at && *owner->expires_at <= now) continue;
      candidates.push_back({.person = std::move(owner->public_id),
                            .name = std::move(owner->name),
                            .similarity = std::clamp(hits[at].similarity, -1.F, 1.F),
                            .norm = owner->norm,
                            .face_id = face_id_of(faces[i])});
    }
  }
  return std::optional(std::move(candidates));
}

Result<float> FolderGallery::fused(const Embedding& probe, std::int64_t person,
                                   Fusion fusion) const {
  matching::FusedTemplate templates(probe.values.size());
  VISAVIS_CHECK(store_.scan_person(
      person, [&](std::int64_t, std::int64_t, float quality, std::span<const float> unit) {
        templates.add(unit, fusion == Fusion::kQualityWeighted ? quality : 1);
      }));
  return templates.similarity(probe.values);
}

Result<std::vector<Candidate>> FolderGallery::identify(const Embedding& probe,
                                                       const IdentifyOptions& options) const {
  VISAVIS_CHECK(check_vector(probe.values));
  const bool fuses = options.fusion != Fusion::kBest;
  const std::int64_t now = seconds_now();
  // Whose time is over is in the index until removed, and may stand before all others.
  VISAVIS_TRY(over, store_.count_expired(now));
  const std::size_t wanted = options.limit + over;
  const std::size_t reach = fuses ? wanted * kFusionReach : wanted;
  std::optional<std::uint64_t> at_first;  // the state in which a hit was nobody's
  for (int search = 0; search < kSearches; ++search) {
    VISAVIS_CHECK(load());
    std::shared_ptr<const index::VectorIndex> vectors;
    std::uint64_t generation = 0;
    {
      const std::shared_lock lock(searching_);
      VISAVIS_CHECK(check_model(probe));
      vectors = index_.vectors();
      generation = index_.generation();
    }
    if (!vectors || options.limit == 0) return std::vector<Candidate>();
    auto found =
        vectors->search(probe.values, 1, {.k = reach, .grouping = index::Grouping::kBestPerGroup});
    if (!found && found.error().code == ErrorCode::kDecodeFailed) {
      const std::scoped_lock changing(changing_);
      VISAVIS_CHECK(replace_damaged(vectors));
      continue;
    }
    if (!found) return std::unexpected(std::move(found).error());
    std::vector<index::Hit>& hits = found->front();
    if (fuses)
      for (index::Hit& hit : hits) {
        VISAVIS_TRY(similarity, fused(probe, static_cast<std::int64_t>(hit.group), options.fusion));
        hit.similarity = similarity;
      }
    if (!writes_) {
      // A foreign writer overwrites removed vectors in the mapped file, after it has said so here.
      VISAVIS_TRY(after, store_.generation());
      if (after != generation) continue;
    }
    if (fuses) {
      // What was fused may have been of another model already.
      const std::shared_lock lock(searching_);
      VISAVIS_CHECK(check_model(probe));
    }
    std::ranges::stable_sort(hits, std::ranges::greater{}, &index::Hit::similarity);
    VISAVIS_TRY(candidates, candidates_of(hits, options.limit, now));
    if (candidates) return *std::move(candidates);
    if (!at_first) {
      VISAVIS_TRY(state, store_.generation());
      at_first = state;
    }
    std::this_thread::yield();  // between a removal's rows and its vectors
  }
  VISAVIS_TRY(at_last, store_.generation());
  if (at_first == at_last)
    return fail(ErrorCode::kDecodeFailed, "the gallery's database is damaged: a face is nobody's");
  return fail(ErrorCode::kUnavailable, "the gallery changes faster than it can be searched");
}

Result<void> FolderGallery::put(const Person& person) {
  VISAVIS_TRY(known, store_.row_of(person.id));
  VISAVIS_CHECK(store_.put_person(fields_of(person)));
  if (!known) ++persons_;
  return {};
}

Result<void> FolderGallery::put_person(const Person& person) {
  const std::scoped_lock changing(changing_);
  return put(person);
}

Result<void> FolderGallery::change_person(std::string_view id, const PersonChange& change) {
  const std::scoped_lock changing(changing_);
  VISAVIS_TRY(row, store_.find_person(id));
  const std::string name(id);
  VISAVIS_TRY(
      changed,
      apply_change(row ? person_of(*std::move(row)) : Person{.id = name, .name = name}, change));
  return put(changed);
}

Result<std::vector<Person>> FolderGallery::expired(std::int64_t now) const {
  VISAVIS_TRY(rows, store_.expired(now));
  return persons_of(std::move(rows));
}

Result<void> FolderGallery::load_for_removal() {
  const bool has_file = std::filesystem::exists(index_.file());
  return has_file ? load() : Result<void>();
}

Result<void> FolderGallery::drop(std::span<const std::int64_t> faces) {
  faces_ -= faces.size();
  const Result<std::uint64_t> generation = store_.generation();
  // Either waits for the disk. Where no thread is to be had, they do so one after the other.
  auto purge =
      std::async(std::launch::async | std::launch::deferred, [this] { return store_.purge(); });
  Result<void> dropped;
  {
    const std::unique_lock lock(searching_);
    dropped = index_.remove(generation, faces);
  }
  VISAVIS_CHECK(purge.get());
  return dropped;
}

/// @pre changing_ is held
Result<std::size_t> FolderGallery::remove_row(std::int64_t person) {
  VISAVIS_TRY(faces, store_.remove_person(person));
  --persons_;
  VISAVIS_CHECK(drop(faces));
  return faces.size();
}

Result<std::size_t> FolderGallery::remove_person(std::string_view id) {
  VISAVIS_CHECK(load_for_removal());
  const std::scoped_lock changing(changing_);
  VISAVIS_TRY(person, store_.row_of(id));
  if (!person) return no_such_person();
  return remove_row(*person);
}

Result<void> FolderGallery::remove_face(std::string_view face_id) {
  const auto face = parse_face_id(face_id);
  if (!face) return fail(ErrorCode::kNotFound, "there is no such face");
  VISAVIS_CHECK(load_for_removal());
  const std::scoped_lock changing(changing_);
  VISAVIS_CHECK(store_.remove_face(*face));
  return drop({&*face, 1});
}

Result<std::size_t> FolderGallery::remove_expired(std::int64_t now) {
  VISAVIS_CHECK(load_for_removal());
  const std::scoped_lock changing(changing_);
  VISAVIS_TRY(expired, store_.expired(now));
  for (const store::PersonRow& person : expired) VISAVIS_CHECK(remove_row(person.id));
  return expired.size();
}

Result<std::vector<Person>> FolderGallery::list(const Page& page) const {
  VISAVIS_TRY(rows, page.name.empty() ? store_.persons(page.after, page.limit)
                                      : store_.persons_named(page.name, page.after, page.limit));
  return persons_of(std::move(rows));
}

Result<PersonDetails> FolderGallery::show(std::string_view person) const {
  VISAVIS_TRY(row, store_.find_person(person));
  if (!row) return no_such_person();
  VISAVIS_TRY(faces, store_.faces_of(row->id));
  PersonDetails details{.person = person_of(*std::move(row))};
  for (store::FaceRow& face : faces) details.faces.push_back(face_of(std::move(face)));
  return details;
}

Result<std::vector<Template>> FolderGallery::templates(std::string_view person) const {
  VISAVIS_TRY(details, show(person));
  std::map<std::string, Embedding> embeddings;
  VISAVIS_CHECK(store_.scan_person(details.person.number, [&](std::int64_t face, std::int64_t,
                                                              float, std::span<const float> unit) {
    embeddings[face_id_of(face)] = {
        .model = model_, .values = {unit.begin(), unit.end()}, .norm = 0};
  }));
  std::vector<Template> known;
  for (EnrolledFace& face : details.faces) {
    const auto found = embeddings.find(face.face_id);
    if (found == embeddings.end()) continue;  // removed between the two readings
    found->second.norm = face.norm;
    known.push_back({.embedding = std::move(found->second),
                     .quality = face.quality,
                     .box = face.box,
                     .landmarks = face.landmarks,
                     .source = std::move(face.source)});
  }
  return known;
}

Result<std::vector<std::byte>> FolderGallery::kept_file(std::string_view name) const {
  if (name.starts_with(kChips))
    return store_.read_kept(store::KeptKind::kChip, name.substr(kChips.size()));
  if (name.starts_with(kPhotos))
    return store_.read_kept(store::KeptKind::kPhoto, name.substr(kPhotos.size()));
  return fail(ErrorCode::kNotFound, "there is no such chip or photo");
}

Result<PersonExport> FolderGallery::export_person(std::string_view person) {
  const std::scoped_lock changing(changing_);  // vectors and rows must be of one state
  VISAVIS_TRY(details, show(person));
  PersonExport answer{.model = model_, .dimension = dimension_};
  VISAVIS_CHECK(store_.scan_person(
      details.person.number, [&](std::int64_t, std::int64_t, float, std::span<const float> unit) {
        answer.vectors.insert(answer.vectors.end(), unit.begin(), unit.end());
      }));
  VISAVIS_CHECK(store_.note("export", details.person.number,
                            static_cast<std::int64_t>(details.faces.size())));
  answer.details = std::move(details);
  return answer;
}

Result<Archived> FolderGallery::archive(const std::filesystem::path& file) {
  const std::scoped_lock changing(changing_);
  return write_archive(store_, file, {});
}

Result<void> FolderGallery::note_refused(const Import& import,
                                         std::span<const RefusedPhoto> photos) {
  std::vector<store::RefusedPhoto> rows;
  for (const RefusedPhoto& photo : photos)
    rows.push_back({.path = photo.path, .reason = photo.reason, .message = photo.message});
  const std::scoped_lock changing(changing_);
  return store_.note_refused({.source = import.source, .settings = import.settings}, rows);
}

Result<std::vector<RefusedPhoto>> FolderGallery::refused(const Import& import) const {
  VISAVIS_TRY(rows, store_.refused({.source = import.source, .settings = import.settings}));
  std::vector<RefusedPhoto> photos;
  for (store::RefusedPhoto& row : rows)
    photos.push_back({.path = std::move(row.path),
                      .reason = std::move(row.reason),
                      .message = std::move(row.message)});
  return photos;
}

Result<void> FolderGallery::finish_import(std::string_view source) {
  const std::scoped_lock changing(changing_);
  return store_.finish_import(source);
}

Result<std::optional<KeptFile>> FolderGallery::read_kept(store::KeptKind kind,
                                                         const std::string& name) const {
  if (name.empty()) return std::optional<KeptFile>();
  auto bytes = store_.read_kept(kind, name);
  if (!bytes) {
    // What is lost or damaged is as if it had not been kept; `check` tells of it.
    const ErrorCode code = bytes.error().code;
    if (code == ErrorCode::kNotFound || code == ErrorCode::kDecodeFailed)
      return std::optional<KeptFile>();
    return std::unexpected(std::move(bytes).error());
  }
  return std::optional(
      KeptFile{.form = name.substr(name.find('.') + 1), .bytes = *std::move(bytes)});
}

Result<std::vector<Material>> FolderGallery::materials_of(
    std::span<const store::FaceRow> rows) const {
  std::vector<Material> materials;
  std::size_t bytes = 0;
  for (const store::FaceRow& row : rows) {
    if (bytes > kBytesAtOnce) break;
    VISAVIS_TRY(owner, store_.owner_of(row.id));
    VISAVIS_TRY(chip, read_kept(store::KeptKind::kChip, row.chip));
    VISAVIS_TRY(photo, read_kept(store::KeptKind::kPhoto, row.photo));
    bytes += (chip ? chip->bytes.size() : 0) + (photo ? photo->bytes.size() : 0);
    materials.push_back({.face = {.person = owner ? owner->public_id : std::string(),
                                  .face_id = face_id_of(row.id)},
                         .box = row.fields.box,
                         .chip = std::move(chip),
                         .photo = std::move(photo)});
  }
  return materials;
}

namespace {

store::FaceFields remade(store::FaceFields fields, const Remade& face) {
  fields.norm = face.embedding.norm;
  if (!face.found) return fields;
  fields.quality = face.found->quality;
  fields.box = face.found->box;
  fields.landmarks = face.found->landmarks;
  return fields;
}

/// Gives some faces their new vectors.
Result<void> replace_some(store::Change& change, std::span<const store::FaceRow> rows,
                          std::vector<Material>& materials,
                          const std::vector<std::optional<Remade>>& faces,
                          const MoveOptions& options, Moved& moved) {
  for (std::size_t i = 0; i < materials.size(); ++i) {
    if (!faces[i]) {
      if (options.drop_missing) VISAVIS_CHECK(change.remove_face(rows[i].id));
      moved.missing.push_back(std::move(materials[i].face));
      continue;
    }
    if (faces[i]->embedding.model != options.model)
      return fail(ErrorCode::kModelMismatch, "a face was embedded by another model than announced");
    VISAVIS_CHECK(
        change.replace(rows[i].id, faces[i]->embedding.values, remade(rows[i].fields, *faces[i])));
  }
  return {};
}

}  // namespace

Result<Moved> FolderGallery::move_to(const MoveOptions& options, const Remake& remake) {
  const std::scoped_lock changing(changing_);
  VISAVIS_TRY(change, store_.begin(store::Keeping::kNothing));
  VISAVIS_CHECK(change.set_model(matching::to_text(options.model), options.dimension));
  Moved moved;
  std::int64_t count = 0;
  for (std::int64_t after = 0;;) {
    VISAVIS_TRY(rows, store_.faces(after, kFacesAtOnce));
    if (rows.empty()) break;
    VISAVIS_TRY(materials, materials_of(rows));
    VISAVIS_TRY(faces, remake(materials));
    if (faces.size() != materials.size())
      return fail(ErrorCode::kInternal, "not every face was answered for");
    VISAVIS_CHECK(replace_some(change, rows, materials, faces, options, moved));
    after = rows[materials.size() - 1].id;
    count += static_cast<std::int64_t>(materials.size());
  }
  if (!moved.missing.empty() && !options.drop_missing) return moved;
  VISAVIS_CHECK(change.note("re-embed", std::nullopt,
                            count - static_cast<std::int64_t>(moved.missing.size())));
  Result<void> forgotten;
  {
    // Searches see the old vectors or the new ones, each with its model.
    const std::unique_lock lock(searching_);
    VISAVIS_CHECK(change.commit());
    VISAVIS_TRY(facts, store_.facts());
    take(facts);
    forgotten = index_.forget();
  }
  moved.changed = true;
  {
    const store::Change done = std::move(change);
  }  // purging is a change of its own
  const Result<void> purged = store_.purge();
  // The old vectors of faces that stay may wait for readers to end; of those that go, they may not.
  if (!moved.missing.empty()) VISAVIS_CHECK(purged);
  VISAVIS_CHECK(forgotten);
  return moved;
}

Result<std::vector<std::string>> FolderGallery::check() const {
  VISAVIS_TRY(findings, store_.check());
  VISAVIS_TRY(facts, store_.facts());
  if (auto found = make_index(choice_).finding(facts)) findings.push_back(*std::move(found));
  return findings;
}

Result<Stats> FolderGallery::stats() const {
  VISAVIS_TRY(facts, store_.facts());
  std::error_code none;
  const std::uintmax_t index_bytes = std::filesystem::file_size(index_.file(), none);
  return Stats{.persons = facts.persons,
               .faces = facts.faces,
               .model = std::move(facts.model),
               .dimension = facts.dimension,
               .element = std::string(store::to_string(facts.element)),
               .index = std::string(index::to_string(index_kind())),
               .index_choice = choice_,
               .index_bytes = none ? 0 : index_bytes,
               .generation = facts.generation,
               .bytes = facts.bytes,
               .free_bytes = facts.free_bytes,
               .format_version = facts.format_version,
               .encryption = std::move(facts.encryption),
               .created = facts.created};
}

Result<void> FolderGallery::compact() {
  const std::scoped_lock changing(changing_);
  return store_.compact();
}

index::IndexKind FolderGallery::index_kind() const {
  const std::shared_lock lock(searching_);
  return index_.kind();
}

Result<void> FolderGallery::choose_index(IndexChoice choice) {
  {
    const std::scoped_lock changing(changing_);
    // Readers that have the old file mapped must not trust what it holds from now on.
    VISAVIS_CHECK(store_.renew());
    VISAVIS_CHECK(write_index_choice(folder_, choice));
    const std::unique_lock lock(searching_);
    choice_ = choice;
    VISAVIS_CHECK(index_.forget());
    index_ = make_index(choice);
  }
  return load();
}

store::Mode store_mode(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return store::Mode::kRead;
    case OpenMode::kWrite:
      return store::Mode::kWrite;
    case OpenMode::kCreate:
      return store::Mode::kCreate;
  }
  return store::Mode::kRead;
}

/// Brings a folder of the past version to the present one, or finishes that.
Result<void> migrate(const std::filesystem::path& folder,
                     const std::shared_ptr<const store::Key>& key) {
  VISAVIS_TRY(store, store::Store::open(folder, {.mode = store::Mode::kCreate,
                                                 .element = store::Element::kF32,
                                                 .key = key,
                                                 .fill = [&](store::Store& fresh) {
                                                   return copy_past_folder(folder, fresh);
                                                 }}));
  return forget_past_folder(folder);
}

}  // namespace

Result<std::unique_ptr<Gallery>> open_gallery(const std::filesystem::path& folder, OpenMode mode,
                                              const GalleryOptions& options) {
  if (is_past_folder(folder)) VISAVIS_CHECK(migrate(folder, options.key));
  VISAVIS_TRY(store, store::Store::open(folder, {.mode = store_mode(mode), .key = options.key}));
  VISAVIS_TRY(facts, store.facts());
  const bool writes = mode != OpenMode::kRead;
  VISAVIS_TRY(choice, read_index_choice(folder));
  if (writes) {
    SearchIndex index(folder, kind_of(choice), writes, options);
    VISAVIS_CHECK(index.forget_stale(facts));
  }
  return std::make_unique<FolderGallery>(std::move(store), folder, choice, writes, options, facts);
}

}  // namespace visavis::gallery
