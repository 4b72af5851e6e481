#include "changes.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <visavis/store/store.hpp>

#include "decrypted.hpp"

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr ModelId kModel{42};
constexpr std::size_t kSigns = 64;
constexpr float kNumber = .125F;  // 64 squares of 1/8 add up to 1

std::vector<float> vector_of(Signs signs) {
  std::vector<float> values(kSigns);
  for (std::size_t i = 0; i < kSigns; ++i)
    values[i] = ((signs >> i) & 1U) != 0 ? -kNumber : kNumber;
  return values;
}

Signs signs_of(std::span<const float> values) {
  Signs signs = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] < 0) signs |= Signs{1} << i;
  return signs;
}

bool has_chip(Signs signs) { return (signs & 1U) != 0; }

/// What stands for a picture: no other face's bytes are like it.
std::string chip_of(Signs signs) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "a chip of " + std::to_string(signs) + ";";
  return text;
}

Template template_of(Signs signs) {
  Template face{.embedding = {.model = kModel, .values = vector_of(signs), .norm = 20},
                .quality = .5F,
                .box = {.x = 1, .y = 2, .width = 30, .height = 40},
                .source = "photo.jpg"};
  if (!has_chip(signs)) return face;
  const std::string text = chip_of(signs);
  const auto bytes = std::as_bytes(std::span(text));
  face.chip = KeptFile{.form = "arcface.png", .bytes = {bytes.begin(), bytes.end()}};
  return face;
}

const std::string& anybody(std::mt19937_64& random, const People& people) {
  return std::next(people.begin(), static_cast<std::ptrdiff_t>(random() % people.size()))->first;
}

Change make_enrolment(std::mt19937_64& random, const People& people, Chips chips) {
  const bool again = !people.empty() && random() % 4 == 0;
  Change change{.kind = Kind::kEnrol,
                .person = again ? anybody(random, people) : "person " + std::to_string(random())};
  // Now and then enough for several pages of the database.
  const std::size_t faces = random() % 8 == 0 ? 80 : 1 + random() % 4;
  for (std::size_t i = 0; i < faces; ++i)
    change.faces.push_back(chips == Chips::kSome ? random() : random() & ~Signs{1});
  return change;
}

Change make_change(std::mt19937_64& random, const People& people, Chips chips) {
  const auto dice = random() % 20;
  if (people.size() < 3 || dice < 9) return make_enrolment(random, people, chips);
  const std::string& person = anybody(random, people);
  if (dice < 13) return {.kind = Kind::kRemovePerson, .person = person, .faces = people.at(person)};
  if (dice < 16 && !people.at(person).empty())
    return {.kind = Kind::kRemoveFace, .person = person, .faces = {people.at(person).back()}};
  if (dice < 18) return {.kind = Kind::kCompact};
  return {.kind = Kind::kExport, .person = person};
}

/// IEEE 754 binary16, little-endian: 1/8 is 0x3000.
std::string stored(Signs signs) {
  std::string bytes;
  for (std::size_t i = 0; i < kSigns; ++i) {
    bytes += '\0';
    bytes += ((signs >> i) & 1U) != 0 ? '\xB0' : '\x30';
  }
  return bytes;
}

}  // namespace

void apply_change(const Change& change, People& people) {
  if (change.kind == Kind::kEnrol)
    std::ranges::copy(change.faces, std::back_inserter(people[change.person]));
  if (change.kind == Kind::kRemovePerson) people.erase(change.person);
  if (change.kind == Kind::kRemoveFace) people[change.person].pop_back();
}

std::vector<Change> make_changes(std::mt19937_64& random, People& people, std::size_t count,
                                 Chips chips) {
  std::vector<Change> changes;
  for (std::size_t i = 0; i < count; ++i) {
    changes.push_back(make_change(random, people, chips));
    apply_change(changes.back(), people);
  }
  return changes;
}

Result<void> perform(const Change& change, Gallery& gallery) {
  switch (change.kind) {
    case Kind::kEnrol: {
      std::vector<Template> faces;
      for (const Signs signs : change.faces) faces.push_back(template_of(signs));
      VISAVIS_CHECK(gallery.enrol(change.person, faces));
      return {};
    }
    case Kind::kRemovePerson:
      VISAVIS_CHECK(gallery.remove_person(change.person));
      return {};
    case Kind::kRemoveFace: {
      VISAVIS_TRY(details, gallery.show(change.person));
      return gallery.remove_face(details.faces.back().face_id);
    }
    case Kind::kCompact:
      return gallery.compact();
    case Kind::kExport:
      VISAVIS_CHECK(gallery.export_person(change.person));
      return {};
  }
  return {};
}

SomeKey make_key() {
  std::array<std::byte, store::Key::kBytes> bytes{};
  bytes.fill(std::byte{42});
  return std::make_shared<const store::Key>(bytes);
}

Result<People> read_people(const fs::path& folder, const SomeKey& key) {
  VISAVIS_TRY(store, store::Store::open(folder, {.key = key}));
  VISAVIS_TRY(rows, store.persons(0, 1'000'000));
  People people;
  std::map<std::int64_t, std::string> ids;
  for (const store::PersonRow& row : rows) {
    ids[row.id] = row.fields.public_id;
    people[row.fields.public_id];
  }
  VISAVIS_CHECK(
      store.scan([&](std::int64_t, std::int64_t person, float, std::span<const float> unit) {
        people[ids[person]].push_back(signs_of(unit));
      }));
  return people;
}

std::vector<std::string> marks(const Change& change) {
  std::vector<std::string> needles;
  for (const Signs signs : change.faces) {
    needles.push_back(stored(signs));
    if (has_chip(signs)) needles.push_back("a chip of " + std::to_string(signs) + ";");
  }
  if (!change.person.empty() && change.kind != Kind::kRemoveFace) needles.push_back(change.person);
  return needles;
}

std::vector<std::string> traces(const Change& change) {
  const bool removes = change.kind == Kind::kRemovePerson || change.kind == Kind::kRemoveFace;
  return removes ? marks(change) : std::vector<std::string>();
}

namespace {

/// As docs/formats/gallery.md says.
index::FileKey index_key(const SomeKey& key) {
  return [key](std::span<const std::byte, index::kFileSaltBytes> salt) {
    const store::Key own = key->derive("visavis gallery index", salt);
    index::FileKeyBytes bytes;
    std::ranges::copy(own.bytes(), bytes.begin());
    return bytes;
  };
}

}  // namespace

std::size_t count_traces(const fs::path& folder, const std::vector<std::string>& needles,
                         const SomeKey& key) {
  std::string all;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    all += bytes;
    if (!key || !entry.path().filename().string().starts_with("index-")) continue;
    const auto plain = index::decrypted(std::as_bytes(std::span(bytes)), index_key(key));
    all.append(reinterpret_cast<const char*>(plain.data()), plain.size());
  }
  // memmem, because a search by first bytes stops at nearly every one of so regular vectors.
  return static_cast<std::size_t>(std::ranges::count_if(needles, [&](const std::string& needle) {
    return ::memmem(all.data(), all.size(), needle.data(), needle.size()) != nullptr;
  }));
}

namespace {

/// Whether every face that should have a chip has it whole, and no other file is there.
std::string judge_chips(const Gallery& gallery, const People& people, const fs::path& folder) {
  std::size_t chips = 0;
  for (const auto& [person, faces] : people) {
    const auto details = gallery.show(person);
    if (!details || details->faces.size() != faces.size()) return "a person cannot be shown";
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const std::string& name = details->faces[i].chip;
      if (name.empty() != !has_chip(faces[i])) return "a chip is named wrongly";
      if (name.empty()) continue;
      ++chips;
      const auto bytes = gallery.kept_file(name);
      if (!bytes) return "a chip cannot be read: " + bytes.error().message;
      const std::string whole = chip_of(faces[i]);
      if (!std::ranges::equal(*bytes, std::as_bytes(std::span(whole))))
        return "a chip is not whole";
    }
  }
  std::size_t files = 0;
  if (fs::exists(folder / "chips"))
    files = static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder / "chips"), fs::directory_iterator()));
  return files == chips ? "" : "there are files of no face";
}

}  // namespace

std::string judge(const fs::path& folder, const People& acknowledged, const People& in_flight,
                  const SomeKey& key, People& found) {
  {
    const auto gallery = open_gallery(folder, OpenMode::kWrite, {.index_file_from = 0, .key = key});
    if (!gallery) return "it does not open: " + gallery.error().message;
    const auto wrong = (*gallery)->check();
    if (!wrong) return "it cannot be checked: " + wrong.error().message;
    if (!wrong->empty()) return "check finds: " + wrong->front();
    for (const auto& [person, faces] : acknowledged) {
      if (faces.empty() || !in_flight.contains(person) || in_flight.at(person).empty()) continue;
      const auto best = (*gallery)->identify(template_of(faces.front()).embedding, 1);
      if (!best || best->empty() || best->front().person != person)
        return "a person is not found by the first face";
      break;
    }
  }
  auto people = read_people(folder, key);
  if (!people) return "it cannot be read: " + people.error().message;
  found = *std::move(people);
  {
    const auto gallery = open_gallery(folder, OpenMode::kRead, {.key = key});
    if (!gallery) return "it does not open again: " + gallery.error().message;
    if (auto wrong = judge_chips(**gallery, found, folder); !wrong.empty()) return wrong;
  }
  if (found == acknowledged || found == in_flight) return {};
  return "it holds neither what was acknowledged nor that and the next change";
}

}  // namespace visavis::gallery
