#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <visavis/core/file.hpp>
#include <visavis/core/time.hpp>
#include <visavis/gallery/gallery.hpp>
#include <visavis/models/manifest.hpp>

#include "bench_impl.hpp"
#include "decisions.hpp"
#include "gallery_at.hpp"
#include "keep.hpp"
#include "library.hpp"
#include "numbers.hpp"
#include "outputs.hpp"
#include "rows.hpp"
#include "visavis/usecases/people.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

/// Rows written by one change of the gallery, and how much of photos may wait for it.
constexpr std::size_t kBatch = 1024;
constexpr std::size_t kBatchBytes = std::size_t{32} << 20U;

std::size_t kept_bytes(const gallery::Template& face) {
  return (face.chip ? face.chip->bytes.size() : 0) + (face.photo ? face.photo->bytes.size() : 0);
}

/// Puts beside a face what is to be kept of it.
Outcome<void> keep(gallery::Template& face, const pipeline::FaceRecord& record,
                   const Analysed& photo, Keep what, models::AlignmentTemplate alignment) {
  if (what == Keep::kChips && record.chip) {
    VISAVIS_TRY(chip, keep_chip(*record.chip, alignment));
    face.chip = std::move(chip);
  }
  if (what == Keep::kPhotos && photo.digest) {
    VISAVIS_TRY(kept, keep_photo(photo.photo.path, *photo.digest));
    face.photo = std::move(kept);
  }
  return {};
}

std::optional<Refusal> parse_refusal(std::string_view text) {
  for (const Refusal refusal :
       {Refusal::kNoFace, Refusal::kManyFaces, Refusal::kLowQuality, Refusal::kDuplicate})
    if (text == to_string(refusal)) return refusal;
  return std::nullopt;
}

/// Whatever decides on a photo.
std::string settings_of(const Workbench::Impl& bench, const EnrolRequest& request) {
  std::string text = bench.settings + " " + bench.facts.model + " " + shortest(request.min_quality);
  if (request.selection)
    text.append(" select ").append(std::to_string(static_cast<int>(*request.selection)));
  if (request.allow_duplicates) text += " duplicates";
  return text;
}

/// Decides on photos one after the other and enrols them in batches.
class Registrar {
 public:
  /// Makes no gallery yet: where nothing is enrolled, there shall be none afterwards.
  /// @param settings  see gallery::Import
  static Outcome<Registrar> open(ModelId model, const EnrolRequest& request, std::string settings,
                                 Enrolment& answer) {
    VISAVIS_CHECK(check_min_quality(request.min_quality));
    VISAVIS_CHECK(check_place(request.gallery));
    Registrar registrar(request, std::move(settings), answer);
    auto people = gallery_of(model, request.gallery, gallery::OpenMode::kWrite);
    if (!people && people.error().error.code == ErrorCode::kNotFound) return registrar;
    if (!people) return std::unexpected(std::move(people).error());
    registrar.people_ = *std::move(people);
    VISAVIS_CHECK(registrar.note_expired());
    return registrar;
  }

  /// Those that are to be looked at; of the others the answer tells.
  Outcome<std::vector<EnrolPhoto>> left_of(const std::vector<EnrolPhoto>& photos) {
    if (!people_) return photos;
    VISAVIS_TRY(known, known_sources(photos));
    VISAVIS_TRY(refused, people_->refused(import_));
    std::unordered_map<std::string, gallery::RefusedPhoto> before;
    for (gallery::RefusedPhoto& photo : refused) before.try_emplace(photo.path, std::move(photo));
    std::vector<EnrolPhoto> left;
    for (const EnrolPhoto& photo : photos) {
      const auto found = before.find(photo.photo.path);
      const auto reason =
          found == before.end() ? std::nullopt : parse_refusal(found->second.reason);
      if (known.at(photo.person).contains(photo.photo.path))
        ++answer_.already;
      else if (reason)
        answer_.refused.push_back({.path = photo.photo.path,
                                   .reason = *reason,
                                   .message = std::move(found->second.message)});
      else
        left.push_back(photo);
    }
    return left;
  }

  /// @return an error only if the gallery cannot be searched or written.
  /// @param alignment  of the chips
  Outcome<void> consider(const EnrolPhoto& photo, Analysed found,
                         models::AlignmentTemplate alignment) {
    auto choice = face_to_enrol(found.faces, request_.min_quality);
    if (auto* refusing = std::get_if<Refusing>(&choice)) {
      refuse(photo.photo.path, std::move(*refusing));
      return {};
    }
    pipeline::FaceRecord& record = found.faces[std::get<std::size_t>(choice)];
    gallery::NewFace face{.person = photo.person, .face = template_of(record, photo.photo.path)};
    if (auto kept = keep(face.face, record, found, request_.keep, alignment); !kept) {
      answer_.errors.push_back(problem(photo.photo.path, std::move(kept).error()));
      return {};
    }
    return consider(std::move(face));
  }

  Outcome<void> consider(gallery::NewFace face) {
    if (expired_.contains(face.person)) {
      refuse(face.face.source, {.reason = Refusal::kExpired,
                                .message = "the person's time is over; --expires says another"});
      return {};
    }
    pending_bytes_ += kept_bytes(face.face);
    pending_.push_back(std::move(face));
    const bool full = pending_.size() >= kBatch || pending_bytes_ >= kBatchBytes;
    return full ? flush() : Outcome<void>{};
  }

  /// Makes durable what was decided so far.
  Outcome<void> flush() {
    VISAVIS_CHECK(enrol_pending());
    if (!people_ || refusals_.empty() || import_.source.empty()) return {};
    VISAVIS_CHECK(people_->note_refused(import_, refusals_));
    refusals_.clear();
    return {};
  }

  /// There is nothing to go on with.
  Outcome<void> finish() {
    if (!people_ || import_.source.empty()) return {};
    VISAVIS_CHECK(people_->finish_import(import_.source));
    return {};
  }

 private:
  Registrar(const EnrolRequest& request, std::string settings, Enrolment& answer)
      : import_{.source = request.from, .settings = std::move(settings)},
        request_(request),
        answer_(answer) {}

  /// Nobody finds them, so that nobody shall be enrolled as one of them.
  Outcome<void> note_expired() {
    if (request_.change.expires_at || request_.change.never_expires) return {};
    VISAVIS_TRY(expired, people_->expired(seconds_now()));
    for (gallery::Person& person : expired) expired_.insert(std::move(person.id));
    return {};
  }

  /// The photos that the gallery has of the persons.
  using Sources = std::unordered_map<std::string, std::unordered_set<std::string>>;
  [[nodiscard]] Outcome<Sources> known_sources(const std::vector<EnrolPhoto>& photos) const {
    Sources sources;
    for (const EnrolPhoto& photo : photos) sources.try_emplace(photo.person);
    for (auto& [person, known] : sources) {
      const auto details = people_->show(person);
      if (!details && details.error().code == ErrorCode::kNotFound) continue;
      if (!details) return std::unexpected(Failure(details.error()));
      for (const gallery::EnrolledFace& face : details->faces) known.insert(face.source);
    }
    return sources;
  }

  void refuse(const std::string& path, Refusing refusing) {
    // An expiry may be over now and another one said the next time.
    if (!import_.source.empty() && refusing.reason != Refusal::kExpired)
      refusals_.push_back({.path = path,
                           .reason = std::string(to_string(refusing.reason)),
                           .message = refusing.message});
    answer_.refused.push_back(
        {.path = path, .reason = refusing.reason, .message = std::move(refusing.message)});
  }

  Outcome<void> enrol_pending() {
    if (pending_.empty()) return {};
    pending_bytes_ = 0;
    if (!people_) {
      VISAVIS_TRY(made, gallery_at(request_.gallery, gallery::OpenMode::kCreate));
      // Whose time is over there, and which photos it knows, was not asked.
      if (made->faces() > 0)
        return std::unexpected(
            Failure({ErrorCode::kUnavailable, request_.gallery.folder.string() +
                                                  ": another process has made this gallery "
                                                  "meanwhile; run again"}));
      people_ = std::move(made);
    }
    VISAVIS_TRY(decisions,
                people_->enrol(pending_, {.refuse_duplicates = !request_.allow_duplicates,
                                          .change = request_.change}));
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      const gallery::NewFace& face = pending_[i];
      if (const auto* duplicate = std::get_if<gallery::Duplicate>(&decisions[i])) {
        refuse(face.face.source, as_refusal(*duplicate, face.person));
        continue;
      }
      auto& enrolled = std::get<gallery::Enrolled>(decisions[i]);
      answer_.enrolled.push_back({.path = face.face.source,
                                  .person = std::move(enrolled.person),
                                  .face_id = std::move(enrolled.face_id),
                                  .quality = face.face.quality});
    }
    pending_.clear();
    return {};
  }

  gallery::Import import_;                    ///< Without a source: no bulk enrolment.
  std::unique_ptr<gallery::Gallery> people_;  ///< None until the first face if there was none.
  const EnrolRequest& request_;
  Enrolment& answer_;
  std::vector<gallery::NewFace> pending_;
  std::size_t pending_bytes_ = 0;
  std::unordered_set<std::string> expired_;
  std::vector<gallery::RefusedPhoto> refusals_;  ///< That the gallery does not know of yet.
};

}  // namespace

std::optional<std::string_view> wrong_person(std::string_view name) {
  if (name.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return "the person's name is empty";
  if (!is_utf8(name) || name.contains('\0')) return "the person's name is not UTF-8 text";
  if (name.size() > 256) return "the person's name has more than 256 bytes";
  return std::nullopt;
}

SortedPhotos sort_by_folder(const std::string& folder) {
  std::error_code ignored;
  if (is_utf8(folder) && !fs::is_directory(folder, ignored))
    return {.photos = {},
            .errors = {problem(folder, Failure(Cause::kInput, {ErrorCode::kNotFound,
                                                               "there is no such folder"}))}};
  Inputs inputs = collect_photos({folder});
  SortedPhotos sorted{.photos = {}, .errors = std::move(inputs.errors)};
  for (Photo& photo : inputs.photos) {
    if (photo.inside.has_parent_path()) {
      std::string person = photo.inside.begin()->string();
      if (const auto wrong = wrong_person(person)) {
        sorted.errors.push_back(
            problem(photo.path, Failure({ErrorCode::kInvalidArgument, std::string(*wrong)})));
        continue;
      }
      sorted.photos.push_back({.photo = std::move(photo), .person = std::move(person)});
    } else {
      sorted.errors.push_back(problem(
          photo.path, Failure({ErrorCode::kInvalidArgument, "lies in no person's folder"})));
    }
  }
  return sorted;
}

Outcome<Enrolment> enrol(Workbench& bench, const std::vector<EnrolPhoto>& all,
                         const EnrolRequest& request, const Progress& progress) {
  Enrolment answer;
  if (request.keep == Keep::kChips && chip_form(bench.impl().manifest->alignment).empty())
    return usage("the recogniser's members see different chips; --keep photos keeps the photos");
  // A gallery of another model is told before the networks are loaded.
  VISAVIS_TRY(registrar, Registrar::open(bench.impl().model, request,
                                         settings_of(bench.impl(), request), answer));
  VISAVIS_TRY(run, bench.ready());
  answer.run = std::move(run);
  std::vector<EnrolPhoto> photos = all;
  if (!request.from.empty()) {
    VISAVIS_TRY(left, registrar.left_of(all));
    photos = std::move(left);
  }
  std::vector<Photo> files;
  for (const EnrolPhoto& photo : photos) files.push_back(photo.photo);
  const auto work = [&](const std::vector<Photo>& some, std::size_t start,
                        const Progress& within) -> Outcome<void> {
    auto results = analyse_photos(bench.impl(), some, request.selection, within,
                                  request.keep == Keep::kPhotos ? Digest::kYes : Digest::kNo);
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (!results[i]) {
        answer.errors.push_back(problem(some[i].path, std::move(results[i]).error()));
        continue;
      }
      VISAVIS_CHECK(registrar.consider(photos[start + i], *std::move(results[i]),
                                       bench.impl().manifest->alignment));
    }
    return registrar.flush();  // whoever stops it loses one batch at most
  };
  VISAVIS_CHECK(in_batches(files, progress, work));
  VISAVIS_CHECK(registrar.finish());
  return answer;
}

Outcome<Enrolment> enrol_rows(const Places& places, const std::string& recogniser, bool flip,
                              const LabelledRows& rows, const EnrolRequest& request) {
  VISAVIS_TRY(store, open_store(places));
  VISAVIS_TRY(manifest, find_model(store, recogniser));
  const ModelId model = models::model_id(manifest, flip);
  VISAVIS_TRY(faces, read_rows(rows, model, manifest.dimension));
  Enrolment answer;
  answer.run.recogniser = recogniser;
  answer.run.model = models::to_hex(model);
  VISAVIS_TRY(registrar, Registrar::open(model, request, {}, answer));
  for (gallery::NewFace& face : faces) VISAVIS_CHECK(registrar.consider(std::move(face)));
  VISAVIS_CHECK(registrar.flush());
  return answer;
}

}  // namespace visavis::usecases
