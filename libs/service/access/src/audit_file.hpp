#pragma once

/// The files of an audit log: audit-00000001.jsonl and on, each begun when the one before was full.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/result.hpp>

namespace visavis::access {

[[nodiscard]] std::filesystem::path audit_file(const std::filesystem::path& folder,
                                               std::uint64_t number);

/// The numbers of the files that are there, oldest first.
[[nodiscard]] Result<std::vector<std::uint64_t>> audit_files(const std::filesystem::path& folder);

/// A file that grows line by line.
struct AuditTail {
  Descriptor file;
  std::uint64_t bytes = 0;
  bool torn = false;  ///< Its last line has no end.
};

/// Made if it is missing, for its owner alone.
[[nodiscard]] Result<AuditTail> open_tail(const std::filesystem::path& path);

/// A place between two lines.
struct AuditPlace {
  std::uint64_t file = 0;
  std::uint64_t offset = 0;
};

/// "7.4096", as a cursor has it.
[[nodiscard]] std::string to_cursor(const AuditPlace& place);
[[nodiscard]] std::optional<AuditPlace> parse_cursor(std::string_view text);

/// Whether reading goes on behind a line.
enum class Walk : std::uint8_t { kOn, kStop };

/// The lines of a file, last to first, from `end` on.
/// @param visit   gets each line without its end; a piece of one that is longer than any can be
///                comes as a line of its own
/// @param budget  how many bytes may be read; what was read is taken off
/// @return where the last visited line begins: 0 if all were visited
[[nodiscard]] Result<std::uint64_t> walk_back(const std::filesystem::path& path, std::uint64_t end,
                                              std::uint64_t& budget,
                                              const std::function<Walk(std::string_view)>& visit);

}  // namespace visavis::access
