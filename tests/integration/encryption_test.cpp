#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <visavis/store/npy.hpp>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// An encrypted gallery of two persons made of vectors along the axes: no face, no network.
class EncryptedVerbs : public ProgramTest {
 protected:
  void SetUp() override {
    write_axes();
    ASSERT_EQ(visavis({"gallery", "new-key", at("key")}).code, 0);
    const Answer enrolled = enrol(at("people"), {"--key-file", at("key")});
    ASSERT_EQ(enrolled.code, 0) << enrolled.err;
  }
  [[nodiscard]] Answer enrol(const std::string& gallery, std::vector<std::string> more) const {
    more.insert(more.begin(), {"enrol", "--gallery", gallery, "--npy", at("rows.npy"), "--labels",
                               at("labels.tsv"), "--json"});
    return visavis(more);
  }
  [[nodiscard]] Answer ask(const std::string& verb, std::vector<std::string> more) const {
    more.insert(more.begin(), {"gallery", verb, "--gallery", at("people"), "--json"});
    return visavis(more);
  }
  /// Exit 3, one sentence with these words, no key in it.
  void expect_refused(const Answer& answer, const std::string& words) const {
    EXPECT_EQ(answer.code, 3) << answer.err;
    const nlohmann::json json = answer.json();
    EXPECT_EQ(json["errors"][0]["code"], "invalid_argument");
    EXPECT_THAT(std::string(json["errors"][0]["message"]), HasSubstr(words));
    EXPECT_FALSE((answer.err + answer.out).contains(text_of(at("key")).substr(0, 16)));
  }
  [[nodiscard]] static std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(EncryptedVerbs, EveryVerbTakesTheKey) {
  const std::vector<std::string> key{"--key-file", at("key")};
  EXPECT_EQ(ask("list", key).json()["persons"].size(), 2U);
  EXPECT_EQ(ask("stats", key).json()["encryption"], "aegis-256");
  EXPECT_EQ(ask("check", key).json()["ok"], true);
  EXPECT_EQ(ask("show", {"ada", "--key-file", at("key")}).json()["faces"].size(), 2U);
  EXPECT_EQ(ask("export", {"ada", "--out", at("a.npy"), "--key-file", at("key")}).code, 0);
  EXPECT_EQ(ask("remove", {"ada", "--key-file", at("key")}).json()["persons"], 1);
  EXPECT_EQ(ask("compact", key).code, 0);
  EXPECT_EQ(visavis({"gallery", "list", at("people"), "--key-file", at("key")}).code, 0);
  for (const auto& entry : fs::recursive_directory_iterator(at("people"))) {
    const std::string bytes = text_of(entry.path());
    for (const char* word : {"ada", "grace", "rows.npy", "SQLite"})
      EXPECT_FALSE(bytes.contains(word)) << word << " in " << entry.path().filename();
  }
}

TEST_F(EncryptedVerbs, AnyOtherKeyIsASentence) {
  ASSERT_EQ(visavis({"gallery", "new-key", at("other")}).code, 0);
  for (const char* verb : {"list", "stats", "check", "compact"}) {
    expect_refused(ask(verb, {}), "encrypted and needs its key");
    expect_refused(ask(verb, {"--key-file", at("other")}), "encrypted with another key");
  }
  expect_refused(enrol(at("people"), {}), "needs its key");
  ASSERT_EQ(enrol(at("plain"), {}).code, 0);
  expect_refused(enrol(at("plain"), {"--key-file", at("key")}), "not encrypted");
  EXPECT_EQ(visavis({"gallery", "stats", at("plain"), "--json"}).json()["encryption"], "none");
}

TEST_F(EncryptedVerbs, AnArchiveCarriesAGalleryToAnotherKey) {
  ASSERT_EQ(visavis({"gallery", "new-key", at("other")}).code, 0);
  ASSERT_EQ(ask("export", {"--archive", at("people.tar"), "--key-file", at("key")}).code, 0);
  const Answer imported = visavis({"gallery", "import", at("people.tar"), "--gallery", at("moved"),
                                   "--key-file", at("other"), "--json"});
  ASSERT_EQ(imported.code, 0) << imported.err;
  const auto list = [&](const char* gallery, const char* key) {
    return visavis({"gallery", "list", at(gallery), "--key-file", at(key), "--json"});
  };
  EXPECT_EQ(list("moved", "other").json()["persons"].size(), 2U);
  expect_refused(list("moved", "key"), "another key");
  for (const auto& entry : fs::recursive_directory_iterator(at("moved")))
    EXPECT_FALSE(text_of(entry.path()).contains("grace")) << entry.path().filename();
}

TEST_F(EncryptedVerbs, KeyFilesAreReadStrictly) {
  EXPECT_EQ(ask("list", {"--key-file", at("none")}).code, 3);
  write("short", "0123\n");
  fs::permissions(at("short"), fs::perms::owner_read);
  expect_refused(ask("list", {"--key-file", at("short")}), "64 hexadecimal digits");
  fs::permissions(at("key"), fs::perms::owner_read | fs::perms::group_read);
  expect_refused(ask("list", {"--key-file", at("key")}), "chmod 600");
  EXPECT_EQ(ask("list", {"--key-file", ""}).code, 2);
  const std::string key = text_of(at("key"));
  expect_refused(visavis({"gallery", "new-key", at("key"), "--json"}), "already");
  EXPECT_EQ(text_of(at("key")), key);
  EXPECT_EQ(visavis({"identify", "a.jpg", "--npy", at("rows.npy"), "--labels", at("labels.tsv"),
                     "--key-file", at("key")})
                .code,
            2);
}

}  // namespace
}  // namespace visavis::integration
