#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <variant>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/gallery/gallery.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/store/npy.hpp>
#include <visavis/store/store.hpp>
#include <visavis/tests/unit_vector.hpp>

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr ModelId kModel{42};

/// Vectors are stored as binary16: a product of unit vectors moves by at most 2^-11.
constexpr double kRounding = 0x1p-11;

Template face(std::vector<float> values, float norm = 20) {
  return {.embedding = {.model = kModel, .values = std::move(values), .norm = norm},
          .quality = .75F,
          .box = {.x = 1.5F, .y = 2, .width = 30, .height = 40},
          .source = "photo.jpg"};
}

/// The unit vector in the plane at an angle: cosines are known by hand.
Template at_degrees(double degrees) {
  const double angle = degrees * 3.14159265358979323846 / 180;
  return face({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
}

class FolderGalleryTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("visavis_gallery_" + std::to_string(::getpid()) + "_" + info->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<Gallery> open(OpenMode mode = OpenMode::kCreate) {
    auto gallery = open_gallery(folder_, mode);
    if (!gallery) ADD_FAILURE() << gallery.error().message;
    return gallery ? std::move(*gallery) : nullptr;
  }
  ErrorCode error_of_open() {
    const auto gallery = open_gallery(folder_, OpenMode::kRead);
    EXPECT_FALSE(gallery);
    return gallery ? ErrorCode::kInternal : gallery.error().code;
  }
  fs::path folder_;
};

TEST_F(FolderGalleryTest, IsNotFoundWhereThereIsNone) {
  EXPECT_EQ(error_of_open(), ErrorCode::kNotFound);
  fs::create_directories(folder_);
  EXPECT_EQ(error_of_open(), ErrorCode::kNotFound);
  EXPECT_EQ(open()->faces(), 0U);
}

TEST_F(FolderGalleryTest, RanksPersonsByTheirBestFace) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("near", std::vector{at_degrees(90), at_degrees(10)}));
  ASSERT_TRUE(gallery->enrol("far", std::vector{at_degrees(60)}));
  ASSERT_TRUE(gallery->enrol("opposite", std::vector{at_degrees(180)}));
  const auto all = gallery->identify(at_degrees(0).embedding, 10).value();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].person, "near");
  EXPECT_NEAR(all[0].similarity, .9848, kRounding);  // cos 10°
  EXPECT_EQ(all[0].norm, 20);
  EXPECT_EQ(all[1].person, "far");
  EXPECT_NEAR(all[1].similarity, .5, kRounding);
  EXPECT_NEAR(all[2].similarity, -1, kRounding);
  EXPECT_EQ(gallery->identify(at_degrees(0).embedding, 1)->size(), 1U);
  EXPECT_TRUE(gallery->identify(at_degrees(0).embedding, 0)->empty());
  EXPECT_EQ(gallery->persons(), 3U);
  EXPECT_EQ(gallery->faces(), 4U);
}

TEST_F(FolderGalleryTest, KeepsEverythingAcrossOpening) {
  const std::string odd = "tab\there, line\nthere, back\\slash, Zoë";
  {
    auto gallery = open();
    const auto enrolled = gallery->enrol(odd, std::vector{face({.6F, .8F}, 17.25F)}).value();
    EXPECT_EQ(enrolled[0].face_id, "f1");
    EXPECT_EQ(gallery->enrol("b", std::vector{at_degrees(90)})->at(0).face_id, "f2");
  }
  const auto again = open(OpenMode::kRead);
  EXPECT_EQ(again->model(), kModel);
  EXPECT_EQ(again->persons(), 2U);
  const auto found = again->identify(face({.6F, .8F}).embedding, 1).value();
  EXPECT_EQ(found[0].person, odd);
  EXPECT_NEAR(found[0].similarity, 1, kRounding);
  EXPECT_EQ(found[0].norm, 17.25F);
}

TEST_F(FolderGalleryTest, RefusesAnotherModel) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("a", std::vector{at_degrees(0)}));
  Template other = at_degrees(0);
  other.embedding.model = ModelId{43};
  EXPECT_EQ(gallery->enrol("a", std::vector{other}).error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->identify(other.embedding, 1).error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->enrol("a", std::vector{face({0, 0, 1})}).error().code,
            ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->identify(face({0, 0, 1}).embedding, 1).error().code,
            ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->faces(), 1U);
}

TEST_F(FolderGalleryTest, RefusesVectorsThatAreNoUnitVectors) {
  auto gallery = open();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const auto& bad :
       std::vector<std::vector<float>>{{}, {0, 0}, {kNan, 1}, {kInfinity, 0}, {1, 1}, {.5F, 0}}) {
    EXPECT_EQ(gallery->enrol("a", std::vector{face(bad)}).error().code,
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(gallery->identify(face(bad).embedding, 1).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(gallery->enrol("a", std::vector{face({1, 0}, kNan)}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(gallery->faces(), 0U);
}

TEST_F(FolderGalleryTest, RefusesNamesThatCannotBeKept) {
  auto gallery = open();
  for (const std::string& bad :
       {std::string(), std::string("\xff"), std::string(1'000'000, 'x'), std::string(257, 'x')}) {
    const auto answer = gallery->enrol(bad, std::vector{at_degrees(0)});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
    EXPECT_LT(answer.error().message.size(), 200U);
  }
  EXPECT_TRUE(gallery->enrol(std::string(256, 'x'), std::vector{at_degrees(0)}));
}

TEST_F(FolderGalleryTest, EnrolsABatchAllOrNone) {
  auto gallery = open();
  const std::vector<NewFace> batch{{"a", at_degrees(0)}, {"b", face({0, 0, 1})}};
  EXPECT_EQ(gallery->enrol(batch).error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->faces(), 0U);
  EXPECT_TRUE(gallery->enrol(std::vector<NewFace>{})->empty());
}

/// A random direction, for galleries that need many.
Template at_random(unsigned seed, std::size_t dimension = 32) {
  return face(tests::unit_vector(seed, dimension));
}

TEST_F(FolderGalleryTest, RemovedPersonsAreNotFoundAgain) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("a", std::vector{at_degrees(0), at_degrees(5)}));
  ASSERT_TRUE(gallery->enrol("b", std::vector{at_degrees(30)}));
  ASSERT_EQ(gallery->identify(at_degrees(0).embedding, 1)->at(0).person, "a");
  EXPECT_EQ(gallery->remove_person("a").value(), 2U);
  EXPECT_EQ(gallery->identify(at_degrees(0).embedding, 9)->size(), 1U);
  EXPECT_EQ(gallery->identify(at_degrees(0).embedding, 1)->at(0).person, "b");
  EXPECT_EQ(gallery->persons(), 1U);
  EXPECT_EQ(gallery->faces(), 1U);
  EXPECT_EQ(gallery->remove_person("a").error().code, ErrorCode::kNotFound);
  gallery.reset();
  gallery = open(OpenMode::kRead);
  EXPECT_EQ(gallery->identify(at_degrees(0).embedding, 9)->size(), 1U);
}

TEST_F(FolderGalleryTest, RemovesOneFace) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("a", std::vector{at_degrees(0), at_degrees(60)}));
  EXPECT_EQ(gallery->identify(at_degrees(0).embedding, 1)->at(0).face_id, "f1");
  ASSERT_TRUE(gallery->remove_face("f1"));
  EXPECT_NEAR(gallery->identify(at_degrees(0).embedding, 1)->at(0).similarity, .5, kRounding);
  for (const char* id : {"f1", "f99", "f", "2", "f2x", "f02", ""})
    EXPECT_EQ(gallery->remove_face(id).error().code, ErrorCode::kNotFound) << id;
  EXPECT_EQ(gallery->faces(), 1U);
}

/// kSamePicture is the cosine of 11.5°.
TEST_F(FolderGalleryTest, EnrolsNoPictureTwiceIfToldSo) {
  auto gallery = open();
  const EnrolOptions options{.refuse_duplicates = true};
  EXPECT_THAT(*gallery->enrol({}, options), testing::IsEmpty());
  ASSERT_TRUE(gallery->enrol("a", std::vector{at_degrees(0), at_degrees(60)}));
  const std::vector<NewFace> faces{{"a", at_degrees(61)},    // of f2
                                   {"b", at_degrees(5)},     // of f1, under another id
                                   {"b", at_degrees(13)},    // somebody else's picture
                                   {"c", at_degrees(120)},   // new
                                   {"c", at_degrees(125)},   // as the one before
                                   {"c", at_degrees(133)}};  // as that one, which is not enrolled
  const auto made = gallery->enrol(faces, options);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->size(), 6U);
  const auto* first = std::get_if<Duplicate>(&(*made)[0]);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->person, "a");
  EXPECT_EQ(first->face_id, "f2");
  EXPECT_NEAR(first->similarity, .99985, kRounding);  // cos 1°
  const auto* second = std::get_if<Duplicate>(&(*made)[1]);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->person, "a");
  EXPECT_EQ(second->face_id, "f1");
  const auto* fifth = std::get_if<Duplicate>(&(*made)[4]);
  ASSERT_NE(fifth, nullptr);
  EXPECT_EQ(fifth->person, "c");
  EXPECT_EQ(fifth->face_id, "");
  EXPECT_NEAR(fifth->similarity, .99619, 1e-5);  // cos 5°, neither of them rounded
  std::vector<std::string> enrolled;
  for (const Decision& decision : *made)
    if (const auto* face = std::get_if<Enrolled>(&decision))
      enrolled.push_back(face->person + " " + face->face_id);
  EXPECT_THAT(enrolled, testing::ElementsAre("b f3", "c f4", "c f5"));
  EXPECT_EQ(gallery->faces(), 5U);
  EXPECT_EQ(gallery->persons(), 3U);
  EXPECT_EQ(gallery->enrol("a", std::vector{at_degrees(0)})->size(), 1U) << "unless told so";

  Template other = at_degrees(0);
  other.embedding.model = ModelId{43};
  EXPECT_EQ(gallery->enrol(std::vector<NewFace>{{"a", other}}, options).error().code,
            ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->enrol(std::vector<NewFace>{{"a", face({1, 1})}}, options).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(FolderGalleryTest, ChangesWhoseFaceIsEnrolledAndNobodyElse) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("a", std::vector{at_degrees(0)}));
  const EnrolOptions options{.refuse_duplicates = true, .change = {.consent_basis = "asked"}};
  const std::vector<NewFace> faces{
      {"a", at_degrees(1)}, {"b", at_degrees(2)}, {"c", at_degrees(90)}, {"c", at_degrees(120)}};
  ASSERT_TRUE(gallery->enrol(faces, options));
  EXPECT_EQ(gallery->show("a")->person.consent_basis, std::nullopt);
  EXPECT_EQ(gallery->show("b").error().code, ErrorCode::kNotFound) << "only a duplicate's";
  EXPECT_EQ(gallery->show("c")->person.consent_basis, "asked");
  EXPECT_EQ(gallery->show("c")->faces.size(), 2U);
  EXPECT_EQ(gallery->persons(), 2U);
  const std::vector<NewFace> wrong{{"d", at_degrees(180)}, {"e", face({0, 0, 1})}};
  EXPECT_EQ(gallery->enrol(wrong, {.change = options.change}).error().code,
            ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->show("d").error().code, ErrorCode::kNotFound) << "all or none, persons too";
  EXPECT_EQ(gallery->stats()->persons, 2U);
}

TEST_F(FolderGalleryTest, OfThreadsThatEnrolOnePictureOnlyOneDoes) {
  constexpr int kThreads = 4;
  constexpr int kPictures = 25;
  auto gallery = open();
  std::barrier start(kThreads);
  std::atomic<int> enrolled{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (int picture = 0; picture < kPictures; ++picture) {
        // As it came from four cameras' uploads: under four ids, at once.
        const std::vector<NewFace> faces{
            {std::to_string(thread), at_random(static_cast<unsigned>(picture))}};
        start.arrive_and_wait();
        const auto decisions = gallery->enrol(faces, {.refuse_duplicates = true});
        if (!decisions) continue;
        ++(std::holds_alternative<Enrolled>(decisions->front()) ? enrolled : refused);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(enrolled, kPictures);
  EXPECT_EQ(refused, kPictures * (kThreads - 1));
  EXPECT_EQ(gallery->faces(), std::size_t{kPictures});
}

TEST_F(FolderGalleryTest, FusesTemplates) {
  auto gallery = open();
  Template good = at_degrees(90);
  good.quality = 1;
  Template bad = at_degrees(0);
  bad.quality = 0;
  ASSERT_TRUE(gallery->enrol("a", std::vector{good, bad}));
  const auto ask = [&](Fusion fusion) {
    return gallery->identify(at_degrees(0).embedding, {.limit = 1, .fusion = fusion})
        ->at(0)
        .similarity;
  };
  EXPECT_NEAR(ask(Fusion::kBest), 1, kRounding);
  EXPECT_NEAR(ask(Fusion::kMean), std::sqrt(.5), kRounding);  // halfway: cos 45°
  EXPECT_NEAR(ask(Fusion::kQualityWeighted), 0, kRounding);   // the good one alone: cos 90°
}

TEST_F(FolderGalleryTest, FusionChangesWhoIsFirst) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("torn", std::vector{at_degrees(1), at_degrees(120)}));
  ASSERT_TRUE(gallery->enrol("steady", std::vector{at_degrees(20), at_degrees(22)}));
  const auto ask = [&](Fusion fusion) {
    return gallery->identify(at_degrees(0).embedding, {.limit = 1, .fusion = fusion})->at(0).person;
  };
  EXPECT_EQ(ask(Fusion::kBest), "torn");
  EXPECT_EQ(ask(Fusion::kMean), "steady");
}

constexpr std::int64_t kLate = 32'503'680'000;  // the year 3000

TEST_F(FolderGalleryTest, FindsNobodyWhoseTimeIsOver) {
  auto gallery = open();
  for (const double degrees : {0., 1., 2., 3., 30., 40.})
    ASSERT_TRUE(gallery->enrol(std::to_string(static_cast<int>(degrees)),
                               std::vector{at_degrees(degrees), at_degrees(degrees + .1)}));
  for (const char* person : {"0", "1", "2"})
    ASSERT_TRUE(gallery->change_person(person, {.expires_at = 1000}));
  ASSERT_TRUE(gallery->change_person("3", {.expires_at = kLate}));
  const auto reader = open(OpenMode::kRead);
  for (const Gallery* one :
       {static_cast<const Gallery*>(gallery.get()), static_cast<const Gallery*>(reader.get())})
    for (const Fusion fusion : {Fusion::kBest, Fusion::kMean}) {
      const auto ask = [&](std::size_t limit) {
        std::vector<std::string> who;
        const auto found =
            one->identify(at_degrees(0).embedding, {.limit = limit, .fusion = fusion});
        for (const Candidate& candidate : found.value()) who.push_back(candidate.person);
        return who;
      };
      EXPECT_THAT(ask(1), testing::ElementsAre("3"));
      EXPECT_THAT(ask(2), testing::ElementsAre("3", "30"));
      EXPECT_THAT(ask(9), testing::ElementsAre("3", "30", "40"));
    }
  EXPECT_EQ(gallery->expired(1000)->size(), 3U);
  EXPECT_EQ(gallery->expired(999)->size(), 0U);
  ASSERT_TRUE(gallery->change_person("1", {.never_expires = true}));
  EXPECT_EQ(gallery->identify(at_degrees(0).embedding, 1)->at(0).person, "1");
}

TEST_F(FolderGalleryTest, ChangesWhatIsSaidOfAPersonAndNothingElse) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("p1", std::vector{at_degrees(0)}));
  ASSERT_TRUE(gallery->change_person("p1", {.name = "Ada",
                                            .attributes = R"({"team":"a","floor":3})",
                                            .consent_basis = "contract",
                                            .consent_at = 5}));
  ASSERT_TRUE(gallery->change_person("p1", {.single_attributes = {{"team", "b"}}}));
  const Person person = gallery->show("p1")->person;
  EXPECT_EQ(person.name, "Ada");
  EXPECT_EQ(person.attributes, R"({"floor":3,"team":"b"})");
  EXPECT_EQ(person.consent_basis, "contract");
  EXPECT_EQ(person.consent_at, 5);
  EXPECT_FALSE(person.expires_at);
  EXPECT_EQ(person.faces, 1U);
  EXPECT_EQ(gallery->change_person("p1", {.attributes = "[1]"}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(gallery->show("p1")->person.name, "Ada");
  ASSERT_TRUE(gallery->change_person("new", {.expires_at = 7}));
  EXPECT_EQ(gallery->persons(), 2U);
  EXPECT_EQ(gallery->show("new")->person.name, "new");
}

TEST_F(FolderGalleryTest, KnowsWhatItWasToldOfAPerson) {
  auto gallery = open();
  ASSERT_TRUE(gallery->put_person({.id = "p1",
                                   .name = "Ada",
                                   .attributes = R"({"team":"engine"})",
                                   .consent_basis = "contract",
                                   .consent_at = 100,
                                   .expires_at = kLate}));
  ASSERT_TRUE(gallery->enrol("p1", std::vector{at_degrees(0)}));
  EXPECT_EQ(gallery->persons(), 1U);
  EXPECT_EQ(gallery->identify(at_degrees(0).embedding, 1)->at(0).name, "Ada");
  const auto details = gallery->show("p1").value();
  EXPECT_EQ(details.person.name, "Ada");
  EXPECT_EQ(details.person.attributes, R"({"team":"engine"})");
  EXPECT_EQ(details.person.consent_basis, "contract");
  ASSERT_EQ(details.faces.size(), 1U);
  EXPECT_EQ(details.faces[0].face_id, "f1");
  EXPECT_EQ(details.faces[0].source, "photo.jpg");
  EXPECT_EQ(gallery->show("p2").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(gallery->remove_expired(kLate - 1).value(), 0U);
  EXPECT_EQ(gallery->remove_expired(kLate).value(), 1U);
  EXPECT_TRUE(gallery->identify(at_degrees(0).embedding, 1)->empty());
}

TEST_F(FolderGalleryTest, ListsInPages) {
  auto gallery = open();
  for (const char* id : {"c", "a", "b"})
    ASSERT_TRUE(gallery->enrol(id, std::vector{at_degrees(0)}));
  const auto first = gallery->list({.after = 0, .limit = 2}).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[1].id, "a");
  EXPECT_EQ(first[1].faces, 1U);
  const auto rest = gallery->list({.after = first[1].number, .limit = 2}).value();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].id, "b");
}

TEST_F(FolderGalleryTest, ListsThoseOfAName) {
  auto gallery = open();
  for (const char* name : {"Åsa Öberg", "100 %", "Pär Åström", "under_score", "Ada"})
    ASSERT_TRUE(gallery->put_person({.id = name, .name = name}));
  const auto named = [&](const std::string& part, std::int64_t after = 0, std::size_t limit = 9) {
    std::vector<std::string> names;
    const auto found = gallery->list({.after = after, .limit = limit, .name = part}).value();
    for (const Person& person : found) names.push_back(person.name);
    return names;
  };
  using testing::ElementsAre;
  EXPECT_THAT(named("å"), ElementsAre("Åsa Öberg", "Pär Åström"));
  EXPECT_THAT(named("ÅSTRÖM"), ElementsAre("Pär Åström"));
  EXPECT_THAT(named("a ö"), ElementsAre("Åsa Öberg"));
  EXPECT_THAT(named("%"), ElementsAre("100 %"));
  EXPECT_THAT(named("_"), ElementsAre("under_score"));
  EXPECT_THAT(named("'"), ElementsAre());
  EXPECT_EQ(named("").size(), 5U);
  EXPECT_THAT(named("å", 0, 1), ElementsAre("Åsa Öberg"));
  EXPECT_THAT(named("å", gallery->show("Åsa Öberg")->person.number, 1), ElementsAre("Pär Åström"));
}

TEST_F(FolderGalleryTest, ExportsAPerson) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("a", std::vector{at_degrees(0)}));
  ASSERT_TRUE(gallery->enrol("b", std::vector{at_degrees(90), at_degrees(180)}));
  const auto all = gallery->export_person("b").value();
  EXPECT_EQ(all.details.person.id, "b");
  EXPECT_EQ(all.details.faces.size(), 2U);
  EXPECT_EQ(all.model, kModel);
  EXPECT_EQ(all.dimension, 2U);
  EXPECT_THAT(all.vectors,
              testing::Pointwise(testing::FloatNear(1e-3F), std::vector<float>{0, 1, -1, 0}));
}

TEST_F(FolderGalleryTest, AReaderSeesWhatAWriterDoes) {
  auto writer = open();
  ASSERT_TRUE(writer->enrol("a", std::vector{at_degrees(0)}));
  const auto reader = open(OpenMode::kRead);
  EXPECT_EQ(reader->identify(at_degrees(0).embedding, 9)->size(), 1U);
  ASSERT_TRUE(writer->enrol("b", std::vector{at_degrees(90)}));
  EXPECT_EQ(reader->identify(at_degrees(0).embedding, 9)->size(), 2U);
  EXPECT_EQ(reader->persons(), 2U);
  ASSERT_TRUE(writer->remove_person("a"));
  const auto left = reader->identify(at_degrees(0).embedding, 9).value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].person, "b");
}

TEST_F(FolderGalleryTest, StatesWhatItIs) {
  auto gallery = open();
  EXPECT_EQ(gallery->stats()->model, "");
  ASSERT_TRUE(gallery->enrol("a", std::vector{at_degrees(0)}));
  const Stats stats = gallery->stats().value();
  EXPECT_EQ(stats.model, "000000000000002a");
  EXPECT_EQ(stats.dimension, 2U);
  EXPECT_EQ(stats.element, "f16");
  EXPECT_EQ(stats.generation, 1U);
  EXPECT_EQ(stats.format_version, 3);
  EXPECT_TRUE(gallery->check()->empty());
  EXPECT_TRUE(gallery->compact());
}

/// tests/data/past: what the program of the past version wrote of the vectors that
/// tests/make_past.py makes.
TEST_F(FolderGalleryTest, BringsThePastVersionAlong) {
  const fs::path past = fs::path(VISAVIS_SOURCE_DIR) / "libs/gallery/gallery/tests/data/past";
  fs::copy(past, folder_);
  const auto vectors = store::read_npy(past / "embeddings-1.npy").value();
  const auto gallery = open(OpenMode::kRead);
  ASSERT_TRUE(gallery);
  EXPECT_EQ(gallery->persons(), 3U);
  EXPECT_EQ(gallery->faces(), 5U);
  EXPECT_EQ(matching::to_text(gallery->model()), "ab1eed1147f2f986");
  const std::vector<std::string> who{"Ada Łovelace 👩", "Grace", "Ada Łovelace 👩",
                                     "back\\slash\tand tab", "Grace"};
  for (std::size_t i = 0; i < who.size(); ++i) {
    const auto row = std::span(vectors.values).subspan(i * 512, 512);
    const Embedding probe{.model = gallery->model(), .values = {row.begin(), row.end()}};
    const auto found = gallery->identify(probe, 1).value();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].person, who[i]);
    EXPECT_EQ(found[0].face_id, "f" + std::to_string(i + 1));
    EXPECT_NEAR(found[0].similarity, 1, kRounding) << "nothing was rounded";
  }
  EXPECT_NEAR(gallery->show("Grace")->faces.at(0).norm, 24.216017, 1e-6);
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_THAT(entry.path().filename().string(), testing::StartsWith("gallery."));
  EXPECT_FALSE(fs::exists(folder_ / "gallery.json"));
}

TEST_F(FolderGalleryTest, FinishesAMigrationThatWasInterrupted) {
  const fs::path past = fs::path(VISAVIS_SOURCE_DIR) / "libs/gallery/gallery/tests/data/past";
  fs::copy(past, folder_);
  ASSERT_TRUE(open(OpenMode::kRead));
  fs::copy(past, folder_, fs::copy_options::overwrite_existing);  // as if not yet removed
  EXPECT_EQ(open(OpenMode::kWrite)->faces(), 5U);
  EXPECT_FALSE(fs::exists(folder_ / "embeddings-1.npy"));
}

TEST_F(FolderGalleryTest, LeavesADamagedPastVersionAlone) {
  const fs::path past = fs::path(VISAVIS_SOURCE_DIR) / "libs/gallery/gallery/tests/data/past";
  fs::copy(past, folder_);
  fs::resize_file(folder_ / "embeddings-1.npy", 5000);
  EXPECT_EQ(error_of_open(), ErrorCode::kDecodeFailed);
  EXPECT_TRUE(fs::exists(folder_ / "gallery.json"));
  EXPECT_FALSE(fs::exists(folder_ / "gallery.sqlite"));
}

/// A committed gallery of a past version, below tests/data.
class PastVersionTest : public FolderGalleryTest {
 protected:
  explicit PastVersionTest(const char* name)
      : data_(fs::path(VISAVIS_SOURCE_DIR) / "libs/gallery/gallery/tests/data" / name) {}
  void SetUp() override {
    FolderGalleryTest::SetUp();
    fs::copy(data_, folder_, fs::copy_options::recursive);
  }
  /// That it holds what was put into it.
  virtual void expect_all(const Gallery& gallery) const = 0;

  void expect_read(int version) {
    const auto gallery = open(OpenMode::kRead);
    ASSERT_TRUE(gallery);
    EXPECT_EQ(gallery->stats()->format_version, version);
    expect_all(*gallery);
  }
  /// @param changes  noted in the audit log before
  void expect_lift(std::int64_t faces, std::size_t changes) {
    const auto reader = open(OpenMode::kRead);
    {
      const auto gallery = open(OpenMode::kWrite);
      ASSERT_TRUE(gallery);
      EXPECT_EQ(gallery->stats()->format_version, 3);
      expect_all(*gallery);
      const auto audit = store::Store::open(folder_, {})->audit().value();
      EXPECT_EQ(audit.back().action, "migrate");
      EXPECT_EQ(audit.back().count, faces);
      EXPECT_TRUE(gallery->refused({.source = "a", .settings = "b"})->empty());
    }
    expect_all(*reader);
    const auto again = open(OpenMode::kWrite);
    EXPECT_EQ(store::Store::open(folder_, {})->audit()->size(), changes + 1) << "one lift";
    expect_all(*again);
  }

  fs::path data_;
};

/// What the program of format version 1 wrote of the vectors that tests/make_version_1.py makes.
class VersionOneTest : public PastVersionTest {
 protected:
  VersionOneTest() : PastVersionTest("version-1") {}
  /// That everybody is found by their own vector.
  void expect_all(const Gallery& gallery) const override {
    const std::vector<std::string> who{"Ada Łovelace 👩", "Grace", "Ada Łovelace 👩",
                                       "back\\slash\tand tab", "Grace"};
    const auto rows = store::read_npy(data_ / "rows.npy").value();
    for (std::size_t i = 0; i < who.size(); ++i) {
      Embedding probe{.model = gallery.model(), .values = {}};
      double squares = 0;
      for (std::size_t k = 0; k < rows.columns; ++k) {
        probe.values.push_back(rows.values[i * rows.columns + k]);
        squares += static_cast<double>(probe.values.back()) * probe.values.back();
      }
      for (float& value : probe.values) value = static_cast<float>(value / std::sqrt(squares));
      const auto found = gallery.identify(probe, 1);
      ASSERT_TRUE(found) << found.error().message;
      EXPECT_EQ(found->at(0).person, who[i]);
      EXPECT_EQ(found->at(0).face_id, "f" + std::to_string(i + 1));
      EXPECT_NEAR(found->at(0).similarity, 1, kRounding);
    }
    EXPECT_EQ(gallery.show("Grace")->faces.size(), 2U);
    EXPECT_THAT(*gallery.check(), testing::IsEmpty());
  }
};

TEST_F(VersionOneTest, IsReadAsItIs) { expect_read(1); }

TEST_F(VersionOneTest, IsLiftedByTheFirstWriter) { expect_lift(5, 5); }

TEST_F(VersionOneTest, StaysWhatItWasOnAFullDisk) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 20'000, .rlim_max = 20'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(1);
    const auto gallery = open_gallery(folder_, OpenMode::kWrite);
    ::_exit(!gallery && gallery.error().code == ErrorCode::kUnavailable ? 0 : 2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(open(OpenMode::kRead)->stats()->format_version, 1);
  expect_all(*open(OpenMode::kWrite));
}

/// What the program of format version 2 wrote of the archive that fuzz/make_archive_corpus.py calls
/// "whole".
class VersionTwoTest : public PastVersionTest {
 protected:
  VersionTwoTest() : PastVersionTest("version-2") {}
  void expect_all(const Gallery& gallery) const override {
    const auto person = gallery.show("łukasz");
    ASSERT_TRUE(person) << person.error().message;
    EXPECT_EQ(person->person.name, "Łukasz");
    EXPECT_EQ(person->person.attributes, R"({"note":[1,null]})");
    EXPECT_EQ(person->person.consent_basis, "asked");
    EXPECT_EQ(person->person.consent_at, 5);
    EXPECT_EQ(person->person.created, 7);
    EXPECT_EQ(person->faces[0].face_id, "f5");
    const auto photo = gallery.kept_file(person->faces[0].photo);
    ASSERT_TRUE(photo);
    EXPECT_TRUE(std::ranges::equal(
        *photo, std::as_bytes(std::span(std::string_view("bytes of photos 5")))));
    const Embedding probe{.model = gallery.model(), .values = {.6F, .8F, 0, 0}, .norm = 1};
    EXPECT_EQ(gallery.identify(probe, 1)->at(0).person, "łukasz");
    EXPECT_THAT(*gallery.check(), testing::IsEmpty());
  }
};

TEST_F(VersionTwoTest, IsReadAsItIs) { expect_read(2); }

TEST_F(VersionTwoTest, IsLiftedByTheFirstWriter) { expect_lift(3, 1); }

/// What ThreadSanitizer watches, and what must hold without it: a search never fails, never finds
/// who was removed before it began, and never misses who was there all along.
TEST_F(FolderGalleryTest, SearchesBesideChanges) {
  constexpr int kPersons = 60;
  auto gallery = open();
  const Template constant = at_random(0);
  ASSERT_TRUE(gallery->enrol("constant", std::vector{constant}));
  const auto name = [](int i) { return "p" + std::to_string(i); };
  std::atomic<int> removed{0};  // persons below are gone
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::barrier start(4);
  std::vector<std::thread> threads;
  for (int reader = 0; reader < 2; ++reader)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      while (!done) {
        const int gone = removed;
        const auto found = gallery->identify(constant.embedding, 100);
        if (!found || found->empty() || found->front().person != "constant") ++wrong;
        if (found)
          for (const Candidate& one : *found)
            for (int i = 0; i < gone; ++i) wrong += one.person == name(i) ? 1 : 0;
      }
    });
  std::atomic<int> enrolled{0};
  threads.emplace_back([&] {
    start.arrive_and_wait();
    for (int i = 0; i < kPersons; ++i) {
      if (!gallery->enrol(name(i), std::vector{at_random(static_cast<unsigned>(i) + 1)})) ++wrong;
      enrolled = i + 1;
    }
  });
  threads.emplace_back([&] {
    start.arrive_and_wait();
    while (removed < kPersons)
      if (removed < enrolled) {
        if (!gallery->remove_person(name(removed))) ++wrong;
        ++removed;
      } else {
        std::this_thread::yield();
      }
    done = true;
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(gallery->faces(), 1U);
  EXPECT_EQ(gallery->persons(), 1U);
}

/// A gallery whose index has a file from the first face on.
class IndexFileTest : public FolderGalleryTest {
 protected:
  std::unique_ptr<Gallery> open(OpenMode mode = OpenMode::kCreate) {
    auto gallery = open_gallery(folder_, mode, {.index_file_from = 0});
    if (!gallery) ADD_FAILURE() << gallery.error().message;
    return gallery ? std::move(*gallery) : nullptr;
  }
  [[nodiscard]] fs::path file() const { return folder_ / "index-exact"; }

  static Template random_face(std::uint64_t seed) {
    return at_random(static_cast<unsigned>(seed), 64);
  }
  void fill(std::uint64_t people) {
    auto gallery = open();
    for (std::uint64_t i = 0; i < people; ++i)
      ASSERT_TRUE(gallery->enrol("p" + std::to_string(i), std::vector{random_face(i)}));
    ASSERT_TRUE(gallery->identify(random_face(0).embedding, 1));  // loads, so that closing saves
  }
  static std::string who(const Gallery& gallery, std::uint64_t seed) {
    const auto found = gallery.identify(random_face(seed).embedding, 1);
    if (!found) return found.error().message;
    return found->empty() || found->front().similarity < .9F ? "nobody" : found->front().person;
  }
  /// Whether any file of the gallery holds the face's vector as it is stored.
  [[nodiscard]] bool is_in_files(std::uint64_t seed) const {
    std::string bytes;
    for (const float value : random_face(seed).embedding.values) {
      const std::uint16_t half = to_half(value);
      bytes += static_cast<char>(half & 0xFFU);
      bytes += static_cast<char>(half >> 8U);
    }
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      std::ifstream stream(entry.path(), std::ios::binary);
      std::ostringstream text;
      text << stream.rdbuf();
      if (text.str().contains(bytes)) return true;
    }
    return false;
  }
};

TEST_F(IndexFileTest, IsMadeAtTheFirstSearchAndServesTheNextStart) {
  fill(20);
  ASSERT_TRUE(fs::exists(file()));
  auto reader = open(OpenMode::kRead);
  EXPECT_EQ(reader->stats()->index_bytes, fs::file_size(file()));
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(who(*reader, i), "p" + std::to_string(i));
  EXPECT_EQ(who(*reader, 99), "nobody");
  EXPECT_THAT(*reader->check(), testing::IsEmpty());
}

TEST_F(IndexFileTest, FollowsEnrolmentAndRemoval) {
  fill(5);
  {
    auto gallery = open();
    ASSERT_TRUE(gallery->enrol("late", std::vector{random_face(50)}));
    EXPECT_EQ(who(*gallery, 50), "late");
    ASSERT_TRUE(gallery->remove_person("p2"));
    EXPECT_EQ(who(*gallery, 2), "nobody");
  }
  auto reader = open(OpenMode::kRead);
  EXPECT_GT(reader->stats()->index_bytes, 0U);
  EXPECT_EQ(who(*reader, 50), "late");
  EXPECT_EQ(who(*reader, 2), "nobody");
  EXPECT_EQ(who(*reader, 3), "p3");
}

TEST_F(IndexFileTest, RemovedVectorsAreInNoFile) {
  fill(30);
  ASSERT_TRUE(is_in_files(7)) << "the search for bytes should find what is there";
  {
    auto gallery = open(OpenMode::kWrite);  // nothing is loaded yet
    ASSERT_TRUE(gallery->remove_person("p7"));
    EXPECT_FALSE(is_in_files(7));
    ASSERT_TRUE(gallery->remove_face("f10"));
    EXPECT_FALSE(is_in_files(9));
    ASSERT_TRUE(gallery->enrol("late", std::vector{random_face(50)}));
    ASSERT_TRUE(gallery->remove_person("late"));
    EXPECT_FALSE(is_in_files(50));
    EXPECT_TRUE(is_in_files(8));
  }
  EXPECT_FALSE(is_in_files(7));
  EXPECT_FALSE(is_in_files(50));
  auto reader = open(OpenMode::kRead);
  EXPECT_EQ(who(*reader, 7), "nobody");
  EXPECT_EQ(who(*reader, 8), "p8");
  EXPECT_TRUE(fs::exists(file()));
}

TEST_F(IndexFileTest, IsOfTheKindThatWasChosen) {
  constexpr std::uint64_t kPeople = 2200;  // enough for a graph
  std::vector<NewFace> faces;
  for (std::uint64_t i = 0; i < kPeople; ++i)
    faces.push_back({.person = "p" + std::to_string(i), .face = random_face(i)});
  ASSERT_TRUE(open()->enrol(faces));
  fill(0);
  ASSERT_TRUE(fs::exists(file()));
  const fs::path graph = folder_ / "index-hnsw";
  {
    const auto reader = open(OpenMode::kRead);
    EXPECT_EQ(who(*reader, 1), "p1");
    EXPECT_EQ(reader->choose_index(IndexChoice::kHnsw).error().code, ErrorCode::kInvalidArgument);
    const auto gallery = open();
    EXPECT_EQ(gallery->stats()->index, "exact");
    ASSERT_TRUE(gallery->choose_index(IndexChoice::kHnsw));
    EXPECT_EQ(gallery->stats()->index, "hnsw");
    EXPECT_EQ(who(*gallery, 1), "p1");
    EXPECT_EQ(who(*reader, 1), "p1") << "its file is gone";
    EXPECT_FALSE(fs::exists(file()));
    EXPECT_EQ(gallery->stats()->index_bytes, fs::file_size(graph));
    ASSERT_TRUE(gallery->remove_person("p7"));
    ASSERT_TRUE(gallery->enrol("late", std::vector{random_face(9000)}));
    EXPECT_EQ(who(*gallery, 9000), "late");
    EXPECT_FALSE(is_in_files(7));
  }
  {
    const auto gallery = open();
    EXPECT_EQ(gallery->stats()->index_choice, IndexChoice::kHnsw);
    for (std::uint64_t i = 0; i < kPeople; i += 100)
      EXPECT_EQ(who(*gallery, i), "p" + std::to_string(i));
    EXPECT_EQ(who(*gallery, 9000), "late");
    EXPECT_EQ(who(*gallery, 7), "nobody");
    ASSERT_TRUE(gallery->remove_person("late"));
    EXPECT_FALSE(is_in_files(9000));
    EXPECT_THAT(*gallery->check(), testing::IsEmpty());
    ASSERT_TRUE(gallery->choose_index(IndexChoice::kAuto));
    EXPECT_EQ(gallery->stats()->index, "exact");
    EXPECT_FALSE(fs::exists(graph));
  }
  std::ofstream(folder_ / "index-choice") << "fast";
  EXPECT_EQ(error_of_open(), ErrorCode::kDecodeFailed);
}

TEST_F(IndexFileTest, AGraphIsMadeByTheWorkersThatAreGiven) {
  constexpr std::uint64_t kPeople = 5000;
  std::vector<NewFace> faces;
  for (std::uint64_t i = 0; i < kPeople; ++i)
    faces.push_back({.person = "p" + std::to_string(i), .face = random_face(i)});
  ASSERT_TRUE(open()->enrol(faces));
  int asked = 0;
  const GalleryOptions options{.index_file_from = 0, .workers = [&asked] {
                                 ++asked;
                                 return make_thread_pool(3);
                               }};
  const auto gallery = open_gallery(folder_, OpenMode::kWrite, options);
  ASSERT_TRUE(gallery) << gallery.error().message;
  EXPECT_EQ(who(**gallery, 1), "p1");
  EXPECT_EQ(asked, 0) << "the exact index needs none";
  ASSERT_TRUE((*gallery)->choose_index(IndexChoice::kHnsw));
  for (std::uint64_t i = 0; i < kPeople; i += 7)
    EXPECT_EQ(who(**gallery, i), "p" + std::to_string(i));
  EXPECT_EQ(asked, 1);
}

TEST_F(IndexFileTest, AChoiceThatWasStoppedLeavesNoFileOfTheOtherKind) {
  fill(10);
  fs::copy(file(), folder_ / "index-hnsw");  // by its name; and exact by what it holds
  EXPECT_EQ(who(*open(), 3), "p3");
  EXPECT_FALSE(fs::exists(folder_ / "index-hnsw"));
  std::ofstream(folder_ / "index-choice") << "hnsw\n";
  EXPECT_EQ(who(*open(OpenMode::kRead), 3), "p3");
  EXPECT_EQ(who(*open(), 3), "p3");
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(IndexFileTest, FileOfAnotherStateIsWipedByTheWriterAndPassedOverByReaders) {
  fill(10);
  fs::copy(file(), folder_ / "old");
  {
    ASSERT_TRUE(open()->remove_person("p4"));
  }
  fs::rename(folder_ / "old", file());  // as if the removal had stopped half way
  EXPECT_EQ(who(*open(OpenMode::kRead), 4), "nobody");
  EXPECT_THAT(*open(OpenMode::kRead)->check(), testing::IsEmpty());
  EXPECT_TRUE(is_in_files(4));
  static_cast<void>(open(OpenMode::kWrite));
  EXPECT_FALSE(is_in_files(4));
}

TEST_F(IndexFileTest, DamageIsFoundAndHealed) {
  fill(10);
  {
    std::fstream stream(file(), std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(static_cast<std::streamoff>(fs::file_size(file())) - 5000);
    stream.put('\x55').put('\xAA');
  }
  const auto findings = open(OpenMode::kRead)->check();
  ASSERT_EQ(findings->size(), 1U);
  EXPECT_THAT(findings->front(), HasSubstr("index file"));
  EXPECT_EQ(who(*open(OpenMode::kRead), 3), "p3");
  EXPECT_EQ(who(*open(OpenMode::kWrite), 3), "p3");
  EXPECT_THAT(*open(OpenMode::kRead)->check(), testing::IsEmpty());
  EXPECT_TRUE(fs::exists(file()));
}

TEST_F(IndexFileTest, AReaderBesideAWriterNeverFindsTheRemoved) {
  fill(40);
  auto writer = open(OpenMode::kWrite);
  auto reader = open(OpenMode::kRead);
  EXPECT_EQ(who(*reader, 0), "p0");
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread searches([&] {
    while (!done)
      if (who(*reader, 39) != "p39") ++wrong;  // stays to the end
  });
  for (std::uint64_t i = 0; i < 39; ++i) {
    ASSERT_TRUE(writer->remove_person("p" + std::to_string(i)));
    EXPECT_EQ(who(*reader, i), "nobody");
  }
  done = true;
  searches.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace visavis::gallery
