#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/vocab/embedding.hpp>

#include "element.hpp"
#include "fold.hpp"
#include "kept.hpp"
#include "schema.hpp"
#include "store_impl.hpp"
#include "visavis/store/store.hpp"

namespace visavis::store {
namespace {

constexpr double kStoredTolerance = 2 * kUnitTolerance;  // of one that was rounded to f16

auto damaged(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "the gallery is damaged: " + what);
}

std::optional<std::int64_t> maybe_integer(const Query& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

auto changed_person(std::int64_t person) {
  return damaged("person number " + std::to_string(person) + " is not as it was written");
}

Result<PersonRow> person_of(const Query& row) {
  if (row.integer(9) == 0) return changed_person(row.integer(0));
  PersonRow person{.id = row.integer(0),
                   .fields = {.public_id = row.text(1),
                              .name = row.text(2),
                              .attributes = row.text(3),
                              .consent_at = maybe_integer(row, 5),
                              .expires_at = maybe_integer(row, 6)},
                   .created = row.integer(7),
                   .faces = static_cast<std::uint64_t>(row.integer(8))};
  if (!row.is_null(4)) person.fields.consent_basis = row.text(4);
  return person;
}

Result<std::vector<PersonRow>> people_of(Result<Query> rows) {
  if (!rows) return std::unexpected(std::move(rows).error());
  std::vector<PersonRow> persons;
  for (;;) {
    VISAVIS_TRY(more, rows->next());
    if (!more) return persons;
    VISAVIS_TRY(person, person_of(*rows));
    persons.push_back(std::move(person));
  }
}

std::string name_of(std::int64_t face) { return "face f" + std::to_string(face); }

auto changed(std::int64_t face) { return damaged(name_of(face) + " is not as it was written"); }

Result<FaceRow> face_of(const Query& row) {
  FaceRow face;
  face.id = row.integer(0);
  if (row.integer(10) == 0) return changed(face.id);
  face.person = row.integer(1);
  face.fields.norm = static_cast<float>(row.real(2));
  face.fields.quality = static_cast<float>(row.real(3));
  face.fields.source = row.text(6);
  face.enrolled = row.integer(7);
  face.chip = row.text(8);
  face.photo = row.text(9);
  const auto box = row.blob(4);
  if (box.size() != sizeof(Box)) return damaged(name_of(face.id) + " has no box");
  std::memcpy(&face.fields.box, box.data(), sizeof(Box));
  if (row.is_null(5)) return face;
  const auto points = row.blob(5);
  if (points.size() != sizeof(Landmarks)) return damaged("the landmarks of " + name_of(face.id));
  std::memcpy(&face.fields.landmarks.emplace(), points.data(), sizeof(Landmarks));
  return face;
}

Result<std::vector<FaceRow>> faces_from(Result<Query> rows) {
  if (!rows) return std::unexpected(std::move(rows).error());
  std::vector<FaceRow> faces;
  for (;;) {
    VISAVIS_TRY(more, rows->next());
    if (!more) return faces;
    VISAVIS_TRY(face, face_of(*rows));
    faces.push_back(std::move(face));
  }
}

/// What rows of vectors must look like.
struct Shape {
  std::size_t dimension = 0;
  Element element = Element::kF16;
};

Result<Shape> read_shape(Database& database) {
  VISAVIS_TRY(row, database.query("SELECT dimension, element FROM meta WHERE id = 1"));
  VISAVIS_TRY(there, row.next());
  if (!there) return damaged("it has no header");
  const std::int64_t dimension = row.integer(0);
  if (dimension < 0 || dimension > (1 << 20)) return damaged("its dimension");
  return Shape{.dimension = static_cast<std::size_t>(dimension),
               .element = row.text(1) == "f32" ? Element::kF32 : Element::kF16};
}

/// Decodes the blob of one row. @return what is wrong with it, or nothing
std::optional<std::string> decode_row(std::span<const std::byte> bytes, const Shape& shape,
                                      std::span<float> values) {
  if (bytes.size() != shape.dimension * size_of(shape.element))
    return "has a vector of another size than the gallery's";
  decode(bytes, shape.element, values);
  if (is_unit(values, kStoredTolerance)) return std::nullopt;
  return "has a vector that is not a unit vector";
}

Result<void> visit_rows(Query& rows, const Shape& shape, const Store::Visit& visit) {
  std::vector<float> values(shape.dimension);
  for (;;) {
    VISAVIS_TRY(more, rows.next());
    if (!more) return {};
    const std::int64_t face = rows.integer(0);
    if (rows.integer(4) == 0) return changed(face);
    if (const auto wrong = decode_row(rows.blob(3), shape, values))
      return damaged(name_of(face) + " " + *wrong);
    visit(face, rows.integer(1), static_cast<float>(rows.real(2)), values);
  }
}

}  // namespace

FaceQueries::FaceQueries(int version) {
  const auto select = [&](const std::string& columns, const std::string& rest) {
    return "SELECT " + columns + ", " + is_sound_face(version) + " FROM faces " + rest;
  };
  const std::string vector = "id, person, quality, embedding";
  const std::string row =
      "id, person, norm, quality, box, landmarks, source, enrolled, chip, photo";
  vectors = select(vector, "ORDER BY id");
  vectors_of_person = select(vector, "WHERE person = ? ORDER BY id");
  of_person = select(row, "WHERE person = ? ORDER BY id");
  after = select(row, "WHERE id > ? ORDER BY id LIMIT ?");
  one = select(row, "WHERE id = ?");
  owner = select("public_id, name, norm, quality, expires_at, person, " + is_sound_person(version),
                 "JOIN persons ON persons.id = faces.person WHERE faces.id = ?");
  all = select("id, norm, quality, embedding, box, landmarks, source", "");
}

PersonQueries::PersonQueries(int version) {
  const std::string select =
      "SELECT id, public_id, name, attributes, consent_basis, consent_at, expires_at, created, "
      "(SELECT count(*) FROM faces WHERE faces.person = persons.id), " +
      is_sound_person(version) + " FROM persons ";
  after = select + "WHERE id > ? ORDER BY id LIMIT ?";
  named = select + "WHERE id > ? AND instr(fold_case(name), ?) > 0 ORDER BY id LIMIT ?";
  one = select + "WHERE public_id = ?";
  expired = select + "WHERE expires_at <= ? ORDER BY id";
}

Result<Facts> Store::facts() const {
  const std::scoped_lock lock(impl_->reading);
  Database& database = impl_->reader;
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kRead));
  VISAVIS_TRY(persons, database.number("SELECT count(*) FROM persons"));
  VISAVIS_TRY(faces, database.number("SELECT count(*) FROM faces"));
  VISAVIS_TRY(pages, database.number("PRAGMA page_count"));
  VISAVIS_TRY(page_size, database.number("PRAGMA page_size"));
  VISAVIS_TRY(free_pages, database.number("PRAGMA freelist_count"));
  VISAVIS_TRY(version, database.number("PRAGMA user_version"));
  VISAVIS_TRY(row, database.query("SELECT model, dimension, element, generation, created, "
                                  "encryption FROM meta WHERE id = 1"));
  VISAVIS_TRY(there, row.next());
  if (!there) return damaged("it has no header");
  return Facts{.model = row.text(0),
               .dimension = static_cast<std::size_t>(row.integer(1)),
               .element = row.text(2) == "f32" ? Element::kF32 : Element::kF16,
               .generation = static_cast<std::uint64_t>(row.integer(3)),
               .created = row.integer(4),
               .persons = static_cast<std::uint64_t>(persons),
               .faces = static_cast<std::uint64_t>(faces),
               .bytes = static_cast<std::uint64_t>(pages * page_size),
               .free_bytes = static_cast<std::uint64_t>(free_pages * page_size),
               .format_version = static_cast<int>(version),
               .encryption = row.text(5)};
}

Result<std::uint64_t> Store::generation() const {
  const std::scoped_lock lock(impl_->reading);
  VISAVIS_TRY(number, impl_->reader.number("SELECT generation FROM meta WHERE id = 1"));
  return static_cast<std::uint64_t>(number);
}

Result<std::vector<PersonRow>> Store::persons(std::int64_t after, std::size_t limit) const {
  const std::scoped_lock lock(impl_->reading);
  return people_of(
      impl_->reader.query(impl_->person_queries.after, after, static_cast<std::int64_t>(limit)));
}

Result<std::vector<PersonRow>> Store::persons_named(std::string_view part, std::int64_t after,
                                                    std::size_t limit) const {
  const std::string folded = fold_case(part);
  const std::scoped_lock lock(impl_->reading);
  return people_of(impl_->reader.query(impl_->person_queries.named, after, std::string_view(folded),
                                       static_cast<std::int64_t>(limit)));
}

Result<std::optional<PersonRow>> Store::find_person(std::string_view public_id) const {
  const std::scoped_lock lock(impl_->reading);
  VISAVIS_TRY(found, people_of(impl_->reader.query(impl_->person_queries.one, public_id)));
  if (found.empty()) return std::optional<PersonRow>();
  return std::optional(std::move(found.front()));
}

Result<std::optional<std::int64_t>> Store::row_of(std::string_view public_id) const {
  const std::scoped_lock lock(impl_->reading);
  VISAVIS_TRY(row, impl_->reader.query("SELECT id FROM persons WHERE public_id = ?", public_id));
  VISAVIS_TRY(there, row.next());
  return there ? std::optional(row.integer(0)) : std::nullopt;
}

Result<std::vector<PersonRow>> Store::expired(std::int64_t now) const {
  const std::scoped_lock lock(impl_->reading);
  return people_of(impl_->reader.query(impl_->person_queries.expired, now));
}

Result<std::uint64_t> Store::count_expired(std::int64_t now) const {
  const std::scoped_lock lock(impl_->reading);
  VISAVIS_TRY(count,
              impl_->reader.number("SELECT count(*) FROM persons WHERE expires_at <= ?", now));
  return static_cast<std::uint64_t>(count);
}

Result<std::vector<FaceRow>> Store::faces_of(std::int64_t person) const {
  const std::scoped_lock lock(impl_->reading);
  return faces_from(impl_->reader.query(impl_->queries.of_person, person));
}

Result<std::vector<FaceRow>> Store::faces(std::int64_t after, std::size_t limit) const {
  const std::scoped_lock lock(impl_->reading);
  return faces_from(
      impl_->reader.query(impl_->queries.after, after, static_cast<std::int64_t>(limit)));
}

Result<std::optional<FaceRow>> Store::find_face(std::int64_t face) const {
  const std::scoped_lock lock(impl_->reading);
  VISAVIS_TRY(row, impl_->reader.query(impl_->queries.one, face));
  VISAVIS_TRY(there, row.next());
  if (!there) return std::optional<FaceRow>();
  VISAVIS_TRY(found, face_of(row));
  return std::optional(std::move(found));
}

namespace {

Result<std::optional<Owner>> read_owner(Database& database, const std::string& query,
                                        std::int64_t face) {
  VISAVIS_TRY(row, database.query(query, face));
  VISAVIS_TRY(there, row.next());
  if (!there) return std::optional<Owner>();
  if (row.integer(6) == 0) return changed_person(row.integer(5));
  if (row.integer(7) == 0) return changed(face);
  return std::optional(Owner{.public_id = row.text(0),
                             .name = row.text(1),
                             .norm = static_cast<float>(row.real(2)),
                             .quality = static_cast<float>(row.real(3)),
                             .expires_at = maybe_integer(row, 4)});
}

}  // namespace

Result<std::optional<Owner>> Store::owner_of(std::int64_t face) const {
  const std::scoped_lock lock(impl_->reading);
  return read_owner(impl_->reader, impl_->queries.owner, face);
}

Result<std::vector<std::optional<Owner>>> Store::owners_of(
    std::span<const std::int64_t> faces) const {
  const std::scoped_lock lock(impl_->reading);
  // Otherwise the database would be locked and looked at anew for every face.
  VISAVIS_TRY(transaction, Transaction::begin(impl_->reader, Transaction::Kind::kRead));
  std::vector<std::optional<Owner>> owners;
  for (const std::int64_t face : faces) {
    VISAVIS_TRY(owner, read_owner(impl_->reader, impl_->queries.owner, face));
    owners.push_back(std::move(owner));
  }
  VISAVIS_CHECK(transaction.commit());
  return owners;
}

namespace {

/// Nothing of a file that is from before there were such checksums.
Result<std::optional<std::uint32_t>> kept_checksum(Database& database, int version, KeptKind kind,
                                                   std::int64_t face) {
  std::optional<std::uint32_t> checksum;
  if (version < 3) return checksum;
  VISAVIS_TRY(
      row, database.query(kind == KeptKind::kChip ? "SELECT chip_checksum FROM faces WHERE id = ?"
                                                  : "SELECT photo_checksum FROM faces WHERE id = ?",
                          face));
  VISAVIS_TRY(there, row.next());
  if (there && !row.is_null(0)) checksum = static_cast<std::uint32_t>(row.integer(0));
  return checksum;
}

}  // namespace

Result<std::vector<std::byte>> Store::read_kept(KeptKind kind, std::string_view name) const {
  const auto face = face_of_kept(name);
  if (!face) return damaged("a face names a file that cannot be its own");
  std::optional<std::uint32_t> checksum;
  {
    const std::scoped_lock lock(impl_->reading);
    VISAVIS_TRY(known, kept_checksum(impl_->reader, impl_->version, kind, *face));
    checksum = known;
  }
  auto bytes = store::read_kept(impl_->folder / folder_of(kind) / name, impl_->key.get(), checksum);
  if (bytes) return bytes;
  return fail(bytes.error().code == ErrorCode::kInvalidArgument ? ErrorCode::kDecodeFailed
                                                                : bytes.error().code,
              "a face's chip or photo: " + bytes.error().message);
}

Result<std::vector<AuditRow>> Store::audit() const {
  const std::scoped_lock lock(impl_->reading);
  VISAVIS_TRY(rows, impl_->reader.query("SELECT at, action, person, count FROM audit ORDER BY id"));
  std::vector<AuditRow> audit;
  for (;;) {
    VISAVIS_TRY(more, rows.next());
    if (!more) return audit;
    audit.push_back({.at = rows.integer(0),
                     .action = rows.text(1),
                     .person = maybe_integer(rows, 2),
                     .count = rows.integer(3)});
  }
}

Result<std::vector<RefusedPhoto>> Store::refused(const Import& import) const {
  const std::scoped_lock lock(impl_->reading);
  VISAVIS_TRY(rows, impl_->reader.query("SELECT path, reason, message FROM imports WHERE source = "
                                        "? AND settings = ? ORDER BY path",
                                        std::string_view(import.source),
                                        std::string_view(import.settings)));
  std::vector<RefusedPhoto> photos;
  for (;;) {
    VISAVIS_TRY(more, rows.next());
    if (!more) return photos;
    photos.push_back({.path = rows.text(0), .reason = rows.text(1), .message = rows.text(2)});
  }
}

Result<std::uint64_t> Store::scan(const Visit& visit) const {
  const std::scoped_lock lock(impl_->reading);
  Database& database = impl_->reader;
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kRead));
  VISAVIS_TRY(generation, database.number("SELECT generation FROM meta WHERE id = 1"));
  VISAVIS_TRY(shape, read_shape(database));
  VISAVIS_TRY(rows, database.query(impl_->queries.vectors));
  VISAVIS_CHECK(visit_rows(rows, shape, visit));
  return static_cast<std::uint64_t>(generation);
}

Result<void> Store::scan_person(std::int64_t person, const Visit& visit) const {
  const std::scoped_lock lock(impl_->reading);
  VISAVIS_TRY(shape, read_shape(impl_->reader));
  VISAVIS_TRY(rows, impl_->reader.query(impl_->queries.vectors_of_person, person));
  return visit_rows(rows, shape, visit);
}

namespace {

Result<void> check_database(Database& database, std::vector<std::string>& found) {
  {
    VISAVIS_TRY(rows, database.query("PRAGMA integrity_check(100)"));
    for (;;) {
      VISAVIS_TRY(more, rows.next());
      if (!more) break;
      if (rows.text(0) != "ok") found.push_back("SQLite finds: " + rows.text(0));
    }
  }
  VISAVIS_TRY(orphans, database.number("SELECT count(*) FROM pragma_foreign_key_check"));
  if (orphans > 0) found.push_back(std::to_string(orphans) + " faces belong to nobody");
  VISAVIS_TRY(trash, database.number("SELECT count(*) FROM trash"));
  if (trash > 0)
    found.push_back(
        "chips or photos that belong to no face are still to be overwritten: the next "
        "writer does that");
  return {};
}

/// Rows that no version of this program writes: each counts them.
struct Rule {
  const char* count;
  const char* finding;
};

constexpr std::array kRules{
    Rule{"SELECT 6 - count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', "
         "'persons', 'faces', 'audit', 'imports', 'trash')",
         "tables are missing"},
    Rule{"SELECT count(*) FROM meta WHERE typeof(generation) <> 'integer' OR typeof(dimension) <> "
         "'integer' OR (model IS NOT NULL AND (length(model) <> 16 OR model GLOB '*[^0-9a-f]*'))",
         "rows of facts about the gallery cannot be right"},
    Rule{"SELECT count(*) FROM persons WHERE typeof(expires_at) NOT IN ('integer', 'null') OR "
         "typeof(consent_at) NOT IN ('integer', 'null') OR typeof(created) <> 'integer'",
         "persons have a time that is none"},
    Rule{"SELECT count(*) FROM persons WHERE CASE WHEN json_valid(attributes) THEN "
         "json_type(attributes) <> 'object' ELSE 1 END",
         "persons have attributes that are no JSON object"},
    Rule{"SELECT count(*) FROM faces WHERE typeof(norm) <> 'real' OR typeof(quality) <> 'real' OR "
         "norm < 0 OR quality < 0 OR quality > 1",
         "faces have a norm or a quality that is none"},
};

Result<void> check_rules(Database& database, std::vector<std::string>& found) {
  for (const Rule& rule : kRules) {
    VISAVIS_TRY(count, database.number(rule.count));
    if (count > 0) found.push_back(std::to_string(count) + " " + rule.finding);
  }
  return {};
}

bool is_finite(std::span<const std::byte> floats) {
  for (std::size_t i = 0; i + sizeof(float) <= floats.size(); i += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, floats.data() + i, sizeof(float));
    if (!std::isfinite(value)) return false;
  }
  return true;
}

Result<void> check_faces(Database& database, const FaceQueries& queries,
                         std::vector<std::string>& found) {
  VISAVIS_TRY(shape, read_shape(database));
  VISAVIS_TRY(rows, database.query(queries.all));
  std::vector<float> values(shape.dimension);
  for (;;) {
    VISAVIS_TRY(more, rows.next());
    if (!more) return {};
    const std::string face = name_of(rows.integer(0));
    const std::size_t before = found.size();
    if (const auto wrong = decode_row(rows.blob(3), shape, values))
      found.push_back(face + " " + *wrong);
    if (!std::isfinite(rows.real(1)) || !std::isfinite(rows.real(2)))
      found.push_back(face + " has a number that is not finite");
    if (rows.blob(4).size() != sizeof(Box) || !is_finite(rows.blob(4)))
      found.push_back(face + " has no box");
    if (!rows.is_null(5) && (rows.blob(5).size() != sizeof(Landmarks) || !is_finite(rows.blob(5))))
      found.push_back(face + " has landmarks that are none");
    if (!is_utf8(rows.text(6))) found.push_back(face + " has a source that is not UTF-8");
    if (rows.integer(7) == 0 && found.size() == before)
      found.push_back(face + " is not as it was written");
  }
}

Result<void> check_persons(Database& database, int version, std::vector<std::string>& found) {
  VISAVIS_TRY(rows, database.query("SELECT id, public_id, name, " + is_sound_person(version) +
                                   " FROM persons"));
  for (;;) {
    VISAVIS_TRY(more, rows.next());
    if (!more) return {};
    const std::string person = "person number " + std::to_string(rows.integer(0));
    const std::size_t before = found.size();
    for (const std::string& text : {rows.text(1), rows.text(2)})
      if (text.empty() || text.size() > kMaxNameBytes || !is_utf8(text))
        found.push_back(person + " has an id or a name that is not allowed");
    if (rows.integer(3) == 0 && found.size() == before)
      found.push_back(person + " is not as it was written");
  }
}

}  // namespace

Result<std::vector<std::string>> Store::check() const {
  const std::scoped_lock lock(impl_->reading);
  Database& database = impl_->reader;
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kRead));
  std::vector<std::string> found;
  using Part = std::function<Result<void>(Database&, std::vector<std::string>&)>;
  const Part faces = [&](Database& from, std::vector<std::string>& into) {
    return check_faces(from, impl_->queries, into);
  };
  const Part persons = [&](Database& from, std::vector<std::string>& into) {
    return check_persons(from, impl_->version, into);
  };
  const Part files = [&](Database& from, std::vector<std::string>& into) {
    return check_files(from, impl_->version, impl_->folder, into);
  };
  for (const Part& part : {Part(check_database), Part(check_rules), faces, persons, files}) {
    const auto done = part(database, found);
    if (!done && done.error().code != ErrorCode::kDecodeFailed)
      return std::unexpected(done.error());
    if (!done) found.push_back(done.error().message);
  }
  return found;
}

}  // namespace visavis::store
