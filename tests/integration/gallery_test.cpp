#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <visavis/store/npy.hpp>
#include <visavis/store/store.hpp>

#include "program.hpp"

namespace visavis::integration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A gallery of two persons made of vectors along the axes: no face, no network.
class GalleryVerbs : public ProgramTest {
 protected:
  void SetUp() override {
    write_axes();
    const Answer enrolled = visavis(
        {"enrol", "--gallery", people(), "--npy", at("rows.npy"), "--labels", at("labels.tsv")});
    ASSERT_EQ(enrolled.code, 0) << enrolled.err;
  }
  [[nodiscard]] std::string people() const { return at("people"); }
  [[nodiscard]] Answer ask(const std::string& verb, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"gallery", verb, "--gallery", people(), "--json"});
    return visavis(more);
  }
};

TEST_F(GalleryVerbs, ListsAndShows) {
  const nlohmann::json list = ask("list").json();
  EXPECT_EQ(list["schema"], "visavis.gallery-list/1");
  ASSERT_EQ(list["persons"].size(), 2U);
  EXPECT_EQ(list["persons"][0]["person"], "ada");
  EXPECT_EQ(list["persons"][0]["faces"], 2);
  const nlohmann::json show = ask("show", {"ada"}).json();
  ASSERT_EQ(show["faces"].size(), 2U);
  EXPECT_EQ(show["faces"][1]["face_id"], "f3");
  EXPECT_EQ(show["faces"][1]["source"], at("rows.npy") + ":2");
  const Answer nobody = ask("show", {"nobody"});
  EXPECT_EQ(nobody.code, 3);
  EXPECT_EQ(nobody.json()["errors"][0]["code"], "not_found");
  const Answer words = visavis({"gallery", "show", people(), "grace"});
  EXPECT_EQ(words.code, 0) << words.err;
  EXPECT_THAT(words.out, HasSubstr("f2"));
  EXPECT_EQ(visavis({"gallery", "list", people()}).code, 0);
}

TEST_F(GalleryVerbs, ExportsWhatEnrolReads) {
  const Answer one = ask("export", {"ada", "--out", at("ada.npy")});
  ASSERT_EQ(one.code, 0) << one.err;
  const nlohmann::json json = one.json();
  EXPECT_EQ(json["schema"], "visavis.gallery-export/1");
  EXPECT_EQ(json["rows"], 2);
  EXPECT_EQ(json["persons"][0]["faces"][1]["face_id"], "f3");
  const auto matrix = store::read_npy(at("ada.npy"));
  ASSERT_TRUE(matrix);
  ASSERT_EQ(matrix->rows, 2U);
  EXPECT_EQ(matrix->values[0], 1) << "ada's faces lie along the axes 0 and 2";
  EXPECT_EQ(matrix->values[matrix->columns + 2], 1);

  ASSERT_EQ(ask("export", {"--out", at("all.npy")}).code, 0);
  const Answer again = visavis({"enrol", "--gallery", at("copy"), "--npy", at("all.npy"),
                                "--labels", at("all.tsv"), "--json"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.json()["enrolled"].size(), 3U);
  const nlohmann::json copy = visavis({"gallery", "list", at("copy"), "--json"}).json();
  ASSERT_EQ(copy["persons"].size(), 2U);
  EXPECT_EQ(copy["persons"][0]["faces"], 2);

  EXPECT_EQ(ask("export", {"nobody", "--out", at("n.npy")}).code, 3);
  EXPECT_FALSE(std::filesystem::exists(at("n.npy")));
  EXPECT_EQ(ask("export", {"--out", at("all.tsv")}).code, 2);
}

TEST_F(GalleryVerbs, ArchivesAreWholeGalleriesAndWhatIsNoneIsBadInput) {
  ASSERT_EQ(ask("export", {"--archive", at("people.tar")}).code, 0);
  EXPECT_EQ(ask("export", {"ada", "--archive", at("ada.tar")}).code, 2);
  EXPECT_EQ(ask("export", {"--archive", at("a.tar"), "--out", at("a.npy")}).code, 2);
  EXPECT_EQ(ask("export").code, 2);
  EXPECT_EQ(ask("export", {"--archive", folder().string()}).code, 2);
  const auto import = [&](const std::string& file, const std::string& gallery) {
    return visavis({"gallery", "import", file, "--gallery", gallery, "--json"});
  };
  EXPECT_EQ(import(at("people.tar"), at("copy")).code, 0);
  EXPECT_EQ(import(at("people.tar"), at("copy")).json()["already"], 3);
  const Answer foreign = import(at("labels.tsv"), at("fresh"));
  EXPECT_EQ(foreign.code, 3);
  EXPECT_EQ(foreign.json()["errors"][0]["code"], "decode_failed");
  EXPECT_THAT(foreign.err, HasSubstr("labels.tsv"));
  EXPECT_EQ(import(at("nothing.tar"), at("fresh")).code, 3);
  EXPECT_FALSE(std::filesystem::exists(at("fresh")));
  EXPECT_EQ(visavis({"gallery", "import", at("people.tar")}).code, 2);
  EXPECT_EQ(import(at("people.tar"), at("labels.tsv")).code, 3) << "a file is no folder";
}

TEST_F(GalleryVerbs, RemovesAndSaysWhomItDoesNotKnow) {
  const Answer removed = ask("remove", {"nobody", "ada"});
  EXPECT_EQ(removed.code, 3);
  EXPECT_EQ(removed.json()["persons"], 1);
  EXPECT_EQ(removed.json()["errors"][0]["path"], "nobody");
  EXPECT_EQ(ask("list").json()["persons"].size(), 1U);
  EXPECT_EQ(ask("remove", {"--face", "f2"}).json()["faces"], 1);
  EXPECT_EQ(ask("stats").json()["faces"], 0);
  EXPECT_EQ(ask("remove").code, 2);
  EXPECT_EQ(ask("remove", {"--expired"}).code, 0);
}

TEST_F(GalleryVerbs, SetSaysWhatIsKnownOfAPerson) {
  const Answer set = ask("set", {"ada", "--name", "Ada Łovelace", "--attribute", "team=engine",
                                 "--attribute", "floor=2", "--consent", "contract", "--consent-at",
                                 "2026-01-02T03:04:05+01:00", "--expires", "2999-12-31"});
  ASSERT_EQ(set.code, 0) << set.err;
  const nlohmann::json json = set.json();
  EXPECT_EQ(json["schema"], "visavis.gallery-person/1");
  EXPECT_EQ(json["name"], "Ada Łovelace");
  EXPECT_EQ(json["attributes"], (nlohmann::json{{"team", "engine"}, {"floor", "2"}}));
  EXPECT_EQ(json["consent_basis"], "contract");
  EXPECT_EQ(json["consent_at"], 1767319445);   // date -u -d 2026-01-02T02:04:05Z +%s
  EXPECT_EQ(json["expires_at"], 32503593600);  // date -u -d 2999-12-31 +%s
  EXPECT_EQ(json["faces"].size(), 2U);
  const nlohmann::json again =
      ask("set", {"ada", "--attributes", R"({"n":[1]})", "--expires", "never"}).json();
  EXPECT_EQ(again["attributes"], (nlohmann::json{{"n", {1}}}));
  EXPECT_TRUE(again["expires_at"].is_null());
  EXPECT_EQ(again["consent_basis"], "contract");
  EXPECT_THAT(visavis({"gallery", "list", people()}).out, HasSubstr("contract"));
  EXPECT_THAT(visavis({"gallery", "show", people(), "ada"}).out,
              HasSubstr("consent: contract, 2026-01-02T02:04:05Z"));
}

TEST_F(GalleryVerbs, AFileIsNoGalleryForAnyVerb) {
  write("file", "text");
  const auto code = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--gallery", at("file")});
    return visavis(words).code;
  };
  EXPECT_EQ(code({"enrol", "--npy", at("rows.npy"), "--labels", at("labels.tsv")}), 3);
  ASSERT_EQ(visavis({"gallery", "export", people(), "--archive", at("a.tar")}).code, 0);
  EXPECT_EQ(code({"gallery", "import", at("a.tar")}), 3);
  for (const char* verb : {"list", "stats", "check", "compact"})
    EXPECT_EQ(code({"gallery", verb}), 3) << verb;
  EXPECT_EQ(code({"gallery", "remove", "ada"}), 3);
  EXPECT_EQ(code({"gallery", "export", "--out", at("a.npy")}), 3);
}

TEST_F(GalleryVerbs, WhoReadsLeavesNoFileBehind) {
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(people()))
      found.insert(entry.path().filename());
    return found;
  };
  for (const char* verb : {"list", "stats", "check"}) {
    ASSERT_EQ(visavis({"gallery", verb, people()}).code, 0);
    EXPECT_THAT(names(), ElementsAre("gallery.lock", "gallery.sqlite")) << verb;
  }
}

TEST_F(GalleryVerbs, SetForgetsWhatWasSaid) {
  ASSERT_EQ(ask("set", {"ada", "--attribute", "team=engine", "--consent", "contract", "--expires",
                        "2999-12-31"})
                .code,
            0);
  const nlohmann::json some = ask("set", {"ada", "--clear", "consent"}).json();
  EXPECT_TRUE(some["consent_basis"].is_null());
  EXPECT_TRUE(some["consent_at"].is_null());
  EXPECT_FALSE(some["expires_at"].is_null());
  const nlohmann::json all =
      ask("set", {"ada", "--clear", "expiry", "--clear", "attributes", "--attribute", "floor=2"})
          .json();
  EXPECT_TRUE(all["expires_at"].is_null());
  EXPECT_EQ(all["attributes"], (nlohmann::json{{"floor", "2"}}));
  EXPECT_EQ(ask("set", {"ada", "--clear", "name"}).code, 2);
  EXPECT_EQ(ask("set", {"ada", "--clear", "consent", "--consent", "contract"}).code, 2);
  std::vector<std::string> actions;
  const auto store = store::Store::open(people(), {});
  const auto audit = store->audit();
  for (const store::AuditRow& row : *audit) actions.push_back(row.action);
  ASSERT_GE(actions.size(), 6U);
  EXPECT_THAT(std::vector(actions.end() - 6, actions.end()),
              ElementsAre("set-attributes", "set-consent", "set-expiry", "set-consent",
                          "set-attributes", "set-expiry"));
}

TEST_F(GalleryVerbs, SetRefusesWhatItCannotDo) {
  EXPECT_EQ(ask("set", {"nobody", "--name", "x"}).code, 3);
  EXPECT_EQ(ask("set", {"ada"}).code, 2);
  EXPECT_EQ(ask("set", {"--name", "x"}).code, 2);
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"--expires", "soon"},
                                              {"--expires", "2001-01-01"},
                                              {"--attribute", "x"},
                                              {"--attributes", "[]"},
                                              {"--attributes", std::string(60'000, '[')},
                                              {"--consent-at", "2026-01-01"},
                                              {"--name", std::string(300, 'x')}}) {
    std::vector<std::string> words{"ada"};
    words.insert(words.end(), bad.begin(), bad.end());
    EXPECT_EQ(ask("set", words).code, 2) << bad[0] << " " << bad[1].substr(0, 20);
  }
  EXPECT_EQ(ask("show", {"ada"}).json()["name"], "ada") << "nothing of it was done";
}

TEST_F(GalleryVerbs, TheExpiredAreNotEnrolledAndGo) {
  constexpr std::int64_t kPast = 1000;
  {
    auto store = store::Store::open(people(), {.mode = store::Mode::kWrite});
    ASSERT_TRUE(store);
    ASSERT_TRUE(store->put_person({.public_id = "ada", .name = "ada", .expires_at = kPast}));
  }
  EXPECT_THAT(visavis({"gallery", "list", people()}).out,
              HasSubstr("1970-01-01T00:16:40Z, which is over"));
  const auto enrol = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"enrol", "--gallery", people(), "--npy", at("more.npy"), "--labels",
                               at("more.tsv"), "--json"});
    return visavis(more);
  };
  std::vector<float> row(512);
  row[7] = 1;
  ASSERT_TRUE(store::write_npy(folder() / "more.npy", 1, 512, row));
  write("more.tsv", "ada\n");
  const nlohmann::json refused = enrol({}).json();
  EXPECT_TRUE(refused["enrolled"].empty());
  EXPECT_EQ(refused["refused"][0]["reason"], "expired");
  EXPECT_EQ(enrol({"--name", "x"}).code, 2) << "a name is one person's";
  EXPECT_EQ(enrol({"--expires", "1d", "--consent", "contract"}).json()["enrolled"].size(), 1U);
  EXPECT_EQ(ask("show", {"ada"}).json()["consent_basis"], "contract");
  EXPECT_EQ(ask("remove", {"--expired"}).json()["persons"], 0);
  {
    auto store = store::Store::open(people(), {.mode = store::Mode::kWrite});
    ASSERT_TRUE(store->put_person({.public_id = "ada", .name = "ada", .expires_at = kPast}));
  }
  EXPECT_EQ(ask("remove", {"--expired"}).json()["persons"], 1);
  EXPECT_EQ(ask("list").json()["persons"].size(), 1U);
}

TEST_F(GalleryVerbs, StatesChecksAndCompacts) {
  const nlohmann::json stats = ask("stats").json();
  EXPECT_EQ(stats["persons"], 2);
  EXPECT_EQ(stats["faces"], 3);
  EXPECT_EQ(stats["dimension"], 512);
  EXPECT_EQ(stats["element"], "f16");
  EXPECT_EQ(stats["encryption"], "none");
  EXPECT_EQ(ask("compact").code, 0);
  const Answer well = ask("check");
  EXPECT_EQ(well.code, 0);
  EXPECT_EQ(well.json()["ok"], true);
  std::ofstream(folder() / "people" / "gallery.sqlite", std::ios::binary) << std::string(200, 'x');
  const Answer ill = ask("check");
  EXPECT_EQ(ill.code, 1);
  EXPECT_EQ(ill.json()["ok"], false);
  EXPECT_EQ(ask("list").code, 3);
}

TEST_F(GalleryVerbs, ChoosesHowItIsSearched) {
  EXPECT_EQ(ask("stats").json()["index"], "exact");
  EXPECT_EQ(ask("stats").json()["index_choice"], "auto");
  const Answer chosen = ask("index", {"hnsw"});
  EXPECT_EQ(chosen.code, 0);
  EXPECT_EQ(chosen.json()["index"], "hnsw");
  EXPECT_EQ(ask("stats").json()["index_choice"], "hnsw");
  EXPECT_EQ(ask("index", {"fastest"}).code, 2);
  EXPECT_EQ(ask("index").code, 2);
  EXPECT_EQ(ask("index", {"auto"}).json()["index"], "exact");
  EXPECT_EQ(ask("check").code, 0);
}

TEST_F(GalleryVerbs, AFileIsNoGalleryToAnyVerb) {
  write("file", "x");
  for (const char* verb : {"list", "stats", "check", "compact"})
    EXPECT_EQ(visavis({"gallery", verb, at("file")}).code, 3) << verb;
  EXPECT_EQ(visavis({"enrol", "--gallery", at("file"), "--npy", at("rows.npy"), "--labels",
                     at("labels.tsv")})
                .code,
            3);
}

TEST_F(GalleryVerbs, WantsAGalleryThatIsThere) {
  for (const char* verb : {"list", "stats", "check", "compact"}) {
    EXPECT_EQ(visavis({"gallery", verb, at("nowhere")}).code, 3) << verb;
    EXPECT_EQ(visavis({"gallery", verb}).code, 2) << verb;
  }
  EXPECT_EQ(visavis({"gallery"}).code, 2);
  EXPECT_FALSE(std::filesystem::exists(at("nowhere")));
}

}  // namespace
}  // namespace visavis::integration
