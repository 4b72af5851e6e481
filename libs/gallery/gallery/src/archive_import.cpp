#include "archive_import.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/sha256_stream.hpp>

#include "past_folder.hpp"
#include "visavis/gallery/archive.hpp"
#include "visavis/gallery/gallery.hpp"

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{64} << 10U;
/// A name of a million characters is told as such; what is longer has no end.
constexpr std::size_t kMaxLineBytes = std::size_t{8} << 20U;

auto wrong(std::string what) { return fail(ErrorCode::kDecodeFailed, std::move(what)); }

/// One member, checked against what was promised of it.
class PromisedMember {
 public:
  static Result<PromisedMember> open(ArchiveReader& reader, std::string_view name,
                                     const MemberFacts& promised) {
    VISAVIS_TRY(size, reader.next(name));
    if (size != promised.bytes) return lies(name);
    return PromisedMember(reader, std::string(name), promised);
  }

  Result<std::size_t> read(std::span<std::byte> bytes) {
    VISAVIS_TRY(n, reader_.read(bytes));
    hash_.append(bytes.first(n));
    read_ += n;
    return n;
  }

  /// At its end: whether it was what was promised.
  Result<void> close() {
    std::byte beyond{};
    VISAVIS_TRY(n, read(std::span(&beyond, 1)));
    if (n != 0 || read_ != promised_.bytes || to_hex(hash_.finish()) != promised_.sha256)
      return lies(name_);
    return {};
  }

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  PromisedMember(ArchiveReader& reader, std::string name, MemberFacts promised)
      : reader_(reader), name_(std::move(name)), promised_(std::move(promised)) {}
  static std::unexpected<Error> lies(std::string_view name) {
    return wrong("the archive's " + std::string(name) +
                 " is not what the archive says of it: its size or SHA-256 is another");
  }

  ArchiveReader& reader_;
  std::string name_;
  MemberFacts promised_;
  Sha256Stream hash_;
  std::uint64_t read_ = 0;
};

/// The lines of a member.
class Lines {
 public:
  explicit Lines(PromisedMember member) : member_(std::move(member)) {}

  /// @return false at the end
  Result<bool> next(std::string& line) {
    line.clear();
    for (;;) {
      const std::string_view rest = std::string_view(buffer_).substr(at_);
      const std::size_t end = rest.find('\n');
      line.append(rest.substr(0, end));
      if (line.size() > kMaxLineBytes) return wrong(where() + " is longer than any can be");
      if (end != std::string_view::npos) {
        at_ += end + 1;
        ++number_;
        return true;
      }
      buffer_.resize(std::size_t{64} << 10U);
      VISAVIS_TRY(n, member_.read(std::as_writable_bytes(std::span(buffer_))));
      buffer_.resize(n);
      at_ = 0;
      if (n == 0 && line.empty()) return false;
      if (n == 0) return wrong(where() + " has no end");
    }
  }
  Result<void> close() { return member_.close(); }
  /// An error of what the last line holds; others, of a disk for instance, as they are.
  [[nodiscard]] std::unexpected<Error> blame(const Error& error) const {
    if (error.code != ErrorCode::kDecodeFailed && error.code != ErrorCode::kInvalidArgument)
      return std::unexpected(error);
    return fail(ErrorCode::kDecodeFailed, "the archive's " + member_.name() + ", line " +
                                              std::to_string(number_) + ": " + error.message);
  }

 private:
  [[nodiscard]] std::string where() const {
    return "the archive's " + member_.name() + ", line " + std::to_string(number_ + 1) + ",";
  }
  PromisedMember member_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t number_ = 0;
};

Result<ArchiveManifest> read_manifest(ArchiveReader& reader) {
  VISAVIS_TRY(size, reader.next(kManifest));
  if (size > kMaxManifestBytes) return wrong("the archive's manifest.json is too large");
  VISAVIS_TRY(bytes, reader.read_all(size));
  auto manifest =
      parse_archive_manifest({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (manifest) return manifest;
  return fail(manifest.error().code, "the archive's manifest.json " + manifest.error().message);
}

Result<void> walk_persons(ArchiveReader& reader, const ArchiveManifest& manifest,
                          const ArchiveVisitor& visitor) {
  VISAVIS_TRY(member, PromisedMember::open(reader, kPersons, manifest.person_lines));
  Lines lines(std::move(member));
  std::uint64_t count = 0;
  for (std::string line;; ++count) {
    VISAVIS_TRY(more, lines.next(line));
    if (!more) break;
    const auto person = parse_person_line(line);
    if (!person) return lines.blame(person.error());
    if (const auto taken = visitor.person(*person); !taken) return lines.blame(taken.error());
  }
  VISAVIS_CHECK(lines.close());
  return count == manifest.persons ? Result<void>()
                                   : wrong("the archive has not as many persons as it says");
}

/// vectors.npy, row after row.
class Vectors {
 public:
  static Result<Vectors> open(ArchiveReader& reader, const ArchiveManifest& manifest) {
    const std::string header = manifest.npy_header();
    const std::uint64_t rows =
        manifest.vectors.bytes - std::min<std::uint64_t>(manifest.vectors.bytes, header.size());
    // By division: what a manifest says may be more than a number holds.
    const std::uint64_t row = manifest.vector_bytes();
    const bool fits =
        manifest.faces == 0 ? rows == 0 : rows % row == 0 && rows / row == manifest.faces;
    if (!fits) return wrong("the archive's vectors.npy has not one vector for each face");
    VISAVIS_TRY(member, PromisedMember::open(reader, kVectors, manifest.vectors));
    std::string found(header.size(), '\0');
    VISAVIS_TRY(n, member.read(std::as_writable_bytes(std::span(found))));
    if (n != header.size() || found != header)
      return wrong("the archive's vectors.npy is not the matrix that its manifest tells of");
    return Vectors(std::move(member), manifest);
  }

  Result<void> next(std::vector<float>& unit) {
    VISAVIS_TRY(n, member_.read(bytes_));
    if (n != bytes_.size()) return wrong("the archive has fewer vectors than faces");
    unit.resize(dimension_);
    if (element_ == store::Element::kF32) {
      std::memcpy(unit.data(), bytes_.data(), bytes_.size());
      return {};
    }
    for (std::size_t i = 0; i < dimension_; ++i) {
      std::uint16_t half = 0;
      std::memcpy(&half, bytes_.data() + i * sizeof half, sizeof half);
      unit[i] = from_half(half);
    }
    return {};
  }
  Result<void> close() { return member_.close(); }

 private:
  Vectors(PromisedMember member, const ArchiveManifest& manifest)
      : member_(std::move(member)),
        element_(manifest.element),
        dimension_(manifest.dimension),
        bytes_(manifest.faces == 0 ? 0 : manifest.vector_bytes()) {}

  PromisedMember member_;
  store::Element element_;
  std::size_t dimension_;
  std::vector<std::byte> bytes_;
};

Result<std::vector<std::byte>> read_kept(ArchiveReader& reader, store::KeptKind kind,
                                         std::int64_t face, const std::optional<KeptFacts>& kept) {
  if (!kept) return std::vector<std::byte>();
  VISAVIS_TRY(member,
              PromisedMember::open(reader, member_name(kind, face, kept->form), kept->member));
  std::vector<std::byte> bytes(kept->member.bytes);
  VISAVIS_TRY(n, member.read(bytes));
  bytes.resize(n);
  VISAVIS_CHECK(member.close());
  return bytes;
}

/// Lines, vectors and files stand one after the other in the archive, and side by side here.
Result<void> walk_faces(ArchiveReader& reader, const ArchiveSource& source,
                        const ArchiveManifest& manifest, const ArchiveVisitor& visitor) {
  VISAVIS_TRY(vector_reader, ArchiveReader::open(source));
  VISAVIS_TRY(file_reader, ArchiveReader::open(source));
  VISAVIS_CHECK(vector_reader.skip_to(kVectors));
  VISAVIS_CHECK(file_reader.skip_to(kVectors));
  VISAVIS_CHECK(file_reader.next(kVectors));
  VISAVIS_TRY(member, PromisedMember::open(reader, kFaces, manifest.face_lines));
  VISAVIS_TRY(vectors, Vectors::open(vector_reader, manifest));
  Lines lines(std::move(member));
  std::uint64_t count = 0;
  std::int64_t last = 0;
  std::string line;
  ArchivedFace face;
  for (;; ++count) {
    VISAVIS_TRY(more, lines.next(line));
    if (!more) break;
    auto facts = parse_face_line(line);
    if (!facts) return lines.blame(facts.error());
    if (std::exchange(last, facts->id) >= facts->id)
      return lines.blame({ErrorCode::kDecodeFailed, "is not in the order of the ids"});
    face.facts = *std::move(facts);
    VISAVIS_CHECK(vectors.next(face.unit));
    VISAVIS_TRY(chip, read_kept(file_reader, store::KeptKind::kChip, last, face.facts.chip));
    VISAVIS_TRY(photo, read_kept(file_reader, store::KeptKind::kPhoto, last, face.facts.photo));
    face.chip = std::move(chip);
    face.photo = std::move(photo);
    if (const auto taken = visitor.face(face); !taken) return lines.blame(taken.error());
  }
  VISAVIS_CHECK(lines.close());
  VISAVIS_CHECK(reader.next(kVectors));
  if (count != manifest.faces) return wrong("the archive has not as many faces as it says");
  VISAVIS_CHECK(vectors.close());
  VISAVIS_TRY(whole, file_reader.at_end());
  return whole ? Result<void>() : wrong("the archive holds more members than it tells of");
}

}  // namespace

Result<void> walk_archive(const ArchiveSource& source, const ArchiveVisitor& visitor) {
  VISAVIS_TRY(reader, ArchiveReader::open(source));
  VISAVIS_TRY(manifest, read_manifest(reader));
  VISAVIS_CHECK(visitor.begin(manifest));
  VISAVIS_CHECK(walk_persons(reader, manifest, visitor));
  return walk_faces(reader, source, manifest, visitor);
}

namespace {

/// What a gallery knows of vectors before an import, without keeping them.
class KnownVectors {
 public:
  explicit KnownVectors(store::Element element) : element_(element) {}

  void add(std::int64_t person, std::span<const float> unit) { known_.insert(key(person, unit)); }
  [[nodiscard]] bool has(std::int64_t person, std::span<const float> unit) const {
    return !known_.empty() && known_.contains(key(person, unit));
  }

 private:
  /// Of a SHA-256: two vectors of one person do not meet in 64 bits.
  [[nodiscard]] std::uint64_t key(std::int64_t person, std::span<const float> unit) const {
    std::vector<float> stored(unit.begin(), unit.end());
    if (element_ == store::Element::kF16)
      for (float& value : stored) value = from_half(to_half(value));
    Sha256Stream hash;
    hash.append(std::as_bytes(std::span(&person, 1)));
    hash.append(std::as_bytes(std::span(stored)));
    const Sha256 digest = hash.finish();
    std::uint64_t key = 0;
    std::memcpy(&key, digest.data(), sizeof key);
    return key;
  }

  store::Element element_;
  std::unordered_set<std::uint64_t> known_;
};

Result<void> check_model(const store::Facts& facts, const ArchiveManifest& manifest) {
  if (facts.model.empty() || manifest.model.empty()) return {};
  if (facts.model == manifest.model && facts.dimension == manifest.dimension) return {};
  return fail(ErrorCode::kModelMismatch, "the gallery was made by model " + facts.model +
                                             ", the archive's by " + manifest.model);
}

/// Adds an archive's persons and faces to a gallery, in one change.
class Importer {
 public:
  static Result<Imported> run(const fs::path& archive, store::Store& store,
                              const ArchiveProgress& progress) {
    VISAVIS_TRY(facts, store.facts());
    Importer importer(facts, progress);
    if (facts.faces > 0)
      VISAVIS_CHECK(store.scan([&](auto, std::int64_t person, auto, std::span<const float> unit) {
        importer.known_.add(person, unit);
      }));
    VISAVIS_TRY(change, store.begin(store::Keeping::kFiles));
    importer.change_ = &change;
    VISAVIS_CHECK(walk_archive(
        archive,
        {.begin = [&](const ArchiveManifest& manifest) { return importer.begin(manifest); },
         .person = [&](const PersonLine& person) { return importer.add_person(person); },
         .face = [&](const ArchivedFace& face) { return importer.add_face(face); }}));
    VISAVIS_CHECK(
        change.note("import", std::nullopt, static_cast<std::int64_t>(importer.answer_.faces)));
    VISAVIS_CHECK(change.commit());
    return importer.answer_;
  }

 private:
  Importer(store::Facts facts, const ArchiveProgress& progress)
      : facts_(std::move(facts)), known_(facts_.element), progress_(progress) {}

  Result<void> begin(const ArchiveManifest& manifest) {
    model_ = manifest.model;
    total_ = manifest.faces;
    return check_model(facts_, manifest);
  }

  Result<void> add_person(const PersonLine& person) {
    VISAVIS_TRY(added, change_->add_person(person.fields, person.created));
    if (!persons_.emplace(person.fields.public_id, added.person).second)
      return wrong("names a person for the second time");
    if (added.is_new) ++answer_.persons;
    return {};
  }

  Result<void> add_face(const ArchivedFace& face) {
    VISAVIS_CHECK(take_face(face));
    if (progress_) progress_(++done_, total_);
    return {};
  }

  Result<void> take_face(const ArchivedFace& face) {
    const auto person = persons_.find(face.facts.person);
    if (person == persons_.end()) return wrong("is of a person whom the archive does not know");
    if (known_.has(person->second, face.unit)) {
      ++answer_.already;
      return {};
    }
    store::NewFace row{.person = face.facts.person,
                       .model = model_,
                       .unit = face.unit,
                       .fields = &face.facts.fields};
    if (face.facts.chip) row.chip = {.form = face.facts.chip->form, .bytes = face.chip};
    if (face.facts.photo) row.photo = {.form = face.facts.photo->form, .bytes = face.photo};
    row.enrolled = face.facts.enrolled;
    // Ids that nobody was given yet are kept.
    if (facts_.generation == 0) row.id = face.facts.id;
    VISAVIS_CHECK(change_->add(row));
    ++answer_.faces;
    answer_.files += static_cast<std::uint64_t>(face.facts.chip.has_value()) +
                     static_cast<std::uint64_t>(face.facts.photo.has_value());
    return {};
  }

  store::Facts facts_;
  KnownVectors known_;
  const ArchiveProgress& progress_;
  std::size_t done_ = 0;
  std::size_t total_ = 0;
  store::Change* change_ = nullptr;
  std::string model_;
  std::unordered_map<std::string, std::int64_t> persons_;
  Imported answer_;
};

}  // namespace

Result<Imported> import_archive(const fs::path& archive, const fs::path& gallery,
                                const GalleryOptions& options, const ArchiveProgress& progress) {
  // Nothing is made for what is no archive at all.
  VISAVIS_TRY(reader, ArchiveReader::open(archive));
  VISAVIS_TRY(manifest, read_manifest(reader));
  if (is_past_folder(gallery)) VISAVIS_CHECK(open_gallery(gallery, OpenMode::kWrite, options));
  std::optional<Imported> imported;
  const auto import = [&](store::Store& store) -> Result<void> {
    VISAVIS_TRY(done, Importer::run(archive, store, progress));
    imported = done;
    return {};
  };
  VISAVIS_TRY(store, store::Store::open(gallery, {.mode = store::Mode::kCreate,
                                                  .element = manifest.element,
                                                  .key = options.key,
                                                  .fill = import}));
  if (imported) return *imported;
  auto added = Importer::run(archive, store, progress);
  if (!added) {
    // What this leaves the next writer does.
    [[maybe_unused]] const Result<void> purged = store.purge();
  }
  return added;
}

}  // namespace visavis::gallery
