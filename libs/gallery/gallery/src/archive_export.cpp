#include "archive_export.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <visavis/core/half.hpp>
#include <visavis/core/sha256_stream.hpp>
#include <visavis/core/time.hpp>

#include "archive_file.hpp"
#include "archive_rows.hpp"
#include "past_folder.hpp"
#include "visavis/gallery/archive.hpp"
#include "visavis/gallery/gallery.hpp"

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRowsAtOnce = 1000;

/// Takes a member's bytes, piece by piece.
using Put = std::function<Result<void>(std::span<const std::byte>)>;
using Make = std::function<Result<void>(const Put&)>;

Result<void> put_text(const Put& put, std::string_view text) {
  return put(std::as_bytes(std::span(text)));
}

Result<MemberFacts> measure(const Make& make) {
  Sha256Stream hash;
  MemberFacts facts;
  VISAVIS_CHECK(make([&](std::span<const std::byte> bytes) -> Result<void> {
    hash.append(bytes);
    facts.bytes += bytes.size();
    return {};
  }));
  facts.sha256 = to_hex(hash.finish());
  return facts;
}

std::string place_of(store::KeptKind kind, const std::string& name) {
  return (kind == store::KeptKind::kChip ? "chips/" : "photos/") + name;
}

/// A gallery that nobody else changes while it is written down.
class Exporter {
 public:
  Exporter(store::Store& store, const ArchiveProgress& progress)
      : store_(store), progress_(progress) {}

  Result<Archived> write(const fs::path& path) {
    VISAVIS_TRY(manifest, measure_all());
    VISAVIS_TRY(out, ArchiveWriter::create(path));
    const Put put = [&](std::span<const std::byte> bytes) { return out.append(bytes); };
    const auto add = [&](std::string_view name, const MemberFacts& facts,
                         const Make& make) -> Result<void> {
      VISAVIS_CHECK(out.begin(std::string(name), facts.bytes, manifest.created));
      return make(put);
    };
    const std::string text = to_text(manifest);
    VISAVIS_CHECK(out.begin(std::string(kManifest), text.size(), manifest.created));
    VISAVIS_CHECK(put_text(put, text));
    VISAVIS_CHECK(add(kPersons, manifest.person_lines, persons()));
    VISAVIS_CHECK(add(kFaces, manifest.face_lines, faces()));
    VISAVIS_CHECK(add(kVectors, manifest.vectors, vectors(manifest)));
    VISAVIS_TRY(files, write_files(out, manifest.created));
    VISAVIS_CHECK(out.commit());
    Archived archived{.persons = manifest.persons, .faces = manifest.faces, .files = files};
    for (auto& [name, error] : lost_) archived.lost.push_back({.name = name, .error = error});
    return archived;
  }

 private:
  Result<ArchiveManifest> measure_all() {
    VISAVIS_TRY(facts, store_.facts());
    total_ = facts.faces;
    ArchiveManifest manifest{.model = facts.model,
                             .dimension = facts.dimension,
                             .element = facts.element,
                             .persons = facts.persons,
                             .faces = facts.faces,
                             .created = seconds_now()};
    VISAVIS_TRY(person_lines, measure(persons()));
    VISAVIS_TRY(face_lines, measure(faces()));
    VISAVIS_TRY(vector_bytes, measure(vectors(manifest)));
    manifest.person_lines = std::move(person_lines);
    manifest.face_lines = std::move(face_lines);
    manifest.vectors = std::move(vector_bytes);
    return manifest;
  }

  Make persons() {
    return [this](const Put& put) -> Result<void> {
      for (std::int64_t after = 0;;) {
        VISAVIS_TRY(rows, store_.persons(after, kRowsAtOnce));
        if (rows.empty()) return {};
        for (const store::PersonRow& row : rows) VISAVIS_CHECK(put_text(put, to_line(row)));
        after = rows.back().id;
      }
    };
  }

  Result<void> each_face(const std::function<Result<void>(const store::FaceRow&)>& work) {
    for (std::int64_t after = 0;;) {
      VISAVIS_TRY(rows, store_.faces(after, kRowsAtOnce));
      if (rows.empty()) return {};
      for (const store::FaceRow& row : rows) {
        VISAVIS_CHECK(work(row));
        tell();
      }
      after = rows.back().id;
    }
  }

  /// That a pass has dealt with one more face.
  void tell() {
    if (progress_ && ++passed_ % kPasses == 0) progress_(passed_ / kPasses, total_);
  }

  Make faces() {
    return [this](const Put& put) {
      return each_face([&](const store::FaceRow& row) -> Result<void> {
        VISAVIS_TRY(owner, store_.owner_of(row.id));
        if (!owner)
          return fail(ErrorCode::kDecodeFailed, "the gallery is damaged: a face is nobody's");
        VISAVIS_TRY(chip, kept_facts(store::KeptKind::kChip, row.chip));
        VISAVIS_TRY(photo, kept_facts(store::KeptKind::kPhoto, row.photo));
        return put_text(put, to_line(FaceLine{.id = row.id,
                                              .person = std::move(owner->public_id),
                                              .fields = row.fields,
                                              .enrolled = row.enrolled,
                                              .chip = std::move(chip),
                                              .photo = std::move(photo)}));
      });
    };
  }

  Result<std::optional<KeptFacts>> kept_facts(store::KeptKind kind, const std::string& name) {
    if (name.empty()) return std::optional<KeptFacts>();
    auto bytes = store_.read_kept(kind, name);
    if (!bytes) {
      // The rest can be carried.
      const ErrorCode code = bytes.error().code;
      if (code != ErrorCode::kNotFound && code != ErrorCode::kDecodeFailed)
        return std::unexpected(std::move(bytes).error());
      lost_.try_emplace(place_of(kind, name), std::move(bytes).error());
      return std::optional<KeptFacts>();
    }
    return std::optional(
        KeptFacts{.form = name.substr(name.find('.') + 1),
                  .member = {.bytes = bytes->size(), .sha256 = to_hex(sha256(*bytes))}});
  }

  Make vectors(const ArchiveManifest& manifest) {
    return [this, manifest](const Put& put) -> Result<void> {
      VISAVIS_CHECK(put_text(put, manifest.npy_header()));
      Result<void> done;
      std::vector<std::uint16_t> halves;
      VISAVIS_CHECK(store_.scan([&](auto, auto, auto, std::span<const float> unit) {
        if (!done) return;
        tell();
        if (manifest.element == store::Element::kF32) {
          done = put(std::as_bytes(unit));
          return;
        }
        halves.resize(unit.size());
        std::ranges::transform(unit, halves.begin(), to_half);  // exact: it was one before
        done = put(std::as_bytes(std::span(halves)));
      }));
      return done;
    };
  }

  Result<std::uint64_t> write_files(ArchiveWriter& out, std::int64_t time) {
    std::uint64_t files = 0;
    const auto write_of = [&](const store::FaceRow& row) -> Result<void> {
      for (const auto& [kind, name] : {std::pair{store::KeptKind::kChip, row.chip},
                                       std::pair{store::KeptKind::kPhoto, row.photo}}) {
        if (name.empty() || lost_.contains(place_of(kind, name))) continue;
        VISAVIS_TRY(bytes, store_.read_kept(kind, name));
        VISAVIS_CHECK(out.begin(member_name(kind, row.id, name.substr(name.find('.') + 1)),
                                bytes.size(), time));
        VISAVIS_CHECK(out.append(bytes));
        ++files;
      }
      return {};
    };
    VISAVIS_CHECK(each_face(write_of));
    return files;
  }

  /// Rows and vectors are measured and then written; chips and photos come last.
  static constexpr std::size_t kPasses = 5;

  store::Store& store_;
  const ArchiveProgress& progress_;
  std::size_t passed_ = 0;
  std::size_t total_ = 0;
  std::map<std::string, Error> lost_;
};

}  // namespace

Result<Archived> export_archive(const fs::path& gallery, const fs::path& archive,
                                const GalleryOptions& options, const ArchiveProgress& progress) {
  // Brings a gallery of the past version to the present form.
  if (is_past_folder(gallery)) VISAVIS_CHECK(open_gallery(gallery, OpenMode::kWrite, options));
  VISAVIS_TRY(store,
              store::Store::open(gallery, {.mode = store::Mode::kWrite, .key = options.key}));
  return write_archive(store, archive, progress);
}

Result<Archived> write_archive(store::Store& store, const fs::path& archive,
                               const ArchiveProgress& progress) {
  VISAVIS_TRY(facts, store.facts());
  // First: what left the gallery was noted, also where its file came to nothing.
  VISAVIS_CHECK(store.note("export", std::nullopt, static_cast<std::int64_t>(facts.faces)));
  return Exporter(store, progress).write(archive);
}

}  // namespace visavis::gallery
