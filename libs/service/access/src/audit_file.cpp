#include "audit_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace visavis::access {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBefore = "audit-";
constexpr std::string_view kAfter = ".jsonl";
constexpr std::size_t kDigits = 8;

/// More than any line has: eight fields of 200 bytes, each at most six characters.
constexpr std::uint64_t kBlock = std::uint64_t{64} << 10U;

std::unexpected<Error> unreadable(int error) {
  return fail(ErrorCode::kUnavailable,
              "the audit log cannot be read: " + std::generic_category().message(error));
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> number_of(std::string_view name) {
  if (!name.starts_with(kBefore) || !name.ends_with(kAfter)) return std::nullopt;
  if (name.size() < kBefore.size() + kDigits + kAfter.size()) return std::nullopt;
  name.remove_prefix(kBefore.size());
  name.remove_suffix(kAfter.size());
  return number_in<std::uint64_t>(name);
}

Result<void> read_at(const Descriptor& file, std::uint64_t offset, std::string& into) {
  for (std::size_t done = 0; done < into.size();) {
    const ssize_t n = ::pread(file.get(), into.data() + done, into.size() - done,
                              static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(errno);
    if (n == 0) return fail(ErrorCode::kUnavailable, "the audit log has become shorter");
    done += static_cast<std::size_t>(n);
  }
  return {};
}

/// The lines that end in a block, last to first.
struct BlockWalk {
  Walk walk;
  std::size_t begin;  ///< Of the last visited line.
};

/// @param whole  whether the block begins where a line does
BlockWalk walk_block(std::string_view block, bool whole,
                     const std::function<Walk(std::string_view)>& visit) {
  std::size_t end = block.size();
  while (end > 0) {
    const std::string_view before = block.substr(0, end - 1);  // without the line's own end
    const std::size_t cut = before.rfind('\n');
    const bool is_piece = cut == before.npos && !whole;
    if (is_piece && end < block.size()) return {Walk::kOn, end};  // begins in the block before
    const std::size_t begin = cut == before.npos ? 0 : cut + 1;
    std::string_view line = block.substr(begin, end - begin);
    if (line.ends_with('\n')) line.remove_suffix(1);
    end = begin;
    if (visit(line) == Walk::kStop) return {Walk::kStop, begin};
  }
  return {Walk::kOn, 0};
}

}  // namespace

fs::path audit_file(const fs::path& folder, std::uint64_t number) {
  const std::string digits = std::to_string(number);
  const std::string zeros(kDigits - std::min(kDigits, digits.size()), '0');
  return folder / (std::string(kBefore) + zeros + digits + std::string(kAfter));
}

Result<std::vector<std::uint64_t>> audit_files(const fs::path& folder) {
  std::error_code error;
  std::vector<std::uint64_t> numbers;
  for (auto entry = fs::directory_iterator(folder, error);
       !error && entry != fs::directory_iterator(); entry.increment(error))
    if (const auto number = number_of(entry->path().filename().string()))
      numbers.push_back(*number);
  if (error) return unreadable(error.value());
  std::ranges::sort(numbers);
  return numbers;
}

Result<AuditTail> open_tail(const fs::path& path) {
  AuditTail tail{
      Descriptor(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600))};
  struct stat facts{};
  if (tail.file.get() < 0 || ::fstat(tail.file.get(), &facts) != 0) return unreadable(errno);
  if (!S_ISREG(facts.st_mode))
    return fail(ErrorCode::kUnavailable, path.string() + " is not a regular file");
  tail.bytes = static_cast<std::uint64_t>(facts.st_size);
  if (tail.bytes == 0) return tail;
  std::string last(1, '\0');
  VISAVIS_CHECK(read_at(tail.file, tail.bytes - 1, last));
  tail.torn = last != "\n";
  return tail;
}

std::string to_cursor(const AuditPlace& place) {
  return std::to_string(place.file) + "." + std::to_string(place.offset);
}

std::optional<AuditPlace> parse_cursor(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == text.npos) return std::nullopt;
  const auto file = number_in<std::uint64_t>(text.substr(0, dot));
  const auto offset = number_in<std::uint64_t>(text.substr(dot + 1));
  if (!file || !offset) return std::nullopt;
  return AuditPlace{*file, *offset};
}

Result<std::uint64_t> walk_back(const fs::path& path, std::uint64_t end, std::uint64_t& budget,
                                const std::function<Walk(std::string_view)>& visit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 && errno == ENOENT) return 0;  // the oldest, deleted meanwhile
  struct stat facts{};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0) return unreadable(errno);
  end = std::min(end, static_cast<std::uint64_t>(facts.st_size));
  std::string block;
  while (end > 0 && budget > 0) {
    const std::uint64_t begin = end - std::min(end, kBlock);
    block.resize(end - begin);
    VISAVIS_CHECK(read_at(file, begin, block));
    budget -= std::min<std::uint64_t>(budget, block.size());
    const BlockWalk walked = walk_block(block, begin == 0, visit);
    end = begin + walked.begin;
    if (walked.walk == Walk::kStop) break;
  }
  return end;
}

}  // namespace visavis::access
