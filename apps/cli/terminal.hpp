#pragma once

/// Where words go: the answer to stdout, everything else to stderr.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/progress.hpp>

namespace visavis::cli {

struct TerminalOptions {
  bool json = false;
  bool quiet = false;  ///< No progress bar, no log below errors.
  LogLevel level = LogLevel::kWarning;
};

/// Thread-safe. The progress bar appears if stderr is a terminal, and never with --quiet.
class Terminal {
 public:
  explicit Terminal(const TerminalOptions& options);

  [[nodiscard]] bool json() const noexcept { return options_.json; }
  void print(std::string_view answer);  ///< To stdout.
  /// To stdout at once, for what must not wait for the end.
  void print_now(std::string_view text);
  /// "visavis: …" to stderr, unless --quiet.
  void say(std::string_view sentence);
  /// A line to stderr as it is.
  void say_line(std::string_view line);
  void complain(std::string_view sentence);  ///< "visavis: …" to stderr, in printable characters.
  void complain(const std::vector<usecases::Problem>& problems);
  [[nodiscard]] LogSink log_sink();
  /// @param what  stands before the bar: "embedding".
  [[nodiscard]] usecases::Progress progress(std::string what);

  /// Flushes stdout. @return `code`, or 4 if the answer could not be written in full; a reader that
  /// went away (`visavis … | head`) is no failure.
  [[nodiscard]] int close(int code);

 private:
  void clear_bar();

  TerminalOptions options_;
  bool bar_wanted_ = false;
  bool bar_shown_ = false;
  std::string answer_;
  std::mutex mutex_;
};

}  // namespace visavis::cli
