#include "index_choice.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <visavis/core/file.hpp>

namespace visavis::gallery {
namespace {

constexpr std::size_t kMostBytes = 64;

constexpr std::array<std::pair<IndexChoice, std::string_view>, 3> kWords = {
    {{IndexChoice::kAuto, "auto"}, {IndexChoice::kExact, "exact"}, {IndexChoice::kHnsw, "hnsw"}}};

std::filesystem::path file_in(const std::filesystem::path& folder) {
  return folder / "index-choice";
}

}  // namespace

std::string_view to_string(IndexChoice choice) noexcept {
  for (const auto& [known, word] : kWords)
    if (known == choice) return word;
  return "";
}

std::optional<IndexChoice> parse_index_choice(std::string_view word) noexcept {
  for (const auto& [choice, known] : kWords)
    if (known == word) return choice;
  return std::nullopt;
}

Result<IndexChoice> read_index_choice(const std::filesystem::path& folder) {
  const auto bytes = read_file(file_in(folder), kMostBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return IndexChoice::kAuto;
  if (bytes) {
    std::string word(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    while (word.ends_with('\n')) word.pop_back();
    if (const auto choice = parse_index_choice(word)) return *choice;
  }
  return fail(ErrorCode::kDecodeFailed,
              "the gallery's index-choice is not auto, exact or hnsw: remove it or choose again");
}

Result<void> write_index_choice(const std::filesystem::path& folder, IndexChoice choice) {
  return write_file(file_in(folder), std::string(to_string(choice)) + "\n", Readers::kOwner);
}

}  // namespace visavis::gallery
