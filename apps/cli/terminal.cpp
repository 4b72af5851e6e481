#include "terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>

#include "exit_code.hpp"
#include "table.hpp"

namespace visavis::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// @return 0 or the error that stopped it.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug: ";
    case LogLevel::kInfo:
      return "";
    case LogLevel::kWarning:
      return "warning: ";
    case LogLevel::kError:
      return "error: ";
  }
  return "";
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  const std::string rest = std::to_string(whole % 60);
  return std::to_string(whole / 60) + ":" + (rest.size() < 2 ? "0" : "") + rest;
}

std::string bar_text(const std::string& what, std::size_t done, std::size_t total, double seconds) {
  constexpr std::size_t kWidth = 24;
  const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
  const auto filled = static_cast<std::size_t>(share * kWidth);
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string text = "\r" + what + " [" + std::string(filled, '#') +
                     std::string(kWidth - filled, '.') + "] " + std::to_string(done) + "/" +
                     std::to_string(total) + "  " + fixed(rate, 1) + "/s  ";
  text += rate > 0 ? clock_text(static_cast<double>(total - done) / rate) + " left" : "";
  return text + "\x1b[K";
}

}  // namespace

Terminal::Terminal(const TerminalOptions& options)
    : options_(options), bar_wanted_(!options.quiet && ::isatty(STDERR_FILENO) == 1) {
  if (options_.quiet) options_.level = LogLevel::kError;
}

void Terminal::print(std::string_view answer) {
  const std::scoped_lock lock(mutex_);
  answer_ += answer;
}

void Terminal::print_now(std::string_view text) {
  const std::scoped_lock lock(mutex_);
  write_all(STDOUT_FILENO, text);
}

void Terminal::say(std::string_view sentence) {
  if (!options_.quiet) complain(sentence);
}

void Terminal::say_line(std::string_view line) {
  const std::scoped_lock lock(mutex_);
  write_all(STDERR_FILENO, std::string(line) + "\n");
}

void Terminal::clear_bar() {
  if (!bar_shown_) return;
  write_all(STDERR_FILENO, "\r\x1b[K");
  bar_shown_ = false;
}

void Terminal::complain(std::string_view sentence) {
  const std::scoped_lock lock(mutex_);
  clear_bar();
  write_all(STDERR_FILENO, "visavis: " + printable(sentence) + "\n");
}

void Terminal::complain(const std::vector<usecases::Problem>& problems) {
  for (const usecases::Problem& problem : problems)
    complain(problem.path + ": " + problem.failure.error.message);
}

LogSink Terminal::log_sink() {
  return [this](LogLevel level, std::string_view message) {
    if (level < options_.level) return;
    complain(std::string(name_of(level)) + std::string(message));
  };
}

usecases::Progress Terminal::progress(std::string what) {
  if (!bar_wanted_) return {};
  const auto start = Clock::now();
  auto last = std::make_shared<Clock::time_point>(start - std::chrono::hours(1));
  return [this, start, last, what = std::move(what)](std::size_t done, std::size_t total) {
    const std::scoped_lock lock(mutex_);
    const auto now = Clock::now();
    if (done == total) return clear_bar();
    if (now - *last < std::chrono::milliseconds(100)) return;
    *last = now;
    write_all(STDERR_FILENO,
              bar_text(what, done, total, std::chrono::duration<double>(now - start).count()));
    bar_shown_ = true;
  };
}

int Terminal::close(int code) {
  const int error = write_all(STDOUT_FILENO, answer_);
  answer_.clear();
  if (error == 0 || error == EPIPE) return code;
  complain("the answer cannot be written: " + std::generic_category().message(error));
  return std::max(code, exit_code(usecases::Cause::kEnvironment));
}

}  // namespace visavis::cli
