#include "visavis/gallery/archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/store/store.hpp>
#include <visavis/tests/folder_test.hpp>
#include <visavis/tests/unit_vector.hpp>

#include "archive_rows.hpp"

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr ModelId kModel{0x0123456789abcdef};
constexpr std::size_t kDimension = 16;

std::vector<float> unit_vector(unsigned seed) { return tests::unit_vector(seed, kDimension); }

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// A member of a tar, as somebody hostile may write it.
struct Member {
  std::string name{};
  std::string bytes{};
  char type = '0';
  std::string link{};
  std::optional<std::size_t> claims{};  ///< A size that is not the bytes'.
};

/// POSIX.1-1988's header block, written by hand.
std::string header_of(const Member& member) {
  std::string block(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    block.replace(at, text.size(), text);
  };
  const auto octal = [&](std::size_t at, std::size_t digits, std::size_t value) {
    std::string text(digits, '0');
    for (std::size_t i = digits; i-- > 0; value /= 8) text[i] = static_cast<char>('0' + value % 8);
    put(at, text);
  };
  put(0, member.name);
  octal(100, 7, 0600);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, member.claims.value_or(member.bytes.size()));
  octal(136, 11, 0);
  put(148, "        ");
  block[156] = member.type;
  put(157, member.link);
  put(257, std::string("ustar\00000", 8));
  std::size_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  octal(148, 6, sum);
  block[154] = '\0';
  block[155] = ' ';
  return block;
}

std::string tar_of(const std::vector<Member>& members) {
  std::string tar;
  for (const Member& member : members) {
    tar += header_of(member) + member.bytes;
    tar.append((512 - tar.size() % 512) % 512, '\0');
  }
  return tar + std::string(1024, '\0');
}

/// The members of an archive that this program has written.
std::vector<Member> members_of(const std::string& tar) {
  std::vector<Member> members;
  for (std::size_t at = 0; at + 512 <= tar.size() && tar[at] != '\0';) {
    const std::size_t size = std::stoul(tar.substr(at + 124, 11), nullptr, 8);
    members.push_back({.name = tar.c_str() + at, .bytes = tar.substr(at + 512, size)});
    EXPECT_EQ(tar[at + 156], '0');
    at += 512 + (size + 511) / 512 * 512;
  }
  return members;
}

MemberFacts facts_of(const std::string& bytes) {
  return {.bytes = bytes.size(), .sha256 = to_hex(sha256(bytes))};
}

/// What a folder holds, but for what opening a gallery may touch.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && !entry.path().string().ends_with("-shm"))
      files[fs::relative(entry.path(), folder).string()] = read_all(entry.path());
  return files;
}

class ArchiveTest : public tests::FolderTest {
 protected:
  [[nodiscard]] fs::path at(const char* name) const { return folder_ / name; }
  [[nodiscard]] static std::unique_ptr<Gallery> open(const fs::path& folder,
                                                     OpenMode mode = OpenMode::kWrite) {
    auto gallery = open_gallery(folder, mode);
    EXPECT_TRUE(gallery) << gallery.error().message;
    return *std::move(gallery);
  }

  static NewFace face(const std::string& person, unsigned seed) {
    return {.person = person,
            .face = {.embedding = {.model = kModel, .values = unit_vector(seed), .norm = 10.1F},
                     .quality = .1F,
                     .box = {.x = .3F, .y = -2, .width = 30, .height = 40},
                     .source = "photos/a\tb.jpg"}};
  }

  /// Two persons with three faces, one without; a chip, a photo; ids that begin at 2.
  void fill(const fs::path& folder) const {
    const auto gallery = open(folder, OpenMode::kCreate);
    NewFace first = face("Ada Łovelace 👩", 1);
    first.face.landmarks = Landmarks{{{1, 2}, {3, 4}, {.1F, 6}, {7, 8}, {9, 10}}};
    first.face.chip = KeptFile{.form = "arcface.png", .bytes = bytes_of("a chip")};
    NewFace second = face("grace", 2);
    second.face.photo = KeptFile{.form = "jpg", .bytes = bytes_of("a photo")};
    second.face.chip = KeptFile{.form = "facenet.png", .bytes = bytes_of("another chip")};
    ASSERT_TRUE(gallery->enrol(std::vector{face("nobody", 9)}));
    ASSERT_TRUE(gallery->enrol(std::vector{first, second, face("Ada Łovelace 👩", 3)}));
    ASSERT_TRUE(gallery->remove_face("f1"));
    ASSERT_TRUE(gallery->put_person({.id = "grace",
                                     .name = "Grace \"G\" Hopper",
                                     .attributes = R"({"a":[1,{"b":null}],"é":"x"})",
                                     .consent_basis = "art. 9(2)(a)",
                                     .consent_at = 5,
                                     .expires_at = 4'000'000'000}));
  }
  void make(const fs::path& folder, const fs::path& archive) const {
    fill(folder);
    const auto written = export_archive(folder, archive);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(written->persons, 3U);
    EXPECT_EQ(written->faces, 3U);
    EXPECT_EQ(written->files, 3U);
  }
  /// The members of a good archive.
  std::vector<Member> good() const {
    make(at("good"), at("good.tar"));
    return members_of(read_all(at("good.tar")));
  }
  /// Makes the manifest tell of the tables as they are.
  static void promise(std::vector<Member>& members) {
    auto manifest = parse_archive_manifest(members[0].bytes).value();
    manifest.person_lines = facts_of(members[1].bytes);
    manifest.face_lines = facts_of(members[2].bytes);
    manifest.vectors = facts_of(members[3].bytes);
    members[0].bytes = to_text(manifest);
  }
  /// That an archive is refused, and that neither a new gallery nor an old one is changed by it.
  void expect_refused(const std::string& tar, const std::string& why,
                      ErrorCode code = ErrorCode::kDecodeFailed) const {
    std::ofstream(at("bad.tar"), std::ios::binary) << tar;
    const auto fresh = import_archive(at("bad.tar"), at("fresh"));
    ASSERT_FALSE(fresh) << why;
    EXPECT_EQ(fresh.error().code, code) << fresh.error().message;
    EXPECT_THAT(fresh.error().message, HasSubstr(why));
    EXPECT_FALSE(fs::exists(at("fresh"))) << why;
    if (!fs::exists(at("old"))) {
      const auto gallery = open(at("old"), OpenMode::kCreate);
      ASSERT_TRUE(gallery->enrol(std::vector{face("grace", 77)}));
    }
    const auto before = contents(at("old"));
    EXPECT_FALSE(import_archive(at("bad.tar"), at("old")));
    EXPECT_EQ(contents(at("old")).size(), before.size()) << why;
    const auto gallery = open(at("old"));
    EXPECT_EQ(gallery->faces(), 1U) << why;
    EXPECT_EQ(gallery->persons(), 1U) << why;
    EXPECT_TRUE(gallery->check()->empty()) << why;
  }
};

/// What two galleries must have in common, but for row numbers.
void expect_equal(const fs::path& a, const fs::path& b) {
  const auto one = store::Store::open(a, {}).value();
  const auto two = store::Store::open(b, {}).value();
  EXPECT_EQ(one.facts()->model, two.facts()->model);
  EXPECT_EQ(one.facts()->element, two.facts()->element);
  const auto persons = one.persons(0, 100).value();
  const auto others = two.persons(0, 100).value();
  ASSERT_EQ(persons.size(), others.size());
  for (std::size_t i = 0; i < persons.size(); ++i) {
    const store::PersonFields& x = persons[i].fields;
    const store::PersonFields& y = others[i].fields;
    EXPECT_EQ(x.public_id, y.public_id);
    EXPECT_EQ(x.name, y.name);
    EXPECT_EQ(x.attributes, y.attributes);
    EXPECT_EQ(x.consent_basis, y.consent_basis);
    EXPECT_EQ(x.consent_at, y.consent_at);
    EXPECT_EQ(x.expires_at, y.expires_at);
    EXPECT_EQ(persons[i].created, others[i].created);
    EXPECT_EQ(persons[i].faces, others[i].faces);
  }
  const auto faces = one.faces(0, 100).value();
  const auto copies = two.faces(0, 100).value();
  ASSERT_EQ(faces.size(), copies.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(faces[i].id, copies[i].id);
    EXPECT_EQ(faces[i].fields.norm, copies[i].fields.norm);
    EXPECT_EQ(faces[i].fields.quality, copies[i].fields.quality);
    EXPECT_EQ(faces[i].fields.box, copies[i].fields.box);
    EXPECT_EQ(faces[i].fields.landmarks, copies[i].fields.landmarks);
    EXPECT_EQ(faces[i].fields.source, copies[i].fields.source);
    EXPECT_EQ(faces[i].enrolled, copies[i].enrolled);
    EXPECT_EQ(faces[i].chip, copies[i].chip);
    EXPECT_EQ(faces[i].photo, copies[i].photo);
    for (const auto& [kind, name] : {std::pair{store::KeptKind::kChip, faces[i].chip},
                                     std::pair{store::KeptKind::kPhoto, faces[i].photo}}) {
      if (name.empty()) continue;
      EXPECT_EQ(one.read_kept(kind, name).value(), two.read_kept(kind, name).value());
    }
  }
  std::vector<float> vectors;
  std::vector<float> stored;
  ASSERT_TRUE(one.scan([&](auto, auto, auto, auto unit) {
    vectors.insert(vectors.end(), unit.begin(), unit.end());
  }));
  ASSERT_TRUE(two.scan(
      [&](auto, auto, auto, auto unit) { stored.insert(stored.end(), unit.begin(), unit.end()); }));
  ASSERT_EQ(vectors.size(), stored.size());
  EXPECT_EQ(std::memcmp(vectors.data(), stored.data(), vectors.size() * sizeof(float)), 0);
}

TEST_F(ArchiveTest, BringsEverythingToANewGalleryBitByBit) {
  make(at("a"), at("a.tar"));
  const auto imported = import_archive(at("a.tar"), at("b"));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->persons, 3U);
  EXPECT_EQ(imported->faces, 3U);
  EXPECT_EQ(imported->files, 3U);
  EXPECT_EQ(imported->already, 0U);
  expect_equal(at("a"), at("b"));
  const auto gallery = open(at("b"));
  EXPECT_TRUE(gallery->check()->empty());
  const Embedding probe{.model = kModel, .values = unit_vector(5), .norm = 1};
  const auto answers = gallery->identify(probe, 3).value();
  const auto expected = open(at("a"))->identify(probe, 3).value();
  ASSERT_EQ(answers.size(), expected.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].person, expected[i].person);
    EXPECT_EQ(answers[i].similarity, expected[i].similarity);
  }
}

TEST_F(ArchiveTest, ReadsWhatAnotherProgramWrote) {
  // Python's, from the format's text: fuzz/make_archive_corpus.py.
  const fs::path samples =
      fs::path(VISAVIS_SOURCE_DIR) / "libs/gallery/gallery/fuzz/archive_corpus";
  const auto imported = import_archive(samples / "whole", at("b"));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->persons, 2U);
  EXPECT_EQ(imported->files, 2U);
  {
    const auto gallery = open(at("b"));
    const auto person = gallery->show("łukasz");
    ASSERT_TRUE(person);
    EXPECT_EQ(person->person.attributes, R"({"note":[1,null]})");
    EXPECT_EQ(person->faces[0].face_id, "f5");
    EXPECT_EQ(person->faces[0].photo, "photos/f5.jpg");
    EXPECT_EQ(gallery->kept_file("chips/f3.arcface.png").value(), bytes_of("bytes of chips 3"));
    const Embedding probe{.model = kModel, .values = {.6F, .8F, 0, 0}, .norm = 1};
    EXPECT_NEAR(gallery->identify(probe, 2)->at(1).similarity, .6, 1e-3) << "ada's first face";
    EXPECT_TRUE(gallery->check()->empty());
  }
  EXPECT_TRUE(import_archive(samples / "f32", at("c")));
  EXPECT_TRUE(import_archive(samples / "empty", at("d")));
  for (const char* name : {"truncated", "traversal", "link", "sparse", "gnu_long_name", "zip"}) {
    EXPECT_EQ(import_archive(samples / name, at("e")).error().code, ErrorCode::kDecodeFailed)
        << name;
    EXPECT_FALSE(fs::exists(at("e"))) << name;
  }
}

TEST_F(ArchiveTest, BothAuditLogsNoteIt) {
  make(at("a"), at("a.tar"));
  ASSERT_TRUE(import_archive(at("a.tar"), at("b")));
  const auto last = [](const fs::path& folder) {
    return store::Store::open(folder, {}).value().audit()->back();
  };
  EXPECT_EQ(last(at("a")).action, "export");
  EXPECT_EQ(last(at("b")).action, "import");
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(last(at(name)).count, 3);
    EXPECT_FALSE(last(at(name)).person);
  }
  EXPECT_EQ(store::Store::open(at("b"), {}).value().audit()->size(), 1U)
      << "the log is not carried";
}

TEST_F(ArchiveTest, TellsHowFarItIs) {
  make(at("a"), at("a.tar"));
  std::vector<std::size_t> told;
  const ArchiveProgress progress = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(total, 3U);
    told.push_back(done);
  };
  ASSERT_TRUE(export_archive(at("a"), at("b.tar"), {}, progress));
  EXPECT_THAT(told, testing::ElementsAre(1, 2, 3));
  told.clear();
  ASSERT_TRUE(import_archive(at("b.tar"), at("b"), {}, progress));
  EXPECT_THAT(told, testing::ElementsAre(1, 2, 3));
}

TEST_F(ArchiveTest, KeepsF32AsItIs) {
  {
    auto store = store::Store::open(
        at("a"), {.mode = store::Mode::kCreate, .element = store::Element::kF32});
    ASSERT_TRUE(store);
  }
  make(at("a"), at("a.tar"));
  ASSERT_TRUE(import_archive(at("a.tar"), at("b")));
  expect_equal(at("a"), at("b"));
  EXPECT_EQ(open(at("b"))->stats()->element, "f32");
}

TEST_F(ArchiveTest, EncryptedGalleriesTravelInClear) {
  make(at("a"), at("a.tar"));
  const std::vector<std::byte> bytes(store::Key::kBytes, std::byte{7});
  const GalleryOptions options{
      .key = std::make_shared<const store::Key>(std::span<const std::byte, 32>(bytes))};
  ASSERT_TRUE(import_archive(at("a.tar"), at("b"), options));
  EXPECT_FALSE(import_archive(at("a.tar"), at("b"))) << "without the key";
  EXPECT_FALSE(export_archive(at("b"), at("b.tar")));
  for (const auto& [name, content] : contents(at("b"))) {
    EXPECT_FALSE(content.contains("a chip")) << name;
    EXPECT_FALSE(content.contains("grace")) << name;
  }
  ASSERT_TRUE(export_archive(at("b"), at("b.tar"), options));
  ASSERT_TRUE(import_archive(at("b.tar"), at("c")));
  expect_equal(at("a"), at("c"));
}

TEST_F(ArchiveTest, AnEmptyGalleryIsOneToo) {
  {
    const auto gallery = open(at("a"), OpenMode::kCreate);
  }
  ASSERT_TRUE(export_archive(at("a"), at("a.tar")));
  const auto imported = import_archive(at("a.tar"), at("b"));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(open(at("b"))->faces(), 0U);
}

TEST_F(ArchiveTest, MergesWhatIsNotThereYet) {
  make(at("a"), at("a.tar"));
  {
    const auto gallery = open(at("b"), OpenMode::kCreate);
    ASSERT_TRUE(gallery->enrol(std::vector{face("grace", 2), face("somebody", 50)}));
  }
  const auto imported = import_archive(at("a.tar"), at("b"));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->persons, 2U);
  EXPECT_EQ(imported->faces, 2U);
  EXPECT_EQ(imported->already, 1U);
  {
    const auto gallery = open(at("b"));
    EXPECT_EQ(gallery->show("grace")->person.name, "grace") << "who is there stays as they are";
    EXPECT_EQ(gallery->show("grace")->faces.size(), 1U);
    const auto ada = gallery->show("Ada Łovelace 👩");
    ASSERT_EQ(ada->faces.size(), 2U);
    EXPECT_EQ(ada->faces[0].face_id, "f3");
    EXPECT_EQ(ada->faces[0].chip, "chips/f3.arcface.png");
    EXPECT_TRUE(gallery->check()->empty());
  }
  const auto again = import_archive(at("a.tar"), at("b"));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->faces, 0U);
  EXPECT_EQ(again->already, 3U);
  EXPECT_TRUE(open(at("b"))->check()->empty());
}

TEST_F(ArchiveTest, RefusesAnotherModel) {
  make(at("a"), at("a.tar"));
  {
    const auto gallery = open(at("b"), OpenMode::kCreate);
    NewFace other = face("ada", 1);
    other.face.embedding.model = ModelId{1};
    ASSERT_TRUE(gallery->enrol(std::vector{other}));
  }
  const auto refused = import_archive(at("a.tar"), at("b"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(open(at("b"))->faces(), 1U);
  EXPECT_EQ(import_archive(at("nothing.tar"), at("b")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(import_archive(folder_, at("b")).error().code, ErrorCode::kDecodeFailed);
}

TEST_F(ArchiveTest, RefusesWhatIsNoArchive) {
  expect_refused("", "archive");
  expect_refused("just text", "archive");
  expect_refused(std::string(4096, '\0'), "manifest.json");
  expect_refused("PK\003\004" + std::string(200, 'x'), "archive");
  expect_refused(tar_of({{.name = "readme.txt", .bytes = "hello"}}), "another member");
  expect_refused(tar_of({{.name = "manifest.json", .bytes = "{}"}}), "schema");
  expect_refused(tar_of({{.name = "manifest.json", .bytes = "no JSON"}}), "JSON");
  expect_refused(tar_of({{.name = "manifest.json", .bytes = R"({"schema":"visavis.archive/2"})"}}),
                 "another version", ErrorCode::kUnsupported);
  expect_refused(tar_of({{.name = "manifest.json", .bytes = std::string(100'000, ' ')}}), "large");
  expect_refused(tar_of({{.name = "manifest.json", .bytes = std::string(60'000, '[')}}), "nested");
}

TEST_F(ArchiveTest, RefusesMembersThatAreNotWhatMustComeNext) {
  const std::vector<Member> whole = good();
  ASSERT_EQ(whole.size(), 7U);
  const auto with = [&](const std::function<void(std::vector<Member>&)>& change) {
    std::vector<Member> members = whole;
    change(members);
    return tar_of(members);
  };
  for (const char* name : {"../evil", "/etc/evil", "chips/../../evil", "chips/f2.png", "photos",
                           "manifest.json", "chips/f3.arcface.png/"})
    for (const std::size_t where : {1U, 4U, 6U})
      expect_refused(with([&](auto& m) { m[where].name = name; }), "another member");
  expect_refused(with([](auto& m) { m.push_back({.name = "../evil", .bytes = "x"}); }),
                 "more members");
  expect_refused(with([](auto& m) { m.push_back(m.back()); }), "more members");
  expect_refused(with([](auto& m) { m.insert(m.begin() + 1, m[1]); }), "another member");
  expect_refused(with([](auto& m) { std::swap(m[1], m[2]); }), "another member");
  expect_refused(with([](auto& m) { m.pop_back(); }), "ends before");
  expect_refused(with([](auto& m) { m.erase(m.begin() + 3); }), "ends before");
  for (const char type : {'1', '2', '3', '4', '5', '6'})
    expect_refused(with([&](auto& m) {
                     m[4].type = type;
                     m[4].link = "../../../../etc/passwd";
                     m[4].bytes.clear();
                   }),
                   "archive");
  for (const std::size_t where : {0U, 1U, 2U, 3U, 4U})
    for (const std::size_t claim : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 32U})
      expect_refused(with([&](auto& m) { m[where].claims = claim; }), "archive");
  for (std::size_t where = 1; where < whole.size(); ++where)
    expect_refused(with([&](auto& m) { m[where].bytes.back() ^= 1; }), "archive");
}

TEST_F(ArchiveTest, RefusesTablesThatLie) {
  const std::vector<Member> whole = good();
  const auto with = [&](std::size_t member, const std::string& from, const std::string& to) {
    std::vector<Member> members = whole;
    const std::size_t place = members[member].bytes.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    members[member].bytes.replace(place, from.size(), to);
    if (member > 0) promise(members);
    return tar_of(members);
  };
  const std::string id = R"("person":"grace")";
  expect_refused(with(1, id, R"("person":")" + std::string(1'000'000, 'x') + "\""), "256 bytes");
  expect_refused(with(1, id,
                      "\"person\":\"gr\xff"
                      "ce\""),
                 "line 3: is not UTF-8");
  expect_refused(with(1, id, R"("person":"")"), "empty");
  expect_refused(with(1, id, R"("person":"gr\u0000ce")"), "zero byte");
  expect_refused(with(1, id, R"("person":"nobody")"), "second time");
  expect_refused(with(1, id, R"("person":7)"), "person");
  expect_refused(with(1, id, R"("somebody":"grace")"), "person");
  expect_refused(with(1, R"("consent_at":5)", R"("consent_at":5.5)"), "consent_at");
  expect_refused(with(1, R"("consent_at":5)", R"("consent_at":1e300)"), "consent_at");
  expect_refused(with(1, R"("attributes":{)", R"("attributes":)" + std::string(50'000, '[')),
                 "nested");
  expect_refused(with(1, R"("attributes":{"a")",
                      R"("attributes":{"x":")" + std::string(70'000, 'x') + R"(","a")"),
                 "attributes");
  expect_refused(with(1, "\n", " "), "line 1");
  expect_refused(with(1, id, std::string(9'000'000, 'x')), "longer than any");

  expect_refused(with(2, R"("id":2)", R"("id":0)"), "id");
  expect_refused(with(2, R"("id":2)", R"("id":-2)"), "id");
  expect_refused(with(2, R"("id":2)", R"("id":9223372036854775807)"), "id");
  expect_refused(with(2, R"("id":4)", R"("id":3)"), "order");
  expect_refused(with(2, R"("person":"grace")", R"("person":"mallory")"), "does not know");
  expect_refused(with(2, R"("box":[)", R"("box":[1,)"), "box");
  expect_refused(with(2, R"("box":[)", R"("box":[1e300,1,1,1],"b":[)"), "box");
  expect_refused(with(2, R"("quality":)", R"("quality":1.5,"q":)"), "quality");
  expect_refused(with(2, R"("norm":)", R"("norm":null,"n":)"), "norm");
  expect_refused(with(2, R"("norm":)", R"("norm":-1,"n":)"), "norm");
  expect_refused(with(2, R"("source":)", R"("source":")" + std::string(5000, 'x') + R"(","s":)"),
                 "4096");
  for (const char* form : {"../x", "a/b", "", ".png", "PNG"})
    expect_refused(with(2, R"("form":"arcface.png")", std::string(R"("form":")") + form + "\""),
                   "archive");
  expect_refused(with(2, R"("bytes":6)", R"("bytes":0)"), "size that none has");
  expect_refused(with(2, R"("bytes":6)", R"("bytes":1000000000000)"), "size that none has");
  expect_refused(with(2, R"("bytes":6)", R"("bytes":7)"), "size or SHA-256");

  expect_refused(with(0, R"("faces": 3)", R"("faces": 18446744073709551615)"), "faces");
  expect_refused(with(0, R"("faces": 3)", R"("faces": 9000000000000000000)"), "vector");
  expect_refused(with(0, R"("faces": 3)", R"("faces": 2)"), "vector");
  expect_refused(with(0, R"("persons": 3)", R"("persons": 2)"), "persons");
  expect_refused(with(0, R"("dimension": 16)", R"("dimension": 8)"), "vector");
  expect_refused(with(0, R"("dimension": 16)", R"("dimension": 1000000000000)"), "cannot be");
  expect_refused(with(0, R"("dimension": 16)", R"("dimension": 0)"), "cannot be");
  expect_refused(with(0, R"("model": "01)", R"("model": "xy)"), "ModelId");
  expect_refused(with(0, R"("element": "f16")", R"("element": "f32")"), "vector");
  expect_refused(with(0, R"("element": "f16")", R"("element": "int8")"), "element");
}

TEST_F(ArchiveTest, RefusesVectorsThatAreNone) {
  const std::vector<Member> whole = good();
  const std::size_t last = whole[3].bytes.size() - 2;
  for (const char* half : {"\x00\x7e", "\x00\x7c", "\xff\x7b", "\x00\xfc"}) {  // NaN, ∞, 65504, −∞
    std::vector<Member> members = whole;
    members[3].bytes.replace(last, 2, half, 2);
    promise(members);
    expect_refused(tar_of(members), "line 3: the embedding is not a finite unit vector");
  }
  std::vector<Member> zero = whole;
  zero[3].bytes.replace(last + 2 - 2 * kDimension, 2 * kDimension, 2 * kDimension, '\0');
  promise(zero);
  expect_refused(tar_of(zero), "unit vector");
  std::vector<Member> fortran = whole;
  fortran[3].bytes.replace(fortran[3].bytes.find("False"), 5, "True ");
  promise(fortran);
  expect_refused(tar_of(fortran), "matrix");
}

TEST_F(ArchiveTest, EveryTruncationIsRefusedOrHarmless) {
  good();
  const std::string tar = read_all(at("good.tar"));
  // Behind the last member there is nothing but zeros.
  const std::size_t end = tar.find_last_not_of('\0') + 1;
  for (std::size_t size = 0; size < end; size += 211) {
    std::ofstream(at("bad.tar"), std::ios::binary) << tar.substr(0, size);
    const auto imported = import_archive(at("bad.tar"), at("fresh"));
    ASSERT_FALSE(imported) << size;
    EXPECT_EQ(imported.error().code, ErrorCode::kDecodeFailed) << size;
    ASSERT_FALSE(fs::exists(at("fresh"))) << size;
  }
}

TEST_F(ArchiveTest, EveryFlippedBitIsRefusedOrHarmless) {
  good();
  const std::string tar = read_all(at("good.tar"));
  std::mt19937 random(1);
  std::size_t refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string bad = tar;
    bad[random() % bad.size()] ^= static_cast<char>(1U << random() % 8);
    std::ofstream(at("bad.tar"), std::ios::binary) << bad;
    if (import_archive(at("bad.tar"), at("fresh"))) {
      expect_equal(at("good"), at("fresh"));
      fs::remove_all(at("fresh"));
    } else {
      ++refused;
      ASSERT_FALSE(fs::exists(at("fresh")));
    }
  }
  EXPECT_GT(refused, 50U);
}

TEST_F(ArchiveTest, AFullDiskLeavesNothing) {
  good();
  const auto in_child = [](const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  const auto limit = [](rlim_t size) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit most{.rlim_cur = size, .rlim_max = RLIM_INFINITY};
    return ::setrlimit(RLIMIT_FSIZE, &most) == 0;
  };
  for (const rlim_t size : {rlim_t{5}, rlim_t{9'000}, rlim_t{60'000}}) {
    EXPECT_EQ(in_child([&] {
                if (!limit(size)) return 1;
                const auto imported = import_archive(at("good.tar"), at("fresh"));
                if (imported) return 2;
                return imported.error().code == ErrorCode::kUnavailable ? 0 : 3;
              }),
              0)
        << size;
    EXPECT_FALSE(fs::exists(at("fresh"))) << size;
  }
  EXPECT_EQ(in_child([&] {
              if (!limit(3000)) return 1;
              return export_archive(at("good"), at("full.tar")) ? 2 : 0;
            }),
            0);
  EXPECT_FALSE(fs::exists(at("full.tar")));
}

TEST_F(ArchiveTest, AKillLeavesAllOrNothing) {
  {
    const auto gallery = open(at("big"), OpenMode::kCreate);
    std::vector<NewFace> faces;
    for (unsigned i = 0; i < 200; ++i) {
      faces.push_back(face("person " + std::to_string(i / 3), i));
      faces.back().face.chip =
          KeptFile{.form = "arcface.png", .bytes = bytes_of("chip " + std::to_string(i))};
    }
    ASSERT_TRUE(gallery->enrol(faces));
  }
  ASSERT_TRUE(export_archive(at("big"), at("big.tar")));
  std::size_t done = 0;
  for (unsigned round = 0; round < 60; ++round) {
    // Every other time into a gallery that has somebody; else what a kill has left stays.
    const std::size_t before = round % 2;
    if (before > 0 || store::Store::exists(at("b"))) fs::remove_all(at("b"));
    if (before > 0) {
      ASSERT_TRUE(open(at("b"), OpenMode::kCreate)->enrol(std::vector{face("before", 1000)}));
    }
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const bool imported = import_archive(at("big.tar"), at("b")).has_value();
      if (!imported || ::write(ends[1], "+", 1) != 1) ::_exit(2);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    std::mt19937 random(round);
    char byte = 0;
    if (round % 10 > 7) {
      EXPECT_EQ(::read(ends[0], &byte, 1), 1) << "the import fails by itself";
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 150'000));
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the import fails by itself";
    const bool acknowledged = byte == '+' || ::read(ends[0], &byte, 1) == 1;
    ::close(ends[0]);
    if (!store::Store::exists(at("b"))) {
      EXPECT_FALSE(acknowledged);
      EXPECT_EQ(before, 0U);
      continue;
    }
    const auto gallery = open(at("b"));
    ASSERT_TRUE(gallery->check()->empty()) << gallery->check()->front();
    const std::size_t faces = gallery->faces();
    ASSERT_TRUE(faces == before + 200 || (faces == before && before > 0 && !acknowledged)) << faces;
    const auto files =
        fs::exists(at("b") / "chips")
            ? std::distance(fs::directory_iterator(at("b") / "chips"), fs::directory_iterator())
            : 0;
    EXPECT_EQ(static_cast<std::size_t>(files), faces - before);
    if (faces > before) ++done;
  }
  EXPECT_GE(done, 12U) << "those that were waited for";
}

}  // namespace
}  // namespace visavis::gallery
