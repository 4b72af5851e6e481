#include "outcome_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>

#include "label.hpp"

namespace visavis::jobs {
namespace {

using Json = nlohmann::ordered_json;

/// More than any line has: five texts of 500 bytes, each at most six characters.
constexpr std::size_t kBlock = std::size_t{64} << 10U;
constexpr std::uint64_t kReadAtOnce = std::uint64_t{4} << 20U;

struct Field {
  std::string_view name;
  std::string ItemOutcome::* text;
};
constexpr std::array kFields{
    Field{"label", &ItemOutcome::label}, Field{"reason", &ItemOutcome::reason},
    Field{"message", &ItemOutcome::message}, Field{"person", &ItemOutcome::person},
    Field{"face", &ItemOutcome::face}};

std::unexpected<Error> broken(std::string_view what, int error) {
  return fail(ErrorCode::kUnavailable, "a job's outcomes cannot be " + std::string(what) + ": " +
                                           std::generic_category().message(error));
}

/// Fills what it can. @return how much that is
Result<std::size_t> read_at(const Descriptor& file, std::uint64_t offset, std::span<char> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t n = ::pread(file.get(), into.data() + done, into.size() - done,
                              static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return broken("read", errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

/// Gives each whole line from `offset` on to `visit`, until that says false or `budget` is read.
/// @return where the first line begins that was not taken
Result<std::uint64_t> walk(const Descriptor& file, std::uint64_t offset, std::uint64_t budget,
                           const std::function<bool(std::string_view)>& visit) {
  std::string block(kBlock, '\0');
  for (std::uint64_t read = 0; read < budget;) {
    VISAVIS_TRY(n, read_at(file, offset, block));
    std::string_view rest = std::string_view(block).substr(0, n);
    const std::size_t before = rest.size();
    for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      if (!visit(rest.substr(0, end))) return offset + (before - rest.size());
      rest.remove_prefix(end + 1);
    }
    const std::size_t taken = before - rest.size();
    offset += taken;
    read += n;
    if (taken == 0) return offset;  // the end, or what no line can be
  }
  return offset;
}

Result<std::uint64_t> size_of(const Descriptor& file) {
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return broken("read", errno);
  return static_cast<std::uint64_t>(facts.st_size);
}

/// A cursor is the place of a line: 0, or behind a line end.
Result<std::uint64_t> place_of(const Descriptor& file, std::string_view cursor) {
  const auto unknown = [] {
    return fail(ErrorCode::kInvalidArgument, "the job's outcomes have no such cursor");
  };
  if (cursor.empty()) return 0;
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(cursor.begin(), cursor.end(), offset);
  if (error != std::errc() || end != cursor.end()) return unknown();
  if (offset == 0) return 0;
  VISAVIS_TRY(size, size_of(file));
  if (offset > size) return unknown();
  char before = 0;
  VISAVIS_TRY(n, read_at(file, offset - 1, std::span(&before, 1)));
  if (n != 1 || before != '\n') return unknown();
  return offset;
}

}  // namespace

std::string_view to_string(ItemResult result) noexcept {
  switch (result) {
    case ItemResult::kSucceeded:
      return "succeeded";
    case ItemResult::kRefused:
      return "refused";
    case ItemResult::kFailed:
      return "failed";
  }
  return "";
}

std::optional<ItemResult> parse_item_result(std::string_view text) noexcept {
  for (const ItemResult result :
       {ItemResult::kSucceeded, ItemResult::kRefused, ItemResult::kFailed})
    if (text == to_string(result)) return result;
  return std::nullopt;
}

std::string to_line(const ItemOutcome& outcome) {
  Json line{{"item", outcome.item}, {"result", to_string(outcome.result)}};
  for (const Field& field : kFields)
    if (const std::string& text = outcome.*field.text; !text.empty())
      line[field.name] = to_label(text);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<ItemOutcome> parse_line(std::string_view line) {
  const Json object = Json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto item = object.find("item");
  const auto word = object.find("result");
  if (item == object.end() || !item->is_number_unsigned() || word == object.end() ||
      !word->is_string())
    return std::nullopt;
  const auto result = parse_item_result(word->get_ref<const std::string&>());
  if (!result) return std::nullopt;
  ItemOutcome outcome{.item = item->get<std::uint64_t>(), .result = *result};
  for (const Field& field : kFields) {
    const auto found = object.find(field.name);
    if (found == object.end()) continue;
    if (!found->is_string()) return std::nullopt;
    outcome.*field.text = found->get<std::string>();
  }
  return outcome;
}

void count(ItemResult result, JobProgress& progress) noexcept {
  ++progress.done;
  if (result == ItemResult::kSucceeded) ++progress.succeeded;
  if (result == ItemResult::kRefused) ++progress.refused;
  if (result == ItemResult::kFailed) ++progress.failed;
}

Result<OutcomeFile> OutcomeFile::resume(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return broken("opened", errno);
  JobProgress progress;
  const auto expected = [&](std::string_view line) {
    const auto outcome = parse_line(line);
    if (!outcome || outcome->item != progress.done) return false;
    count(outcome->result, progress);
    return true;
  };
  VISAVIS_TRY(good, walk(file, 0, UINT64_MAX, expected));
  VISAVIS_TRY(size, size_of(file));
  if (size > good && ::ftruncate(file.get(), static_cast<off_t>(good)) != 0)
    return broken("written", errno);
  if (::fdatasync(file.get()) != 0) return broken("written", errno);
  return OutcomeFile(std::move(file), progress);
}

Result<void> OutcomeFile::append(std::span<const ItemOutcome> outcomes) {
  if (broken_) return broken("written", EIO);
  std::string text;
  JobProgress after = progress_;
  for (const ItemOutcome& outcome : outcomes) {
    if (outcome.item != after.done)
      return fail(ErrorCode::kInvalidArgument, "a job's outcomes are recorded in order");
    text += to_line(outcome);
    count(outcome.result, after);
  }
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t n = ::write(file_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      broken_ = true;
      return broken("written", errno);
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fdatasync(file_.get()) != 0) {
    broken_ = true;
    return broken("written", errno);
  }
  progress_ = after;
  return {};
}

Result<OutcomePage> read_outcomes(const std::filesystem::path& path, std::optional<ItemResult> only,
                                  std::string_view cursor, std::size_t most) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 && errno != ENOENT) return broken("read", errno);
  if (file.get() < 0 && !cursor.empty())
    return fail(ErrorCode::kInvalidArgument, "the job's outcomes have no such cursor");
  if (file.get() < 0) return OutcomePage{};  // it has not begun
  VISAVIS_TRY(from, place_of(file, cursor));
  OutcomePage page;
  const auto visit = [&](std::string_view line) {
    if (page.outcomes.size() == most) return false;
    auto outcome = parse_line(line);
    if (outcome && (!only || outcome->result == *only))
      page.outcomes.push_back(*std::move(outcome));
    return true;
  };
  VISAVIS_TRY(rest, walk(file, from, kReadAtOnce, visit));
  VISAVIS_TRY(size, size_of(file));
  if (rest < size && rest > from) page.next = std::to_string(rest);
  return page;
}

}  // namespace visavis::jobs
