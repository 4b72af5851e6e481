#pragma once

/// Runs the built program and keeps what it said.

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::integration {

struct Answer {
  int code = -1;  ///< Exit code; 128 + the signal's number if one ended it.
  std::string out;
  std::string err;

  /// stdout as the one JSON document that it must be.
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
};

/// @param launcher  a program's path and arguments that starts ours instead; may be empty.
[[nodiscard]] Answer visavis(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& launcher = {});

/// Runs it with stdout on a pipe that nobody reads from any more. @return as Answer::code
[[nodiscard]] int visavis_without_reader(const std::vector<std::string>& arguments);

/// ${VISAVIS_CACHE}, as the program finds it.
[[nodiscard]] std::filesystem::path cache();

/// What a file holds.
[[nodiscard]] std::string bytes_of(const std::filesystem::path& path);

/// A folder of its own for each test, and the public photographs that tools/fetch_photos.sh brings.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest();
  ~ProgramTest() override;

  [[nodiscard]] std::string at(std::string_view name) const { return (folder_ / name).string(); }
  [[nodiscard]] static std::string photo(std::string_view name) {
    return (cache() / "photos" / name).string();
  }
  void write(std::string_view name, std::string_view bytes) const;
  /// rows.npy and labels.tsv: two vectors of "ada" and one of "grace" along the axes, for galleries
  /// that need no face and no network.
  void write_axes() const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

/// Needs the photographs and the default models; skips with the reason otherwise.
class FaceTest : public ProgramTest {
 protected:
  void SetUp() override;
};

/// Five photos of three people in the folder "in", which has a folder for each.
class ThreePeopleTest : public FaceTest {
 protected:
  void SetUp() override;
};

}  // namespace visavis::integration
