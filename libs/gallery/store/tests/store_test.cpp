#include "visavis/store/store.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <visavis/core/checksum.hpp>
#include <visavis/tests/folder_test.hpp>
#include <visavis/tests/unit_vector.hpp>

#include "element.hpp"

namespace visavis::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kModel = "0123456789abcdef";
constexpr std::size_t kDimension = 64;

std::vector<float> unit_vector(unsigned seed, std::size_t dimension = kDimension) {
  return tests::unit_vector(seed, dimension);
}

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// True if a file of the folder holds the bytes. The gallery is open meanwhile, so only copies are
/// read: closing a second descriptor of the database would drop SQLite's locks.
bool folder_holds(const fs::path& folder, std::string_view bytes) {
  return std::ranges::any_of(fs::recursive_directory_iterator(folder), [&](const auto& entry) {
    if (!entry.is_regular_file()) return false;
    const fs::path copy = fs::temp_directory_path() / ("copy." + std::to_string(::getpid()));
    const std::string command =
        "cp '" + entry.path().string() + "' '" + copy.string() + "'";  // in another process
    EXPECT_EQ(std::system(command.c_str()), 0);
    const bool found = read_all(copy).contains(bytes);
    fs::remove(copy);
    return found;
  });
}

class StoreTest : public tests::FolderTest {
 protected:
  Store open(Mode mode = Mode::kCreate, Element element = Element::kF16) {
    auto store = Store::open(folder_, {.mode = mode, .element = element});
    EXPECT_TRUE(store) << store.error().message;
    return *std::move(store);
  }
  Error refused(Mode mode) {
    const auto store = Store::open(folder_, {.mode = mode});
    EXPECT_FALSE(store);
    return store ? Error{ErrorCode::kInternal, "opened"} : store.error();
  }
  static Result<std::vector<AddedFace>> add(Store& store, std::string_view person,
                                            std::span<const float> unit,
                                            const FaceFields& fields = {},
                                            std::string_view model = kModel) {
    const NewFace face{.person = person, .model = model, .unit = unit, .fields = &fields};
    return store.add({&face, 1});
  }
  [[nodiscard]] fs::path file() const { return folder_ / "gallery.sqlite"; }
};

TEST_F(StoreTest, KeepsWhatWasAdded) {
  const std::vector<float> vector = unit_vector(1);
  const FaceFields fields{.norm = 23.5F,
                          .quality = .75F,
                          .box = {.x = 1, .y = -2, .width = 30, .height = 40},
                          .landmarks = Landmarks{{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}},
                          .source = "photos/ada\t1.jpg"};
  {
    Store store = open();
    ASSERT_TRUE(add(store, "Ada Łovelace 👩", vector, fields));
  }
  const Store store = open(Mode::kRead);
  const auto person = store.find_person("Ada Łovelace 👩");
  ASSERT_TRUE(person && *person);
  EXPECT_EQ((*person)->fields.name, "Ada Łovelace 👩");
  EXPECT_EQ((*person)->faces, 1U);
  const auto faces = store.faces_of((*person)->id);
  ASSERT_TRUE(faces);
  ASSERT_EQ(faces->size(), 1U);
  EXPECT_EQ(faces->front().fields.norm, 23.5F);
  EXPECT_EQ(faces->front().fields.quality, .75F);
  EXPECT_EQ(faces->front().fields.box, fields.box);
  EXPECT_EQ(faces->front().fields.landmarks, fields.landmarks);
  EXPECT_EQ(faces->front().fields.source, fields.source);
  const auto owner = store.owner_of(faces->front().id);
  ASSERT_TRUE(owner && *owner);
  EXPECT_EQ((*owner)->public_id, "Ada Łovelace 👩");
  std::size_t visited = 0;
  ASSERT_TRUE(store.scan([&](std::int64_t face, std::int64_t who, float, std::span<const float> v) {
    ++visited;
    EXPECT_EQ(face, faces->front().id);
    EXPECT_EQ(who, (*person)->id);
    // binary16 keeps eleven bits: an error of at most 2^-11 of the value, or half of 2^-24.
    for (std::size_t i = 0; i < v.size(); ++i)
      EXPECT_LE(std::abs(v[i] - vector[i]), std::abs(vector[i]) * 0x1p-11F + 0x1p-25F);
  }));
  EXPECT_EQ(visited, 1U);
  EXPECT_THAT(*store.check(), IsEmpty());
}

TEST_F(StoreTest, F32IsExact) {
  const std::vector<float> vector = unit_vector(1);
  Store store = open(Mode::kCreate, Element::kF32);
  ASSERT_TRUE(add(store, "a", vector));
  ASSERT_TRUE(store.scan([&](std::int64_t, std::int64_t, float, std::span<const float> v) {
    EXPECT_TRUE(std::ranges::equal(v, vector));
  }));
  EXPECT_EQ(store.facts()->element, Element::kF32);
}

TEST_F(StoreTest, AddsAllOrNone) {
  Store store = open();
  const std::vector<float> good = unit_vector(1);
  const std::vector<float> shorter = unit_vector(2, kDimension / 2);
  const FaceFields fields;
  const NewFace batch[] = {{.person = "a", .model = kModel, .unit = good, .fields = &fields},
                           {.person = "b", .model = kModel, .unit = shorter, .fields = &fields}};
  const auto added = store.add(batch);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::kModelMismatch);
  const auto facts = store.facts();
  EXPECT_EQ(facts->faces, 0U);
  EXPECT_EQ(facts->persons, 0U);
  EXPECT_EQ(facts->generation, 0U);
  EXPECT_EQ(facts->model, "") << "the model goes with the rows that set it";
}

TEST_F(StoreTest, RefusesWhatIsNoFace) {
  Store store = open();
  const std::vector<float> good = unit_vector(1);
  const auto code = [&](std::string_view person, std::vector<float> vector, FaceFields fields = {},
                        std::string_view model = kModel) {
    const auto added = add(store, person, vector, fields, model);
    return added ? ErrorCode::kInternal : added.error().code;
  };
  std::vector<float> nan = good;
  nan[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(code("a", nan), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("a", std::vector<float>(kDimension)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("a", {}), ErrorCode::kInvalidArgument);
  std::vector<float> infinite = good;
  infinite[0] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(code("a", infinite), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("", good), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(std::string(1'000'000, 'x'), good), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("\xC3\x28", good), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(std::string_view("a\0b", 3), good), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("a", good, {.source = std::string(5000, 'x')}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("a", good, {.norm = std::numeric_limits<float>::infinity()}),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("a", good, {.landmarks = Landmarks{{{}, {}, {}, {}, {0, nan[3]}}}}),
            ErrorCode::kInvalidArgument);
  ASSERT_TRUE(add(store, "a", good));
  EXPECT_EQ(code("a", good, {}, "fedcba9876543210"), ErrorCode::kModelMismatch);
  EXPECT_EQ(code("a", unit_vector(1, 32)), ErrorCode::kModelMismatch);
  EXPECT_EQ(store.facts()->faces, 1U);
}

TEST_F(StoreTest, IdsAreNeverUsedTwice) {
  Store store = open();
  const auto first = add(store, "a", unit_vector(1));
  ASSERT_TRUE(store.remove_person(first->front().person));
  const auto second = add(store, "a", unit_vector(1));
  EXPECT_GT(second->front().face, first->front().face);
  EXPECT_GT(second->front().person, first->front().person);
}

TEST_F(StoreTest, RemovedBytesAreGone) {
  Store store = open();
  // Enough for several pages, and neighbours that stay.
  for (unsigned i = 0; i < 40; ++i)
    ASSERT_TRUE(add(store, "person number " + std::to_string(i), unit_vector(i)));
  const std::vector<float> vector = unit_vector(17);
  const auto bytes = encode(vector, Element::kF16);
  const std::string_view needle(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ASSERT_TRUE(folder_holds(folder_, needle)) << "or the test looks for the wrong thing";
  const auto person = store.find_person("person number 17");
  const auto removed = store.remove_person((*person)->id);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(removed->size(), 1U);
  ASSERT_TRUE(store.purge());
  EXPECT_FALSE(folder_holds(folder_, needle));
  EXPECT_FALSE(folder_holds(folder_, "person number 17"));
  const auto other = encode(unit_vector(18), Element::kF16);
  EXPECT_TRUE(folder_holds(folder_, {reinterpret_cast<const char*>(other.data()), other.size()}));
  EXPECT_EQ(store.facts()->faces, 39U);
  EXPECT_THAT(*store.check(), IsEmpty());
}

TEST_F(StoreTest, RemovesOneFaceOfSeveral) {
  Store store = open();
  ASSERT_TRUE(add(store, "a", unit_vector(1)));
  const auto second = add(store, "a", unit_vector(2));
  ASSERT_TRUE(store.remove_face(second->front().face));
  EXPECT_EQ(store.facts()->faces, 1U);
  EXPECT_EQ(store.facts()->persons, 1U);
  const auto again = store.remove_face(second->front().face);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store.remove_person(99).error().code, ErrorCode::kNotFound);
}

TEST_F(StoreTest, AuditTellsWhatHappenedButNotToWhom) {
  Store store = open();
  const auto added = add(store, "Grace Hopper", unit_vector(1));
  ASSERT_TRUE(store.note("export", added->front().person, 1));
  ASSERT_TRUE(store.remove_person(added->front().person));
  const auto audit = store.audit();
  ASSERT_TRUE(audit);
  ASSERT_EQ(audit->size(), 3U);
  EXPECT_EQ((*audit)[0].action, "enrol");
  EXPECT_EQ((*audit)[1].action, "export");
  EXPECT_EQ((*audit)[2].action, "remove");
  for (const AuditRow& row : *audit) {
    EXPECT_EQ(row.person, added->front().person);
    EXPECT_EQ(row.count, 1);
    EXPECT_GT(row.at, 1'600'000'000);
  }
}

TEST_F(StoreTest, AuditTellsWhatKindOfThingWasChanged) {
  Store store = open();
  const auto added = add(store, "ada", unit_vector(1));
  PersonFields ada{.public_id = "ada", .name = "ada"};
  const auto put = [&] {
    const std::size_t before = store.audit()->size();
    EXPECT_TRUE(store.put_person(ada));
    std::vector<std::string> actions;
    const auto audit = store.audit().value();
    for (std::size_t i = before; i < audit.size(); ++i) {
      EXPECT_EQ(audit[i].person, added->front().person);
      EXPECT_EQ(audit[i].count, 0);
      actions.push_back(audit[i].action);
    }
    return actions;
  };
  EXPECT_THAT(put(), IsEmpty()) << "nothing was changed";
  ada.name = "Ada";
  EXPECT_THAT(put(), ElementsAre("set-name"));
  ada.consent_at = 5;
  EXPECT_THAT(put(), ElementsAre("set-consent"));
  ada.consent_basis = "asked";
  ada.expires_at = 77;
  ada.attributes = R"({"a":1})";
  EXPECT_THAT(put(), ElementsAre("set-attributes", "set-consent", "set-expiry"));
  ada.expires_at.reset();
  EXPECT_THAT(put(), ElementsAre("set-expiry"));
  ada.consent_basis.reset();
  ada.consent_at.reset();
  ada.attributes = "{}";
  EXPECT_THAT(put(), ElementsAre("set-attributes", "set-consent"));
}

TEST_F(StoreTest, PersonsExpire) {
  Store store = open();
  ASSERT_TRUE(store.put_person({.public_id = "soon", .name = "n", .expires_at = 1000}));
  ASSERT_TRUE(store.put_person({.public_id = "late", .name = "n", .expires_at = 2000}));
  ASSERT_TRUE(store.put_person({.public_id = "never", .name = "n"}));
  ASSERT_EQ(store.expired(999)->size(), 0U);
  ASSERT_EQ(store.expired(1000)->size(), 1U);
  EXPECT_EQ(store.expired(1000)->front().fields.public_id, "soon");
  ASSERT_TRUE(store.put_person({.public_id = "soon",
                                .name = "changed",
                                .consent_basis = "contract",
                                .consent_at = 5,
                                .expires_at = 3000}));
  EXPECT_EQ(store.expired(1000)->size(), 0U);
  const auto person = store.find_person("soon");
  EXPECT_EQ((*person)->fields.name, "changed");
  EXPECT_EQ((*person)->fields.consent_basis, "contract");
  EXPECT_EQ((*person)->fields.consent_at, 5);
}

TEST_F(StoreTest, PersonsComeInPages) {
  Store store = open();
  for (const char* id : {"c", "a", "b"})
    ASSERT_TRUE(store.put_person({.public_id = id, .name = id}));
  const auto first = store.persons(0, 2);
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ(first->front().fields.public_id, "c") << "in the order of enrolment";
  const auto rest = store.persons(first->back().id, 2);
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ(rest->front().fields.public_id, "b");
}

TEST_F(StoreTest, ASecondWriterIsToldSoAndReadersWork) {
  Store store = open();
  ASSERT_TRUE(add(store, "a", unit_vector(1)));
  const Error error = refused(Mode::kWrite);
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("another process is writing"));
  const Store reader = open(Mode::kRead);
  EXPECT_EQ(reader.facts()->faces, 1U);
  ASSERT_TRUE(add(store, "b", unit_vector(2)));
  EXPECT_EQ(reader.facts()->faces, 2U);
}

TEST_F(StoreTest, AReaderDoesNotWrite) {
  {
    static_cast<void>(open());
  }
  Store store = open(Mode::kRead);
  EXPECT_EQ(add(store, "a", unit_vector(1)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store.remove_person(1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store.compact().error().code, ErrorCode::kInvalidArgument);
}

TEST_F(StoreTest, RefusesFoldersAndFilesThatAreNoGallery) {
  EXPECT_EQ(refused(Mode::kRead).code, ErrorCode::kNotFound);
  EXPECT_EQ(refused(Mode::kWrite).code, ErrorCode::kNotFound);
  std::ofstream(file()) << "This is no database at all, though it is longer than a header of one. "
                           "It goes on and on, over a hundred bytes.";
  for (const Mode mode : {Mode::kRead, Mode::kWrite, Mode::kCreate})
    EXPECT_EQ(refused(mode).code, ErrorCode::kDecodeFailed);
  fs::resize_file(file(), 0);
  for (const Mode mode : {Mode::kRead, Mode::kCreate})
    EXPECT_EQ(refused(mode).code, ErrorCode::kDecodeFailed);
}

/// Runs `work` in a child process. @return its exit code
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST_F(StoreTest, SaysWhatItCannotLookInto) {
  fs::create_directory(file());
  EXPECT_THAT(refused(Mode::kRead).message, HasSubstr("not a file"));
  fs::remove(file());
  {
    static_cast<void>(open());
  }
  fs::permissions(folder_, fs::perms::none);
  const int code = in_child([&] {
    // Whoever may do everything is stopped by no permission.
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 77;
    const Error error = refused(Mode::kRead);
    if (error.code != ErrorCode::kUnavailable) return 1;
    const auto inside = Store::open(folder_ / "inside", {.mode = Mode::kRead});
    return !inside && inside.error().code == ErrorCode::kUnavailable ? 0 : 2;
  });
  fs::permissions(folder_, fs::perms::owner_all);
  if (code == 77) GTEST_SKIP() << "cannot give up root's rights here";
  EXPECT_EQ(code, 0);
}

TEST_F(StoreTest, AFullDiskWhileItIsMadeIsSaid) {
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    for (rlim_t size = 0; size < 120'000; size += 1500) {
      const rlimit limit{.rlim_cur = size, .rlim_max = 200'000};
      if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
      const auto store = Store::open(folder_, {.mode = Mode::kCreate});
      if (store) return size > 0 ? 0 : 2;  // enough from here on
      if (store.error().code != ErrorCode::kUnavailable) return 3;
    }
    return 4;
  });
  EXPECT_EQ(code, 0);
  EXPECT_THAT(*open(Mode::kWrite).check(), IsEmpty());
}

TEST_F(StoreTest, RefusesAForeignDatabase) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &connection), SQLITE_OK);
  sqlite3_exec(connection, "CREATE TABLE meta (id INTEGER); INSERT INTO meta VALUES (1)", nullptr,
               nullptr, nullptr);
  sqlite3_close(connection);
  for (const Mode mode : {Mode::kRead, Mode::kWrite, Mode::kCreate}) {
    const Error error = refused(mode);
    EXPECT_EQ(error.code, ErrorCode::kDecodeFailed);
    EXPECT_THAT(error.message, HasSubstr("not of a gallery"));
  }
}

/// What a row of numbers in the closed gallery's file says.
std::vector<std::int64_t> numbers_of(const fs::path& file, const char* sql) {
  sqlite3* connection = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &connection), SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(connection, sql, -1, &statement, nullptr);
  std::vector<std::int64_t> numbers;
  if (sqlite3_step(statement) == SQLITE_ROW)
    for (int i = 0; i < sqlite3_column_count(statement); ++i)
      numbers.push_back(sqlite3_column_int64(statement, i));
  sqlite3_finalize(statement);
  sqlite3_close(connection);
  return numbers;
}

/// Runs SQL on the closed gallery's file.
void tamper(const fs::path& file, const char* sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &connection), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(connection, sql, nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_close(connection);
}

TEST_F(StoreTest, TablesThatRefuseRowsAreDamage) {
  {
    static_cast<void>(open());
  }
  tamper(file(), "CREATE UNIQUE INDEX foreign_rule ON faces (source)");
  Store store = open(Mode::kWrite);
  ASSERT_TRUE(add(store, "a", unit_vector(1)));
  const auto second = add(store, "a", unit_vector(2));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kDecodeFailed);
  EXPECT_EQ(store.facts()->faces, 1U);
}

TEST_F(StoreTest, RefusesTheFuture) {
  {
    static_cast<void>(open());
  }
  tamper(file(), "PRAGMA user_version = 4");
  EXPECT_EQ(refused(Mode::kRead).code, ErrorCode::kUnsupported);
  EXPECT_EQ(refused(Mode::kWrite).code, ErrorCode::kUnsupported);
  tamper(file(), "PRAGMA user_version = 3; UPDATE meta SET encryption = 'rot13'");
  EXPECT_EQ(refused(Mode::kRead).code, ErrorCode::kUnsupported);
}

TEST_F(StoreTest, CheckFindsWhatIsWrong) {
  {
    Store store = open();
    for (unsigned i = 0; i < 4; ++i) ASSERT_TRUE(add(store, "a", unit_vector(i)));
  }
  tamper(file(),
         "UPDATE faces SET embedding = zeroblob(128) WHERE id = 1;"
         "UPDATE faces SET embedding = zeroblob(12) WHERE id = 2;"
         "UPDATE faces SET box = zeroblob(1) WHERE id = 3;"
         "PRAGMA foreign_keys = OFF; UPDATE faces SET person = 77 WHERE id = 4;"
         "INSERT INTO persons (public_id, name, created) VALUES ('b', '', 0)");
  const Store store = open(Mode::kRead);
  const auto found = store.check();
  ASSERT_TRUE(found);
  EXPECT_THAT(*found, ::testing::UnorderedElementsAre(
                          HasSubstr("belong to nobody"), HasSubstr("f1 has a vector that is not"),
                          HasSubstr("f2 has a vector of another size"), HasSubstr("f3 has no box"),
                          HasSubstr("f4 is not as it was written"), HasSubstr("person number 2")));
  const auto scanned = store.scan([](auto...) {});
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code, ErrorCode::kDecodeFailed);
}

/// The row's content begins with its norm and ends with its vector.
TEST_F(StoreTest, EveryFlippedBitOfAFaceIsFound) {
  const std::vector<float> vector = unit_vector(1);
  const FaceFields fields{.norm = 23.5F,
                          .quality = .75F,
                          .box = {.x = 1, .y = 2, .width = 30, .height = 40},
                          .landmarks = Landmarks{{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}},
                          .source = "photo.jpg"};
  {
    Store store = open();
    ASSERT_TRUE(add(store, "a", vector, fields));
  }
  const std::string whole = read_all(file());
  const auto stored = encode(vector, Element::kF16);
  const std::size_t end =
      whole.find({reinterpret_cast<const char*>(stored.data()), stored.size()}) + stored.size();
  const std::size_t begin =
      whole.find({reinterpret_cast<const char*>(&fields.box), sizeof fields.box}) -
      16;  // norm, quality
  ASSERT_LT(begin, end);
  ASSERT_LT(end - begin, 400U);
  for (std::size_t bit = begin * 8; bit < end * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    std::ofstream(file(), std::ios::binary) << bytes;
    const Store store = open(Mode::kRead);
    const auto found = store.check();
    ASSERT_TRUE(!found || !found->empty()) << "bit " << bit - begin * 8;
    const auto scanned = store.scan([](auto...) {});
    ASSERT_FALSE(scanned) << "bit " << bit - begin * 8;
    EXPECT_EQ(scanned.error().code, ErrorCode::kDecodeFailed);
    EXPECT_EQ(store.find_face(1).error().code, ErrorCode::kDecodeFailed);
    EXPECT_EQ(store.owner_of(1).error().code, ErrorCode::kDecodeFailed);
    EXPECT_EQ(store.faces_of(1).error().code, ErrorCode::kDecodeFailed);
    EXPECT_EQ(store.scan_person(1, [](auto...) {}).error().code, ErrorCode::kDecodeFailed);
  }
}

/// The row's content begins with its public id and ends with the basis of consent and its times.
TEST_F(StoreTest, EveryFlippedBitOfAPersonIsFoundAndThePersonCanBeRemoved) {
  {
    Store store = open();
    ASSERT_TRUE(store.put_person({.public_id = "ada id",
                                  .name = "Ada",
                                  .attributes = R"({"team":"A"})",
                                  .consent_basis = "asked",
                                  .consent_at = 0x1234567890,
                                  .expires_at = 0x7234567890}));
    ASSERT_TRUE(add(store, "ada id", unit_vector(1)));
  }
  const std::string whole = read_all(file());
  const std::size_t begin = whole.find("ada idAda{");
  ASSERT_NE(begin, std::string::npos);
  const std::size_t end = whole.find("asked", begin) + 5 + 6 + 6;
  for (std::size_t bit = begin * 8; bit < end * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    std::ofstream(file(), std::ios::binary) << bytes;
    const Store store = open(Mode::kRead);
    const auto found = store.check();
    ASSERT_TRUE(!found || !found->empty()) << "bit " << bit - begin * 8;
    EXPECT_EQ(store.persons(0, 9).error().code, ErrorCode::kDecodeFailed);
    EXPECT_EQ(store.owner_of(1).error().code, ErrorCode::kDecodeFailed);
  }
  std::string bytes = whole;
  bytes[whole.find("Ada{", begin)] = 'B';
  std::ofstream(file(), std::ios::binary) << bytes;
  Store store = open(Mode::kWrite);
  EXPECT_EQ(store.find_person("ada id").error().code, ErrorCode::kDecodeFailed);
  ASSERT_TRUE(store.remove_person(store.row_of("ada id")->value()));
  EXPECT_THAT(*store.check(), IsEmpty());
}

/// One row by hand, so that other programs can follow docs/formats/gallery.md.
TEST_F(StoreTest, TheChecksumOfAPersonIsWhatTheFormatSays) {
  std::int64_t created = 0;
  {
    Store store = open();
    ASSERT_TRUE(store.put_person({.public_id = "a", .name = "Ada", .expires_at = 5}));
    created = (*store.find_person("a"))->created;
  }
  const auto number = [](auto value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto text = [&](const std::string& bytes) { return '\3' + number(bytes.size()) + bytes; };
  const std::string row = '\1' + number(std::int64_t{1}) +  // id
                          text("a") + text("Ada") + text("{}") +
                          "\5\5" +                          // consent_basis, consent_at: null
                          '\1' + number(std::int64_t{5}) +  // expires_at
                          '\1' + number(created);
  EXPECT_THAT(numbers_of(file(), "SELECT checksum FROM persons"),
              ElementsAre(crc32c(std::as_bytes(std::span(row)))));
}

/// One row by hand, so that other programs can follow docs/formats/gallery.md.
TEST_F(StoreTest, TheChecksumIsWhatTheFormatSays) {
  {
    Store store = open(Mode::kCreate, Element::kF32);
    ASSERT_TRUE(add(store, "a", std::vector<float>{1}, {.norm = 2, .source = "p"}));
  }
  const auto numbers = numbers_of(file(), "SELECT checksum, enrolled FROM faces");
  ASSERT_EQ(numbers.size(), 2U);
  const std::int64_t enrolled = numbers[1];
  const auto number = [](auto value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto blob = [&](const std::string& bytes) { return '\4' + number(bytes.size()) + bytes; };
  const std::string row = '\1' + number(std::int64_t{1}) +  // id
                          '\1' + number(std::int64_t{1}) +  // person
                          '\2' + number(2.0) +              // norm
                          '\2' + number(0.0) +              // quality
                          blob(std::string(16, '\0')) +     // box
                          '\5' +                            // landmarks: null
                          '\3' + number(std::uint64_t{1}) + "p" + '\1' + number(enrolled) +
                          "\5\5" +  // chip, photo: null
                          blob(number(1.0F));
  EXPECT_EQ(numbers[0], crc32c(std::as_bytes(std::span(row))));
}

TEST_F(StoreTest, RemembersWhatABulkEnrolmentRefused) {
  const Import import{.source = "photos/", .settings = "quality .1"};
  const std::vector<RefusedPhoto> photos{
      {.path = "photos/b/1.jpg", .reason = "no_face", .message = "no face was found"},
      {.path = "photos/a/\t1.jpg", .reason = "low_quality", .message = "too low"}};
  {
    Store store = open();
    ASSERT_TRUE(add(store, "c", unit_vector(1)));
    ASSERT_TRUE(store.note_refused(import, photos));
    ASSERT_TRUE(store.note_refused(import, {&photos[1], 1})) << "once more is the same";
    ASSERT_TRUE(store.note_refused({.source = "other", .settings = ""}, {&photos[1], 1}));
    EXPECT_THAT(*store.check(), IsEmpty());
  }
  Store store = open();
  const auto refused = store.refused(import);
  ASSERT_TRUE(refused) << refused.error().message;
  ASSERT_EQ(refused->size(), 2U);
  EXPECT_EQ((*refused)[0].path, "photos/a/\t1.jpg");
  EXPECT_EQ((*refused)[0].reason, "low_quality");
  EXPECT_EQ((*refused)[1].message, "no face was found");
  EXPECT_THAT(*store.refused({.source = "photos/", .settings = "quality .2"}), IsEmpty());
  ASSERT_TRUE(store.finish_import("photos/"));
  EXPECT_THAT(*store.refused(import), IsEmpty());
  EXPECT_EQ(store.refused({.source = "other", .settings = ""})->size(), 1U);
  ASSERT_TRUE(store.remove_face(1));
  EXPECT_THAT(*store.refused({.source = "other", .settings = ""}), IsEmpty());
}

TEST_F(StoreTest, ARemovalForgetsPathsThatNameThePerson) {
  Store store = open();
  ASSERT_TRUE(add(store, "grace", unit_vector(1), {.source = "p/grace hopper/1.jpg"}));
  ASSERT_TRUE(store.note_refused(
      {.source = "p", .settings = "s"},
      std::vector<RefusedPhoto>{
          {.path = "p/grace hopper/2.jpg", .reason = "no_face", .message = "no"}}));
  ASSERT_TRUE(folder_holds(folder_, "grace hopper"));
  ASSERT_TRUE(store.remove_person(1));
  ASSERT_TRUE(store.purge());
  EXPECT_FALSE(folder_holds(folder_, "grace hopper"));
}

TEST_F(StoreTest, CheckFindsRowsThatNoProgramWrites) {
  for (const char* sql :
       {"DROP TABLE audit", "DROP TABLE imports", "UPDATE persons SET expires_at = 'x'",
        "UPDATE persons SET attributes = '{bad'", "UPDATE persons SET attributes = '[]'",
        "UPDATE faces SET quality = 'abc'", "UPDATE faces SET norm = -1",
        "UPDATE faces SET box = x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF'", "UPDATE meta SET model = ''",
        "UPDATE meta SET generation = 'x'"}) {
    {
      Store store = open();
      ASSERT_TRUE(add(store, "a", unit_vector(1)));
    }
    ASSERT_THAT(*open(Mode::kRead).check(), IsEmpty());
    tamper(file(), sql);
    const auto store = Store::open(folder_, {.mode = Mode::kRead});
    if (store)
      EXPECT_FALSE(store->check()->empty()) << sql;
    else
      EXPECT_EQ(store.error().code, ErrorCode::kDecodeFailed) << sql;
    for (const auto& entry : fs::directory_iterator(folder_)) fs::remove_all(entry.path());
  }
}

/// A face with a chip and a photo.
Result<std::vector<AddedFace>> add_kept(Store& store, std::string_view person, unsigned seed,
                                        std::string_view chip, std::string_view photo,
                                        std::string_view form = "arcface.png") {
  const std::vector<float> unit = unit_vector(seed);
  const FaceFields fields;
  const NewFace face{.person = person,
                     .model = kModel,
                     .unit = unit,
                     .fields = &fields,
                     .chip = {.form = form, .bytes = std::as_bytes(std::span(chip))},
                     .photo = {.form = "jpg", .bytes = std::as_bytes(std::span(photo))}};
  return store.add({&face, 1});
}

std::size_t count_files(const fs::path& folder) {
  return fs::exists(folder) ? static_cast<std::size_t>(std::distance(fs::directory_iterator(folder),
                                                                     fs::directory_iterator()))
                            : 0;
}

TEST_F(StoreTest, KeepsFilesAndForgetsThemWithTheirFace) {
  Store store = open();
  ASSERT_TRUE(add(store, "nobody", unit_vector(9)));
  ASSERT_TRUE(add_kept(store, "ada", 1, "a chip", "a photo"));
  ASSERT_TRUE(add_kept(store, "grace", 2, "another chip", ""));
  const auto ada = store.find_face(2);
  ASSERT_TRUE(ada && *ada);
  EXPECT_EQ((*ada)->chip, "f2.arcface.png");
  EXPECT_EQ((*ada)->photo, "f2.jpg");
  EXPECT_EQ((*store.find_face(3))->photo, "");
  const auto bytes = store.read_kept(KeptKind::kChip, "f2.arcface.png");
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(std::ranges::equal(*bytes, std::as_bytes(std::span(std::string_view("a chip")))));
  EXPECT_EQ(fs::status(folder_ / "chips/f2.arcface.png").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(folder_ / "chips").permissions(), fs::perms::owner_all);
  EXPECT_THAT(*store.check(), IsEmpty());

  ASSERT_TRUE(store.remove_face(2));
  ASSERT_TRUE(store.purge());
  EXPECT_FALSE(fs::exists(folder_ / "chips/f2.arcface.png"));
  EXPECT_FALSE(fs::exists(folder_ / "photos/f2.jpg"));
  EXPECT_EQ(count_files(folder_ / "chips"), 1U);
  ASSERT_TRUE(store.remove_person((*store.find_face(3))->person));
  ASSERT_TRUE(store.purge());
  EXPECT_EQ(count_files(folder_ / "chips"), 0U);
  EXPECT_THAT(*store.check(), IsEmpty());
  EXPECT_EQ(store.read_kept(KeptKind::kChip, "f2.arcface.png").error().code, ErrorCode::kNotFound);
}

TEST_F(StoreTest, EveryFlippedBitOfAKeptFileIsFound) {
  Store store = open();
  ASSERT_TRUE(add_kept(store, "ada", 1, "a chip", "a photo"));
  for (const auto& [kind, name] :
       {std::pair(KeptKind::kChip, "chips/f1.arcface.png"), {KeptKind::kPhoto, "photos/f1.jpg"}}) {
    const std::string whole = read_all(folder_ / name);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::string bytes = whole;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      std::ofstream(folder_ / name, std::ios::binary) << bytes;
      const auto found = store.check();
      ASSERT_EQ(found->size(), 1U);
      EXPECT_THAT(found->front(),
                  HasSubstr("1 chips or photos of faces are not as they were written: " +
                            std::string(name)));
      const std::string file = fs::path(name).filename();
      EXPECT_EQ(store.read_kept(kind, file).error().code, ErrorCode::kDecodeFailed);
    }
    std::ofstream(folder_ / name, std::ios::binary) << whole;
    EXPECT_THAT(*store.check(), IsEmpty());
  }
  // CRC-32C of "123456789" (RFC 3720's polynomial; the check value of the CRC catalogues).
  ASSERT_TRUE(add_kept(store, "grace", 2, "123456789", ""));
  tamper(file(), "DELETE FROM faces WHERE chip_checksum = 0xE3069283");
  EXPECT_EQ(store.facts()->faces, 1U);
}

TEST_F(StoreTest, RefusesFormsAndNamesThatLeaveTheFolder) {
  Store store = open();
  for (const char* form : {"", "../x", "a/b", ".png", "png.", "a..b", "PNG", "a b",
                           "abcdefghijklmnopqrstuvwxyz0123456789"})
    EXPECT_EQ(add_kept(store, "ada", 1, "a chip", "", form).error().code,
              ErrorCode::kInvalidArgument)
        << form;
  EXPECT_EQ(add_kept(store, "ada", 1, std::string(kMaxKeptBytes + 1, 'x'), "").error().code,
            ErrorCode::kInvalidArgument);
  for (const char* name : {"", "f1", "f.png", "f0.png", "f01.png", "../f1.png", "f1.png/x",
                           "x1.png", "f99999999999999999999.png", "/etc/passwd"})
    EXPECT_EQ(store.read_kept(KeptKind::kPhoto, name).error().code, ErrorCode::kDecodeFailed)
        << name;
  EXPECT_FALSE(fs::exists(folder_ / "chips"));
  EXPECT_EQ(store.facts()->faces, 0U);
}

TEST_F(StoreTest, WhatAnAdditionThatWasStoppedLeftIsToldAndGoes) {
  {
    Store store = open();
    ASSERT_TRUE(add_kept(store, "ada", 1, "a chip", "a photo"));
  }
  // As a process that was killed leaves it: announced, written, not committed.
  tamper(file(), "INSERT INTO trash VALUES ('chips/'), ('photos/')");
  std::ofstream(folder_ / "chips/f2.arcface.png") << "an orphan";
  std::ofstream(folder_ / "photos/f1.png") << "somebody's own: number 1 was given";
  std::ofstream(folder_ / "chips/notes.txt") << "somebody's own";
  EXPECT_EQ(open(Mode::kRead).check()->size(), 2U);
  const Store store = open(Mode::kWrite);
  EXPECT_FALSE(fs::exists(folder_ / "chips/f2.arcface.png"));
  EXPECT_TRUE(fs::exists(folder_ / "photos/f1.png"));
  EXPECT_TRUE(fs::exists(folder_ / "chips/notes.txt"));
  EXPECT_TRUE(fs::exists(folder_ / "chips/f1.arcface.png"));
  EXPECT_TRUE(fs::exists(folder_ / "photos/f1.jpg"));
  const auto found = store.check();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_THAT(found->front(), HasSubstr("2 files in chips/ and photos/ belong to no face"));
}

TEST_F(StoreTest, OfAnAdditionThatWasStoppedOnlyItsOwnFilesGo) {
  {
    Store store = open();
    ASSERT_TRUE(add_kept(store, "ada", 1, "a chip", "a photo"));
  }
  tamper(file(), "INSERT INTO trash VALUES ('photos/f2.jpg')");
  for (const char* name : {"f1.png", "f2.jpg", "f2.png", "f3.jpg"})
    std::ofstream(folder_ / "photos" / name) << "whose?";
  const Store store = open(Mode::kWrite);
  EXPECT_FALSE(fs::exists(folder_ / "photos/f2.jpg"));
  for (const char* name : {"f1.png", "f2.png", "f3.jpg"})
    EXPECT_EQ(read_all(folder_ / "photos" / name), "whose?") << name;
}

TEST_F(StoreTest, AFileInTheWayIsNamedAndStays) {
  Store store = open();
  ASSERT_TRUE(add_kept(store, "ada", 1, "a chip", "a photo"));
  std::ofstream(folder_ / "photos/f2.jpg") << "somebody's own";
  std::ofstream(folder_ / "photos/f3.jpg") << "somebody's own";
  const auto refused = add_kept(store, "grace", 2, "a chip", "a photo");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("photos/f2.jpg"));
  EXPECT_EQ(count_files(folder_ / "chips"), 1U);
  EXPECT_THAT(store.begin(Keeping::kFiles).error().message, HasSubstr("photos/f"));
  ASSERT_TRUE(store.purge());
  ASSERT_TRUE(add_kept(store, "grace", 2, "a chip", ""));
  EXPECT_FALSE(add_kept(store, "grace", 3, "a chip", "a photo"));
  fs::remove(folder_ / "photos/f3.jpg");
  EXPECT_TRUE(add_kept(store, "grace", 3, "a chip", "a photo"));
  EXPECT_EQ(read_all(folder_ / "photos/f2.jpg"), "somebody's own");
}

TEST_F(StoreTest, IsNotMadeWhereSomebodysChipsOrPhotosAre) {
  const fs::path elsewhere = folder_ / "elsewhere";
  fs::create_directories(elsewhere);
  for (const char* name : {"chips", "photos"}) {
    const fs::path own = folder_ / name;
    fs::create_directory(own);
    std::ofstream(own / "f1.jpg") << "somebody's own";
    EXPECT_EQ(refused(Mode::kCreate).code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(read_all(own / "f1.jpg"), "somebody's own");
    fs::remove_all(own);
    fs::create_directory_symlink(elsewhere, own);
    EXPECT_EQ(refused(Mode::kCreate).code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(fs::is_symlink(own));
    fs::remove(own);
    std::ofstream(own) << "a file";
    EXPECT_EQ(refused(Mode::kCreate).code, ErrorCode::kInvalidArgument);
    fs::remove(own);
    EXPECT_EQ(count_files(folder_), 1U) << "no lock and nothing else";
    // What is left of a gallery that was never made goes, what lies beside it does not.
    fs::create_directory(own);
    std::ofstream(own / "notes.txt") << "somebody's own";
    std::ofstream(folder_ / "gallery.sqlite.new") << "begun";
    EXPECT_EQ(refused(Mode::kCreate).code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(read_all(own / "notes.txt"), "somebody's own");
    fs::remove(folder_ / "gallery.sqlite.new");
    fs::remove(folder_ / "gallery.lock");
    fs::remove_all(own);
  }
  fs::create_directory(folder_ / "photos");
  const Store store = open();
  EXPECT_THAT(*store.check(), IsEmpty());
}

TEST_F(StoreTest, NobodyElseReadsWhatItMakes) {
  const mode_t before = ::umask(0);
  const fs::path made = folder_ / "new" / "people";
  {
    auto store = Store::open(made / "", {.mode = Mode::kCreate});
    ASSERT_TRUE(store);
    ASSERT_TRUE(add_kept(*store, "ada", 1, "a chip", "a photo"));
    for (const auto& entry : fs::recursive_directory_iterator(made))
      EXPECT_EQ(entry.status().permissions(), entry.is_directory()
                                                  ? fs::perms::owner_all
                                                  : fs::perms::owner_read | fs::perms::owner_write)
          << entry.path();
    EXPECT_TRUE(fs::exists(made / "gallery.sqlite-wal"));
    EXPECT_TRUE(fs::exists(made / "gallery.sqlite-shm"));
  }
  ::umask(before);
  EXPECT_EQ(fs::status(made).permissions(), fs::perms::owner_all);
  fs::permissions(folder_, static_cast<fs::perms>(0750));
  const Store store = open();
  EXPECT_EQ(fs::status(folder_).permissions(), static_cast<fs::perms>(0750)) << "it was there";
}

TEST_F(StoreTest, TellsFilesThatAreMissing) {
  Store store = open();
  ASSERT_TRUE(add_kept(store, "ada", 1, "a chip", "a photo"));
  fs::remove(folder_ / "photos/f1.jpg");
  const auto found = store.check();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_THAT(found->front(), HasSubstr("are missing: photos/f1.jpg"));
}

TEST_F(StoreTest, TellsFilesThatWereExchanged) {
  Store store = open();
  ASSERT_TRUE(add_kept(store, "ada", 1, "a chip", ""));
  ASSERT_TRUE(add_kept(store, "grace", 2, "another chip", ""));
  fs::rename(folder_ / "chips/f1.arcface.png", folder_ / "chips/x");
  fs::rename(folder_ / "chips/f2.arcface.png", folder_ / "chips/f1.arcface.png");
  fs::rename(folder_ / "chips/x", folder_ / "chips/f2.arcface.png");
  EXPECT_THAT(*store.check(), ElementsAre(HasSubstr("chips/f1.arcface.png, chips/f2.arcface.png")));
}

TEST_F(StoreTest, AHostileDatabaseRemovesNothingElsewhere) {
  const fs::path victim = folder_.string() + ".victim";
  for (const std::string& path :
       {"../" + victim.filename().string(), "chips/../../" + victim.filename().string(),
        victim.string(), std::string("gallery.lock"), std::string("")}) {
    std::ofstream(victim) << "precious";
    {
      const Store store = open();
    }
    tamper(file(), ("INSERT INTO trash VALUES ('" + path + "')").c_str());
    EXPECT_EQ(refused(Mode::kWrite).code, ErrorCode::kDecodeFailed) << path;
    EXPECT_TRUE(fs::exists(victim));
    for (const auto& entry : fs::directory_iterator(folder_)) fs::remove_all(entry.path());
  }
  fs::remove(victim);
  // A folder that is a link leads elsewhere.
  {
    const Store store = open();
  }
  const fs::path elsewhere = folder_.string() + ".elsewhere";
  fs::create_directories(elsewhere);
  std::ofstream(elsewhere / "f1.arcface.png") << "precious";
  fs::create_directory_symlink(elsewhere, folder_ / "chips");
  tamper(file(), "INSERT INTO trash VALUES ('chips/f1.arcface.png'), ('chips/')");
  EXPECT_EQ(refused(Mode::kWrite).code, ErrorCode::kDecodeFailed);
  EXPECT_TRUE(fs::exists(elsewhere / "f1.arcface.png"));
  fs::remove_all(elsewhere);
}

TEST_F(StoreTest, AFullDiskLeavesNoFileOfAFaceThatWasNotAdded) {
  {
    const Store store = open();
  }
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = Store::open(folder_, {.mode = Mode::kWrite});
    if (!store) return 1;
    const rlimit limit{.rlim_cur = 300'000, .rlim_max = 400'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    const auto added = add_kept(*store, "ada", 1, "a chip", std::string(350'000, 'x'));
    if (added || added.error().code != ErrorCode::kUnavailable) return 3;
    if (count_files(folder_ / "chips") + count_files(folder_ / "photos") != 0) return 4;
    return add_kept(*store, "ada", 1, "a chip", "a photo") ? 0 : 5;
  });
  EXPECT_EQ(code, 0);
  const Store store = open(Mode::kWrite);
  EXPECT_EQ(store.facts()->faces, 1U);
  EXPECT_THAT(*store.check(), IsEmpty());
}

TEST_F(StoreTest, AFailedCreationLeavesNothingOfIt) {
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 20'000, .rlim_max = 200'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const auto store = Store::open(folder_, {.mode = Mode::kCreate});
    return store ? 2 : 0;
  });
  EXPECT_EQ(code, 0);
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_EQ(entry.path().filename(), "gallery.lock");
}

TEST_F(StoreTest, SaysThatAFileIsDamaged) {
  {
    Store store = open();
    for (unsigned i = 0; i < 200; ++i) ASSERT_TRUE(add(store, std::to_string(i), unit_vector(i)));
  }
  std::string bytes = read_all(file());
  for (std::size_t i = 8192 * 3; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  std::ofstream(file(), std::ios::binary) << bytes;
  const auto store = Store::open(folder_, {.mode = Mode::kRead});
  if (!store) {
    EXPECT_EQ(store.error().code, ErrorCode::kDecodeFailed);
    return;
  }
  const auto scanned = store->scan([](auto...) {});
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code, ErrorCode::kDecodeFailed);
  const auto found = store->check();
  EXPECT_TRUE(!found || !found->empty());
}

TEST_F(StoreTest, CompactGivesRoomBack) {
  Store store = open();
  for (unsigned i = 0; i < 300; ++i) ASSERT_TRUE(add(store, "a", unit_vector(i)));
  ASSERT_TRUE(add(store, "b", unit_vector(1000)));
  ASSERT_TRUE(store.remove_person((*store.find_person("a"))->id));
  EXPECT_GT(store.facts()->free_bytes, 0U);
  const auto done = store.compact();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(store.facts()->free_bytes, 0U);
  EXPECT_EQ(store.facts()->faces, 1U);
}

TEST_F(StoreTest, ACreationThatStoppedHalfWayIsDoneAgain) {
  std::ofstream(folder_ / "gallery.sqlite.new") << "half";
  Store store = open();
  EXPECT_TRUE(add(store, "a", unit_vector(1)));
  EXPECT_FALSE(fs::exists(folder_ / "gallery.sqlite.new"));
}

TEST_F(StoreTest, AFullDiskIsAnErrorAndNothingIsLost) {
  {
    Store store = open();
    ASSERT_TRUE(add(store, "a", unit_vector(1)));
  }
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 200'000, .rlim_max = 200'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    auto store = Store::open(folder_, {.mode = Mode::kWrite});
    if (!store) return 2;
    for (unsigned i = 2; i < 2000; ++i) {
      const auto added = add(*store, "b" + std::to_string(i), unit_vector(i));
      if (!added) return added.error().code == ErrorCode::kUnavailable ? 0 : 3;
    }
    return 4;
  });
  ASSERT_EQ(code, 0);
  const Store store = open(Mode::kRead);
  EXPECT_GE(store.facts()->faces, 1U);
  EXPECT_EQ(store.facts()->faces, store.facts()->persons) << "whole rows only";
  EXPECT_THAT(*store.check(), IsEmpty());
}

TEST_F(StoreTest, AReadOnlyFolderCanBeReadAndSaysSoWhenWritten) {
  {
    Store store = open();
    ASSERT_TRUE(add(store, "a", unit_vector(1)));
  }
  fs::permissions(file(), fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  fs::permissions(folder_ / "gallery.lock", fs::perms::others_read | fs::perms::owner_read);
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec | fs::perms::group_read |
                               fs::perms::group_exec | fs::perms::others_read |
                               fs::perms::others_exec);
  const int code = in_child([&] {
    // Whoever may do everything is stopped by no permission.
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 77;
    const auto writer = Store::open(folder_, {.mode = Mode::kWrite});
    if (writer || writer.error().code != ErrorCode::kUnavailable) return 1;
    const auto reader = Store::open(folder_, {.mode = Mode::kRead});
    if (!reader) return 2;
    return reader->facts()->faces == 1 ? 0 : 3;
  });
  fs::permissions(folder_, fs::perms::owner_all);
  if (code == 77) GTEST_SKIP() << "cannot give up root's rights here";
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace visavis::store
