#include "program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>
#include <visavis/core/descriptor.hpp>
#include <visavis/store/npy.hpp>

extern char** environ;

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;

fs::path scratch_folder() {
  std::string name = (fs::temp_directory_path() / "visavis-test-XXXXXX").string();
  return ::mkdtemp(name.data()) == nullptr ? fs::path() : fs::path(name);
}

/// Runs a program to its end. @return as Answer::code
int run(std::vector<std::string> words, int out, const std::string& err) {
  // Only a sanitised program reads it.
  ::setenv("LSAN_OPTIONS",
           "suppressions=" VISAVIS_SOURCE_DIR "/tools/lsan.supp:print_suppressions=0", 0);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_CREAT | O_WRONLY,
                                     0600);
  pid_t child = 0;
  int code = -1;
  if (::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ) == 0) {
    int status = 0;
    ::waitpid(child, &status, 0);
    code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  ::posix_spawn_file_actions_destroy(&actions);
  return code;
}

}  // namespace

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Answer visavis(const std::vector<std::string>& arguments,
               const std::vector<std::string>& launcher) {
  const fs::path folder = scratch_folder();
  const std::string out = (folder / "out").string();
  const std::string err = (folder / "err").string();
  std::vector<std::string> words = launcher;
  words.emplace_back(VISAVIS_PROGRAM);
  words.insert(words.end(), arguments.begin(), arguments.end());
  Answer answer;
  const Descriptor out_file(::open(out.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  answer.code = run(words, out_file.get(), err);
  answer.out = bytes_of(out);
  answer.err = bytes_of(err);
  fs::remove_all(folder);
  return answer;
}

int visavis_without_reader(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -1;
  ::close(ends[0]);
  const Descriptor writing(ends[1]);
  std::vector<std::string> words{VISAVIS_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run(words, writing.get(), "/dev/null");
}

fs::path cache() {
  if (const char* own = std::getenv("VISAVIS_CACHE")) return own;
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "" : home) / ".cache" / "visavis";
}

ProgramTest::ProgramTest() : folder_(scratch_folder()) {}

ProgramTest::~ProgramTest() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void ProgramTest::write_axes() const {
  constexpr std::size_t kDimension = 512;
  std::vector<float> rows(3 * kDimension);
  for (std::size_t i = 0; i < 3; ++i) rows[i * kDimension + i] = 1;
  ASSERT_TRUE(store::write_npy(folder_ / "rows.npy", 3, kDimension, rows));
  write("labels.tsv", "ada\ngrace\nada\n");
}

void ProgramTest::write(std::string_view name, std::string_view bytes) const {
  std::ofstream file(folder_ / name, std::ios::binary);
  file << bytes;
}

void FaceTest::SetUp() {
  if (!fs::exists(photo("sample6.jpg")))
    GTEST_SKIP() << "no photographs: run tools/fetch_photos.sh";
  const nlohmann::json list = visavis({"models", "list", "--json"}).json();
  for (const nlohmann::json& model : list["models"])
    if ((model["id"] == "mtcnn" || model["id"] == "faceplugin-512") && !model["fetched"])
      GTEST_SKIP() << "no models: run visavis models fetch";
}

void ThreePeopleTest::SetUp() {
  FaceTest::SetUp();
  if (IsSkipped()) return;
  for (const auto& [person, name] :
       {std::pair{"obama", "obama.jpg"}, std::pair{"obama", "obama2.jpg"},
        std::pair{"obama", "obama3.jpg"}, std::pair{"biden", "biden.jpg"},
        std::pair{"collins", "astronaut.png"}}) {
    fs::create_directories(folder() / "in" / person);
    fs::create_symlink(photo(name), folder() / "in" / person / name);
  }
}

}  // namespace visavis::integration
