#include "lists.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/protocols/calibrate.hpp>

namespace visavis::usecases {
namespace {

constexpr std::uint64_t kMaxListBytes = std::uint64_t{1} << 30U;

}  // namespace

Result<std::string> read_text(const std::filesystem::path& path) {
  VISAVIS_TRY(bytes, read_file(path, kMaxListBytes));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Outcome<People> read_people(const std::filesystem::path& path) {
  VISAVIS_TRY(text, named(path, read_text(path)));
  return named(path, protocols::parse_people(text));
}

}  // namespace visavis::usecases
