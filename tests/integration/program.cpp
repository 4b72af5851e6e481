#include "program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

extern char** environ;

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

fs::path scratch_folder() {
  std::string name = (fs::temp_directory_path() / "visavis-test-XXXXXX").string();
  return ::mkdtemp(name.data()) == nullptr ? fs::path() : fs::path(name);
}

}  // namespace

Answer visavis(const std::vector<std::string>& arguments) {
  // Only a sanitised program reads it.
  ::setenv("LSAN_OPTIONS",
           "suppressions=" VISAVIS_SOURCE_DIR "/tools/lsan.supp:print_suppressions=0", 0);
  const fs::path folder = scratch_folder();
  const std::string out = (folder / "out").string();
  const std::string err = (folder / "err").string();
  std::vector<std::string> words{VISAVIS_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_CREAT | O_WRONLY,
                                     0600);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_CREAT | O_WRONLY,
                                     0600);
  pid_t child = 0;
  Answer answer;
  if (::posix_spawn(&child, VISAVIS_PROGRAM, &actions, nullptr, argv.data(), environ) == 0) {
    int status = 0;
    ::waitpid(child, &status, 0);
    answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    answer.out = read_text(out);
    answer.err = read_text(err);
  }
  ::posix_spawn_file_actions_destroy(&actions);
  fs::remove_all(folder);
  return answer;
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

}  // namespace visavis::integration
