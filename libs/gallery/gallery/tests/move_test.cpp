/// Moving to another model: the old gallery or the new one, whatever happens.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/store/store.hpp>
#include <visavis/tests/folder_test.hpp>

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr ModelId kOld{0x11};
constexpr ModelId kNew{0x22};
constexpr std::size_t kOldDimension = 64;
constexpr std::size_t kNewDimension = 32;
constexpr std::size_t kFaces = 150;  // more than are looked at together

/// The vector of a picture: along an axis that its first byte and the model decide.
std::vector<float> vector_of(std::byte picture, std::size_t dimension) {
  std::vector<float> values(dimension, 0);
  values[(static_cast<std::size_t>(picture) + dimension / 8) % dimension] = 1;
  return values;
}

KeptFile chip_of(std::size_t face) {
  return {.form = "arcface.png", .bytes = std::vector(20, static_cast<std::byte>(face))};
}

Embedding embedding_of(std::byte picture, ModelId model) {
  return {.model = model,
          .values = vector_of(picture, model == kOld ? kOldDimension : kNewDimension),
          .norm = model == kOld ? 10.F : 20.F};
}

MoveOptions to(ModelId model) {
  return {.model = model, .dimension = model == kOld ? kOldDimension : kNewDimension};
}

Remake remake_as(ModelId model) {
  return [model](std::span<const Material> materials) {
    std::vector<std::optional<Remade>> faces;
    for (const Material& material : materials) {
      if (material.chip)
        faces.emplace_back(Remade{.embedding = embedding_of(material.chip->bytes[0], model)});
      else
        faces.emplace_back();
    }
    return Result<std::vector<std::optional<Remade>>>(std::move(faces));
  };
}

class MoveTest : public tests::FolderTest {
 protected:
  [[nodiscard]] std::unique_ptr<Gallery> open(OpenMode mode = OpenMode::kCreate) const {
    auto gallery = open_gallery(folder_, mode, {.index_file_from = 0});
    EXPECT_TRUE(gallery) << gallery.error().message;
    return *std::move(gallery);
  }
  /// @param without  that many faces have no chip
  void fill(std::size_t without = 0) const {
    const auto gallery = open();
    std::vector<NewFace> faces;
    for (std::size_t i = 0; i < kFaces; ++i) {
      faces.push_back({.person = "person " + std::to_string(i / 2),
                       .face = {.embedding = embedding_of(static_cast<std::byte>(i), kOld),
                                .quality = .5F,
                                .box = {.x = 1, .y = 2, .width = 3, .height = 4},
                                .source = "photo.jpg"}});
      if (i >= without) faces.back().face.chip = chip_of(i);
    }
    ASSERT_TRUE(gallery->enrol(faces));
    ASSERT_TRUE(gallery->identify(embedding_of(std::byte{1}, kOld), 1)) << "makes the index file";
  }
  /// Whether the database holds exactly the vectors of `model`.
  [[nodiscard]] bool is_wholly(ModelId model) const {
    const auto store = store::Store::open(folder_, {});
    if (!store || store->facts()->faces != kFaces) return false;
    bool right = true;
    const auto scanned = store->scan([&](std::int64_t face, auto, auto, auto unit) {
      const auto expected = embedding_of(static_cast<std::byte>(face - 1), model).values;
      right = right && std::ranges::equal(unit, expected);
    });
    return scanned && right;
  }
  void expect_well() const {
    const auto found = open(OpenMode::kWrite)->check();
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->empty()) << found->front();
  }
};

TEST_F(MoveTest, SearchesFindTheOldVectorsAndThenTheNewOnes) {
  fill();
  const auto reader = open(OpenMode::kRead);
  const auto gallery = open(OpenMode::kWrite);
  const Embedding old_probe = embedding_of(std::byte{7}, kOld);
  const Embedding new_probe = embedding_of(std::byte{7}, kNew);
  ASSERT_TRUE(gallery->identify(old_probe, 1));
  std::size_t calls = 0;
  const auto moved = gallery->move_to(to(kNew), [&](std::span<const Material> materials) {
    ++calls;
    EXPECT_EQ(materials.front().box.width, 3);
    for (const Gallery* one : std::initializer_list<const Gallery*>{reader.get(), gallery.get()}) {
      EXPECT_EQ(one->identify(old_probe, 1)->front().similarity, 1);
      EXPECT_EQ(one->identify(new_probe, 1).error().code, ErrorCode::kModelMismatch);
    }
    return remake_as(kNew)(materials);
  });
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_TRUE(moved->changed);
  EXPECT_GT(calls, 1U) << "not all pictures at once";
  for (const Gallery* one : std::initializer_list<const Gallery*>{reader.get(), gallery.get()}) {
    EXPECT_EQ(one->identify(old_probe, 1).error().code, ErrorCode::kModelMismatch);
    EXPECT_EQ(one->identify(new_probe, 1)->front().similarity, 1);
    EXPECT_EQ(one->model(), kNew);
  }
  const auto person = gallery->show("person 3");
  EXPECT_EQ(person->faces[1].face_id, "f8");
  EXPECT_EQ(person->faces[1].norm, 20);
  EXPECT_EQ(person->faces[1].quality, .5F);
  EXPECT_EQ(person->faces[1].chip, "chips/f8.arcface.png");
  EXPECT_TRUE(is_wholly(kNew));
  EXPECT_TRUE(gallery->check()->empty());
}

TEST_F(MoveTest, WhatWasFoundInAPhotoTakesThePlaceOfWhatWasStored) {
  fill();
  const auto gallery = open(OpenMode::kWrite);
  const Finding found{.quality = .25F,
                      .box = {.x = 5, .y = 6, .width = 7, .height = 8},
                      .landmarks = Landmarks{{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}}};
  const auto moved = gallery->move_to(to(kNew), [&](std::span<const Material> materials) {
    auto faces = remake_as(kNew)(materials);
    for (std::size_t i = 0; i < materials.size(); ++i)
      if (materials[i].face.face_id == "f8") (*faces)[i]->found = found;
    return faces;
  });
  ASSERT_TRUE(moved) << moved.error().message;
  const auto person = gallery->show("person 3");
  EXPECT_EQ(person->faces[0].face_id, "f7");
  EXPECT_EQ(person->faces[0].quality, .5F);
  EXPECT_EQ(person->faces[0].box.width, 3);
  EXPECT_EQ(person->faces[0].landmarks, std::nullopt);
  EXPECT_EQ(person->faces[1].quality, .25F);
  EXPECT_EQ(person->faces[1].box, found.box);
  EXPECT_EQ(person->faces[1].landmarks, found.landmarks);
  EXPECT_EQ(person->faces[1].source, "photo.jpg");
  EXPECT_TRUE(gallery->check()->empty());
  const auto refused = gallery->move_to(to(kOld), [&](std::span<const Material> materials) {
    auto faces = remake_as(kOld)(materials);
    faces->front()->found = found;
    faces->front()->found->landmarks[4].y = NAN;
    return faces;
  });
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(MoveTest, ChangesNothingIfSomebodyIsMissingUnlessTheyMayGo) {
  fill(3);
  {
    const auto gallery = open(OpenMode::kWrite);
    const auto moved = gallery->move_to(to(kNew), remake_as(kNew));
    ASSERT_TRUE(moved);
    EXPECT_FALSE(moved->changed);
    ASSERT_EQ(moved->missing.size(), 3U);
    EXPECT_EQ(moved->missing[2].person, "person 1");
    EXPECT_EQ(moved->missing[2].face_id, "f3");
    EXPECT_EQ(gallery->model(), kOld);
  }
  EXPECT_TRUE(is_wholly(kOld));
  const auto gallery = open(OpenMode::kWrite);
  MoveOptions options = to(kNew);
  options.drop_missing = true;
  const auto moved = gallery->move_to(options, remake_as(kNew));
  ASSERT_TRUE(moved);
  EXPECT_TRUE(moved->changed);
  EXPECT_EQ(moved->missing.size(), 3U);
  EXPECT_EQ(gallery->faces(), kFaces - 3);
  EXPECT_TRUE(gallery->show("person 0")->faces.empty());
  EXPECT_TRUE(gallery->check()->empty());
}

TEST_F(MoveTest, ALostOrDamagedChipIsNone) {
  fill();
  fs::remove(folder_ / "chips/f3.arcface.png");
  std::ofstream(folder_ / "chips/f5.arcface.png") << "something else";
  const auto gallery = open(OpenMode::kWrite);
  const auto moved = gallery->move_to(to(kNew), remake_as(kNew));
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_FALSE(moved->changed);
  ASSERT_EQ(moved->missing.size(), 2U);
  EXPECT_EQ(moved->missing[0].face_id, "f3");
  EXPECT_EQ(moved->missing[1].face_id, "f5");
}

TEST_F(MoveTest, AnErrorLeavesTheOldGallery) {
  fill();
  const auto gallery = open(OpenMode::kWrite);
  int calls = 0;
  const auto failed = gallery->move_to(to(kNew), [&](std::span<const Material> materials) {
    if (++calls == 2)
      return Result<std::vector<std::optional<Remade>>>(
          fail(ErrorCode::kResourceExhausted, "memory ran out"));
    return remake_as(kNew)(materials);
  });
  EXPECT_EQ(failed.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(gallery->move_to(to(kNew), remake_as(kOld)).error().code, ErrorCode::kModelMismatch);
  MoveOptions wrong = to(kNew);
  wrong.dimension = kNewDimension + 1;
  EXPECT_EQ(gallery->move_to(wrong, remake_as(kNew)).error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery
                ->move_to(to(kNew),
                          [](std::span<const Material> materials) {
                            auto faces = remake_as(kNew)(materials);
                            faces->front()->embedding.values[0] = NAN;
                            return faces;
                          })
                .error()
                .code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(gallery->identify(embedding_of(std::byte{7}, kOld), 1)->front().similarity, 1);
  EXPECT_TRUE(is_wholly(kOld));
  EXPECT_TRUE(gallery->check()->empty());
}

int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(MoveTest, AFullDiskLeavesTheOldGallery) {
  fill();
  // The log is what grows; the database has its size already.
  const auto size = static_cast<rlim_t>(fs::file_size(folder_ / "gallery.sqlite"));
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const auto gallery = open(OpenMode::kWrite);
    const rlimit limit{.rlim_cur = size / 4, .rlim_max = RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const auto moved = gallery->move_to(to(kNew), remake_as(kNew));
    if (moved) return 2;
    return moved.error().code == ErrorCode::kUnavailable ? 0 : 3;
  });
  EXPECT_EQ(code, 0);
  EXPECT_TRUE(is_wholly(kOld));
  expect_well();
}

TEST_F(MoveTest, AKillLeavesTheOldGalleryOrTheNewOne) {
  fill();
  ModelId model = kOld;
  std::size_t moves = 0;
  for (unsigned round = 0; round < 40; ++round) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      const auto gallery = open_gallery(folder_, OpenMode::kWrite, {.index_file_from = 0});
      if (!gallery || ::write(ends[1], "+", 1) != 1) ::_exit(2);
      for (ModelId next = model;;) {
        next = next == kOld ? kNew : kOld;
        const auto moved = (*gallery)->move_to(to(next), remake_as(next));
        if (!moved || !moved->changed || ::write(ends[1], "+", 1) != 1) ::_exit(3);
      }
    }
    ::close(ends[1]);
    std::mt19937 random(round);
    char byte = 0;
    std::size_t acknowledged = 0;  // the first is for the open gallery
    const std::size_t wanted = 1 + random() % 2;
    while (acknowledged < wanted && ::read(ends[0], &byte, 1) == 1) ++acknowledged;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed by itself: " << WEXITSTATUS(status);
    while (::read(ends[0], &byte, 1) == 1) ++acknowledged;
    ::close(ends[0]);
    for (std::size_t i = 1; i < acknowledged; ++i) model = model == kOld ? kNew : kOld;
    moves += acknowledged - 1;
    const ModelId next = model == kOld ? kNew : kOld;
    if (!is_wholly(model)) {
      ASSERT_TRUE(is_wholly(next)) << "round " << round << ": it is neither";
      model = next;
    }
    expect_well();
    EXPECT_EQ(open(OpenMode::kRead)->model(), model);
  }
  EXPECT_GT(moves, 10U) << "the children get nothing done";
}

}  // namespace
}  // namespace visavis::gallery
