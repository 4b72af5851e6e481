#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <visavis/core/file.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/encode.hpp>
#include <visavis/store/store.hpp>

#include "program.hpp"

namespace visavis::integration {
namespace {

using ::testing::HasSubstr;

TEST_F(FaceTest, VerifyTellsSamePersonFromAnother) {
  const Answer same = visavis({"verify", photo("obama.jpg"), photo("obama2.jpg"), "--json"});
  ASSERT_EQ(same.code, 0) << same.err;
  const nlohmann::json json = same.json();
  EXPECT_EQ(json["schema"], "visavis.verify/1");
  EXPECT_EQ(json["same"], true);
  EXPECT_EQ(json["score_kind"], "cosine");
  EXPECT_EQ(json["promise"]["kind"], "far");
  EXPECT_EQ(json["promise"]["value"], 1e-3);
  // An independent pipeline (numpy MTCNN, OpenCV warp, ONNX Runtime) gives .753.
  EXPECT_NEAR(json["similarity"].get<double>(), .753, .03);
  EXPECT_THAT(json["warnings"].dump(), HasSubstr("2 faces were found"));

  const Answer other = visavis({"verify", photo("obama.jpg"), photo("biden.jpg"), "--json"});
  EXPECT_EQ(other.code, 0) << "no is an answer";
  EXPECT_EQ(other.json()["same"], false);
}

TEST_F(FaceTest, ThresholdsComeFromTheCalibration) {
  const auto ask = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"verify", photo("obama2.jpg"), photo("obama3.jpg"), "--json"});
    return visavis(more);
  };
  const nlohmann::json loose = ask({"--far", "1e-2"}).json();
  const nlohmann::json between = ask({"--far", "0.005"}).json();
  EXPECT_EQ(between["promise"]["value"], 1e-3) << "the next stricter point";
  EXPECT_LT(loose["threshold"].get<double>(), between["threshold"].get<double>());
  const nlohmann::json given = ask({"--threshold", "0.99"}).json();
  EXPECT_EQ(given["same"], false);
  EXPECT_TRUE(given["promise"].is_null());
  const Answer beyond = ask({"--far", "1e-9"});
  EXPECT_EQ(beyond.code, 2);
  EXPECT_THAT(beyond.err, HasSubstr("0.001"));
  EXPECT_EQ(ask({"--far", "1e-2", "--threshold", ".5"}).code, 2);
}

TEST_F(FaceTest, VerifySpeaksInDistances) {
  const auto ask = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"verify", photo("obama.jpg"), photo("obama2.jpg"), "--json"});
    return visavis(more).json();
  };
  const nlohmann::json cosine = ask({});
  const double similarity = cosine["similarity"];
  const nlohmann::json squared = ask({"--metric", "squared_l2"});
  EXPECT_EQ(squared["score_kind"], "squared_l2");
  EXPECT_EQ(squared["same"], true);
  EXPECT_NEAR(squared["similarity"].get<double>(), similarity, 1e-5) << "stays the cosine";
  EXPECT_NEAR(squared["score"].get<double>(), 2 - 2 * similarity, 1e-4);
  EXPECT_NEAR(squared["threshold"].get<double>(), 2 - 2 * cosine["threshold"].get<double>(), 1e-6);
  EXPECT_EQ(squared["promise"], cosine["promise"]);
  // The pair's cosine is about .75, its distance .7: more than .6, less than .8.
  EXPECT_EQ(ask({"--metric", "l2", "--threshold", ".6"})["same"], false);
  EXPECT_EQ(ask({"--metric", "l2", "--threshold", ".8"})["same"], true);
  EXPECT_EQ(visavis({"verify", photo("obama.jpg"), photo("obama2.jpg"), "--metric", "l1"}).code, 2);
}

TEST_F(FaceTest, IdentifySpeaksInDistancesAndFusesTemplates) {
  const std::string people = at("people");
  ASSERT_EQ(
      visavis({"enrol", "--gallery", people, "44", photo("obama.jpg"), photo("obama3.jpg")}).code,
      0);
  ASSERT_EQ(visavis({"enrol", "--gallery", people, "46", photo("biden.jpg")}).code, 0);
  const auto ask = [&](std::vector<std::string> more) {
    more.insert(more.begin(),
                {"identify", photo("obama2.jpg"), "--gallery", people, "--top", "2", "--json"});
    const Answer answer = visavis(more);
    EXPECT_EQ(answer.code, 0) << answer.err;
    return answer.json();
  };
  const nlohmann::json json = ask({"--metric", "l2"});
  const nlohmann::json& face = json["images"][0]["faces"][0];
  EXPECT_EQ(face["person"], "44");
  EXPECT_EQ(face["candidates"][0]["person"], "44");
  EXPECT_LT(face["candidates"][0]["score"], face["candidates"][1]["score"]);
  const nlohmann::json best = ask({})["images"][0]["faces"][0]["candidates"];
  const nlohmann::json mean = ask({"--fusion", "mean"})["images"][0]["faces"][0]["candidates"];
  EXPECT_EQ(mean[0]["person"], "44");
  EXPECT_GT(std::abs(mean[0]["similarity"].get<double>() - best[0]["similarity"].get<double>()),
            1e-3);
  EXPECT_NEAR(mean[1]["similarity"].get<double>(), best[1]["similarity"].get<double>(), 1e-4)
      << "of one template alone";
  EXPECT_EQ(ask({"--fusion", "quality"})["fusion"], "quality");
  EXPECT_EQ(visavis({"identify", photo("obama2.jpg"), "--gallery", people, "--fusion", "max"}).code,
            2);
  EXPECT_EQ(ask({"--fpir", ".01"})["promise"]["kind"], "fpir");
  EXPECT_EQ(visavis({"identify", photo("obama2.jpg"), "--gallery", people, "--fpir", "1e-9"}).code,
            2)
      << "stricter than what is calibrated";
}

TEST_F(FaceTest, EnrolsAndIdentifiesAndKnowsWhenItDoesNot) {
  const std::string people = at("people");
  const Answer enrolled =
      visavis({"enrol", "--gallery", people, "Barack Obama", photo("obama.jpg"), "--json"});
  ASSERT_EQ(enrolled.code, 0) << enrolled.err;
  EXPECT_EQ(enrolled.json()["enrolled"][0]["person"], "Barack Obama");
  const nlohmann::json second =
      visavis({"enrol", "--gallery", people, "Joe Biden", photo("biden.jpg"), photo("sample1.jpg"),
               photo("biden.jpg"), "--json"})
          .json();
  EXPECT_EQ(second["enrolled"].size(), 1U);
  ASSERT_EQ(second["refused"].size(), 2U);
  EXPECT_EQ(second["refused"][0]["reason"], "many_faces");
  EXPECT_EQ(second["refused"][1]["reason"], "duplicate");

  const Answer answer =
      visavis({"identify", photo("obama2.jpg"), photo("astronaut.png"), "--gallery", people,
               "--top", "2", "--draw", at("drawn"), "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  const nlohmann::json& known = json["images"][0]["faces"][0];
  EXPECT_EQ(known["decision"], "match");
  EXPECT_EQ(known["person"], "Barack Obama");
  ASSERT_EQ(known["candidates"].size(), 2U);
  EXPECT_EQ(known["candidates"][1]["person"], "Joe Biden");
  const nlohmann::json& stranger = json["images"][1]["faces"][0];
  EXPECT_EQ(stranger["decision"], "unknown");
  EXPECT_TRUE(stranger["person"].is_null());
  EXPECT_TRUE(std::filesystem::exists(at("drawn/obama2.jpg")));
  EXPECT_TRUE(std::filesystem::exists(at("drawn/astronaut.jpg")));
}

TEST_F(FaceTest, NobodyIsIdentifiedWhoseTimeIsOver) {
  const std::string people = at("people");
  const nlohmann::json nothing = visavis({"enrol", "--gallery", people, "nobody",
                                          photo("sample1.jpg"), "--expires", "1y", "--json"})
                                     .json();
  EXPECT_EQ(nothing["refused"].size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(people)) << "a person without a face is not made";
  ASSERT_EQ(visavis({"enrol", "--gallery", people, "44", photo("obama.jpg"), "--name", "Barack",
                     "--consent", "public office", "--expires", "30d"})
                .code,
            0);
  ASSERT_EQ(visavis({"enrol", "--gallery", people, "46", photo("biden.jpg")}).code, 0);
  const auto ask = [&] {
    return visavis({"identify", photo("obama2.jpg"), "--gallery", people, "--json"})
        .json()["images"][0]["faces"][0];
  };
  EXPECT_EQ(ask()["person"], "44");
  EXPECT_EQ(ask()["candidates"][0]["name"], "Barack");
  {
    auto store = store::Store::open(people, {.mode = store::Mode::kWrite});
    ASSERT_TRUE(store && store->put_person({.public_id = "44", .name = "B", .expires_at = 1000}));
  }
  EXPECT_EQ(ask()["decision"], "unknown");
  EXPECT_EQ(ask()["candidates"][0]["person"], "46");
}

TEST_F(FaceTest, SelectionOverridesTheRefusalOfManyFaces) {
  const auto enrol = [&](const std::string& gallery, const std::string& select) {
    std::vector<std::string> words{"enrol", "--gallery",          at(gallery),
                                   "one",   photo("sample1.jpg"), "--json"};
    if (!select.empty()) words.insert(words.end(), {"--select", select});
    return visavis(words);
  };
  const nlohmann::json refused = enrol("g", "").json();
  EXPECT_EQ(refused["refused"][0]["reason"], "many_faces");
  EXPECT_THAT(refused["refused"][0]["message"].get<std::string>(), HasSubstr("--select"));
  const Answer chosen = enrol("g", "largest");
  ASSERT_EQ(chosen.code, 0) << chosen.err;
  EXPECT_TRUE(chosen.json()["refused"].empty()) << chosen.json();
  ASSERT_EQ(chosen.json()["enrolled"].size(), 1U);

  // The largest face, and no other, is the one that was enrolled.
  const nlohmann::json found = visavis({"identify", photo("sample1.jpg"), "--gallery", at("g"),
                                        "--threshold", "0.999", "--json"})
                                   .json()["images"][0]["faces"];
  const auto area = [](const nlohmann::json& face) {
    return face["box"]["width"].get<double>() * face["box"]["height"].get<double>();
  };
  const auto largest = std::ranges::max_element(found, {}, area);
  for (auto face = found.begin(); face != found.end(); ++face)
    EXPECT_EQ((*face)["decision"], face == largest ? "match" : "unknown");
  EXPECT_EQ(enrol("h", "center").code, 0);
  EXPECT_EQ(enrol("h", "tallest").code, 2);
  EXPECT_EQ(visavis({"enrol", "--gallery", at("h"), "--npy", "a.npy", "--labels", "a.tsv",
                     "--select", "center"})
                .code,
            2);
}

/// The picture once more, as whoever sends it on keeps it.
void write_again(const std::string& photo, const std::string& copy, int quality) {
  const auto bytes = read_file(photo, 100'000'000);
  ASSERT_TRUE(bytes);
  const auto decoded = image::decode(*bytes);
  ASSERT_TRUE(decoded);
  const auto jpeg = image::encode_jpeg(decoded->image.view(), quality);
  ASSERT_TRUE(jpeg && write_file(copy, *jpeg));
}

TEST_F(FaceTest, ThePictureThatIsThereIsADuplicateWhateverItsName) {
  for (const int quality : {75, 90, 95})
    write_again(photo("obama.jpg"), at("again" + std::to_string(quality) + ".jpg"), quality);
  const auto enrol = [&](const std::string& person, std::vector<std::string> photos) {
    photos.insert(photos.begin(), {"enrol", "--gallery", at("g"), "--json", person});
    const Answer answer = visavis(photos);
    EXPECT_EQ(answer.code, 0) << answer.err;
    return answer.json();
  };
  const nlohmann::json batch =
      enrol("44", {photo("obama.jpg"), at("again75.jpg"), photo("obama3.jpg")});
  EXPECT_EQ(batch["enrolled"].size(), 2U) << "another photo of the same man is none";
  ASSERT_EQ(batch["refused"].size(), 1U);
  EXPECT_EQ(batch["refused"][0]["path"], at("again75.jpg"));
  EXPECT_EQ(batch["refused"][0]["reason"], "duplicate");
  EXPECT_EQ(batch["refused"][0]["message"], "the same picture is enrolled already");

  const nlohmann::json later = enrol("44", {at("again90.jpg"), at("again95.jpg")});
  ASSERT_EQ(later["refused"].size(), 2U);
  EXPECT_EQ(later["refused"][0]["message"], "the same picture is enrolled already (f1)");
  const nlohmann::json other = enrol("somebody", {at("again75.jpg")});
  ASSERT_EQ(other["refused"].size(), 1U);
  EXPECT_EQ(other["refused"][0]["message"],
            "the same picture is enrolled already, as another person: 44 (f1)");
  EXPECT_EQ(enrol("somebody", {at("again75.jpg"), "--allow-duplicates"})["enrolled"].size(), 1U);
}

TEST_F(FaceTest, EnrolsFoldersOfPeople) {
  std::filesystem::create_directories(folder() / "from" / "ada");
  std::filesystem::copy(photo("astronaut.png"), folder() / "from" / "ada" / "1.png");
  std::filesystem::copy(photo("biden.jpg"), folder() / "from" / "stray.jpg");
  const Answer answer = visavis({"enrol", "--gallery", at("g"), "--from", at("from"), "--json"});
  EXPECT_EQ(answer.code, 3) << "a photo in nobody's folder";
  EXPECT_EQ(answer.json()["enrolled"][0]["person"], "ada");
  EXPECT_EQ(answer.json()["errors"][0]["path"], at("from/stray.jpg"));
}

TEST_F(FaceTest, EnrolFromAFolderGoesOnWhereItStopped) {
  for (const char* name : {"ada", "ben", "joe"})
    std::filesystem::create_directories(folder() / "from" / name);
  std::filesystem::copy(photo("astronaut.png"), folder() / "from" / "ada" / "1.png");
  const auto enrol = [&] {
    return visavis({"enrol", "--gallery", at("g"), "--from", at("from"), "--json"}).json();
  };
  EXPECT_EQ(enrol()["enrolled"].size(), 1U);
  std::filesystem::copy(photo("biden.jpg"), folder() / "from" / "joe" / "1.jpg");
  // The same picture under somebody else's name is looked at, and refused.
  std::filesystem::copy(photo("astronaut.png"), folder() / "from" / "ben" / "1.png");
  const nlohmann::json again = enrol();
  EXPECT_EQ(again["already"], 1);
  ASSERT_EQ(again["enrolled"].size(), 1U);
  EXPECT_EQ(again["enrolled"][0]["person"], "joe");
  ASSERT_EQ(again["refused"].size(), 1U);
  EXPECT_EQ(again["refused"][0]["reason"], "duplicate");
}

/// Starts the program and kills it a second after the gallery `people` has come to be.
std::vector<std::string> killed_early(const std::string& people) {
  return {"/bin/sh", "-c",
          "\"$@\" & program=$!; while kill -0 $program && ! [ -s '" + people +
              "/gallery.sqlite' ]; do sleep .05; done; sleep 1; kill -9 $program; wait $program",
          "sh"};
}

TEST_F(FaceTest, EnrolFromAFolderLooksAtRefusedPhotosOnce) {
  namespace fs = std::filesystem;
  const fs::path from = folder() / "from";
  for (const char* name : {"ada", "ben"}) fs::create_directories(from / name);
  // A first batch of 128, durable when the gallery is there, and a second that takes a while.
  fs::create_symlink(photo("astronaut.png"), from / "ada" / "a.png");
  for (int i = 100; i < 227; ++i)
    write("from/ada/" + std::to_string(i) + ".ppm",
          "P6 64 64 255\n" + std::string(std::size_t{64} * 64 * 3, '\x80'));
  for (int i = 0; i < 300; ++i)
    fs::create_symlink(photo("sample1.jpg"), from / "ben" / (std::to_string(i) + ".jpg"));
  const auto enrol = [&](std::vector<std::string> more, const std::vector<std::string>& launcher) {
    more.insert(more.begin(),
                {"enrol", "--gallery", at("g"), "--from", at("from"), "--json", "--quiet"});
    return visavis(more, launcher);
  };
  ASSERT_EQ(enrol({}, killed_early(at("g"))).code, 128 + SIGKILL) << "too fast to be stopped";
  fs::remove_all(from / "ben");
  // Were it looked at again, it would be enrolled.
  fs::remove(from / "ada" / "100.ppm");
  fs::create_symlink(photo("biden.jpg"), from / "ada" / "100.ppm");
  fs::copy(folder() / "g", folder() / "h", fs::copy_options::recursive);

  const Answer again = enrol({}, {});
  ASSERT_EQ(again.code, 0) << again.err;
  const nlohmann::json json = again.json();
  EXPECT_EQ(json["already"], 1);
  EXPECT_TRUE(json["enrolled"].empty());
  ASSERT_EQ(json["refused"].size(), 127U);
  EXPECT_EQ(json["refused"][0]["path"], at("from/ada/100.ppm"));
  EXPECT_EQ(json["refused"][0]["reason"], "no_face");
  EXPECT_EQ(json["refused"][0]["message"], "no face was found");

  // That run is done: the next one is a new one.
  EXPECT_EQ(enrol({}, {}).json()["enrolled"].size(), 1U);
  fs::remove_all(folder() / "g");
  fs::rename(folder() / "h", folder() / "g");
  EXPECT_EQ(enrol({"--min-quality", ".11"}, {}).json()["enrolled"].size(), 1U)
      << "judged by another measure";
}

TEST_F(FaceTest, IdentifiesAgainstRowsWithLabels) {
  ASSERT_EQ(visavis({"embed", photo("obama.jpg"), photo("biden.jpg"), "--out", at("known.npy"),
                     "--raw", "--select", "largest"})
                .code,
            0);
  write("labels.tsv", "first\nsecond\n");
  const auto ask = [&](const std::string& name, const std::string& labels) {
    return visavis(
        {"identify", photo(name), "--npy", at("known.npy"), "--labels", at(labels), "--json"});
  };
  EXPECT_EQ(ask("obama3.jpg", "labels.tsv").json()["images"][0]["faces"][0]["person"], "first");
  EXPECT_EQ(ask("astronaut.png", "labels.tsv").json()["images"][0]["faces"][0]["decision"],
            "unknown");
  write("short.tsv", "first\n");
  EXPECT_EQ(ask("obama3.jpg", "short.tsv").code, 3);
  EXPECT_EQ(visavis({"enrol", "--gallery", at("g"), "--npy", at("known.npy"), "--labels",
                     at("labels.tsv")})
                .code,
            0);
  EXPECT_EQ(visavis({"identify", photo("obama3.jpg"), "--gallery", at("g"), "--json"})
                .json()["images"][0]["faces"][0]["person"],
            "first");
}

TEST_F(FaceTest, GalleryOfAnotherModelIsRefused) {
  ASSERT_EQ(visavis({"enrol", "--gallery", at("g"), "one", photo("biden.jpg")}).code, 0);
  const Answer answer = visavis({"identify", photo("biden.jpg"), "--gallery", at("g"), "--flip"});
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.err, HasSubstr("another model"));
  EXPECT_EQ(visavis({"identify", photo("biden.jpg"), "--gallery", at("nowhere")}).code, 3);
}

}  // namespace
}  // namespace visavis::integration
