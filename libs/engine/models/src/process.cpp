#include "process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::models {
namespace {

constexpr std::size_t kKeptErrors = 16384;

class Actions {
 public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t* get() noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::string drain(int descriptor) {
  std::string text;
  std::array<char, 4096> part{};
  while (true) {
    const ssize_t n = ::read(descriptor, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(n));
    if (text.size() > 2 * kKeptErrors) text.erase(0, text.size() - kKeptErrors);
  }
  if (text.size() > kKeptErrors) text.erase(0, text.size() - kKeptErrors);
  return text;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<Outcome> run_program(const std::vector<std::string>& command,
                            const std::filesystem::path& folder) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return fail(ErrorCode::kResourceExhausted, "no pipe to " + command.front() + " can be made");
  Actions actions;
  ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(actions.get(), pipe[1], STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(actions.get(), folder.c_str());
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, arguments[0], actions.get(), nullptr, arguments.data(), ::environ);
  ::close(pipe[1]);
  Outcome outcome;
  if (error == 0) {
    outcome.errors = drain(pipe[0]);
    outcome.status = wait_for(child);
  }
  ::close(pipe[0]);
  if (error == ENOENT) return fail(ErrorCode::kNotFound, command.front() + " is not installed");
  if (error != 0)
    return fail(ErrorCode::kUnavailable,
                command.front() + " cannot be started: " + std::generic_category().message(error));
  return outcome;
}

}  // namespace visavis::models
