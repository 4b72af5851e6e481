#pragma once

/// The photos of an import and whose they are.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/jobs/job.hpp>
#include <visavis/jobs/zip_reader.hpp>

namespace visavis::usecases {

/// One photo on its way.
struct ImportItem {
  std::string label{};   ///< For people: the file's name in the archive, the URL.
  std::string person{};  ///< As the archive or the list names the person.
  bool is_url = false;   ///< `label` is to be fetched.
  std::vector<std::byte> bytes{};
  std::optional<jobs::ItemOutcome> verdict{};  ///< It is not to be looked at.
};

/// Says why an item is not enrolled.
[[nodiscard]] jobs::ItemOutcome refused_item(std::string_view reason, std::string_view message);
[[nodiscard]] jobs::ItemOutcome failed_item(std::string_view reason, std::string_view message);

/// Items in an order that is the same each time. Thread-compatible.
class ImportSource {
 public:
  virtual ~ImportSource() = default;
  ImportSource(const ImportSource&) = delete;
  ImportSource& operator=(const ImportSource&) = delete;

  [[nodiscard]] virtual std::uint64_t total() const noexcept = 0;
  [[nodiscard]] virtual const std::set<std::string>& persons() const noexcept = 0;
  /// Passes over the next item.
  [[nodiscard]] virtual Result<void> skip() = 0;
  /// @return nothing at the end
  [[nodiscard]] virtual Result<std::optional<ImportItem>> next() = 0;

 protected:
  ImportSource() = default;
};

[[nodiscard]] Result<std::unique_ptr<ImportSource>> open_zip_source(
    const std::filesystem::path& file, const jobs::ZipLimits& limits);
[[nodiscard]] Result<std::unique_ptr<ImportSource>> open_list_source(
    const std::filesystem::path& file);

/// "Ada" of "Ada/1.jpg" and of "./Ada\\holidays/2.jpg"; empty where no folder says it.
/// @param root  a folder that is passed over at the beginning; empty: none
[[nodiscard]] std::string person_of(std::string_view label, std::string_view root);

/// The folder that all photos lie in, if some of them lie in folders below it. Else empty: then the
/// first folder is a person's.
class RootFinder {
 public:
  void add(std::string_view label);
  [[nodiscard]] std::string root() const;

 private:
  std::optional<std::string> first_{};
  bool differs_ = false;
  bool has_deeper_ = false;
};

}  // namespace visavis::usecases
