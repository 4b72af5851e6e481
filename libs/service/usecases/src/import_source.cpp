#include "import_source.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/jobs/url_list.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/people.hpp>

namespace visavis::usecases {
namespace {

constexpr std::uint64_t kMaxListBytes = std::uint64_t{64} << 20U;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The folders of a file in an archive, the outermost first. Nothing is opened by them: they are
/// words.
std::vector<std::string_view> folders_of(std::string_view label) {
  std::vector<std::string_view> folders;
  for (std::size_t end = label.find_first_of("/\\"); end != label.npos;
       end = label.find_first_of("/\\")) {
    const std::string_view folder = label.substr(0, end);
    if (!folder.empty() && folder != ".") folders.push_back(folder);
    label.remove_prefix(end + 1);
  }
  return folders;
}

/// Why nobody can be named so, if that is so.
std::optional<jobs::ItemOutcome> wrong_name(std::string_view label, const std::string& person) {
  if (person.empty()) return refused_item("no_person", "it lies in no person's folder");
  // What was not UTF-8 has been replaced: two people would be one.
  if (label.contains(kReplacement))
    return refused_item("bad_name", "its name in the archive is not UTF-8; pack it again");
  const auto folders = folders_of(label);
  if (std::ranges::find(folders, "..") != folders.end())
    return refused_item("bad_name", "its path leads out of the archive");
  if (const auto wrong = wrong_person(person)) return refused_item("bad_name", *wrong);
  return std::nullopt;
}

class ZipSource final : public ImportSource {
 public:
  static Result<std::unique_ptr<ImportSource>> open(const std::filesystem::path& file,
                                                    const jobs::ZipLimits& limits) {
    VISAVIS_TRY(reader, jobs::ZipReader::open(file, limits));
    auto source = std::make_unique<ZipSource>(std::move(reader));
    VISAVIS_CHECK(source->look_through(file, limits));
    return std::unique_ptr<ImportSource>(std::move(source));
  }
  explicit ZipSource(jobs::ZipReader reader) : reader_(std::move(reader)) {}

  [[nodiscard]] std::uint64_t total() const noexcept override { return total_; }
  [[nodiscard]] const std::set<std::string>& persons() const noexcept override { return persons_; }
  Result<void> skip() override {
    VISAVIS_CHECK(reader_.next());
    return {};
  }
  Result<std::optional<ImportItem>> next() override {
    VISAVIS_TRY(entry, reader_.next());
    if (!entry) return std::nullopt;
    ImportItem item{.label = entry->label, .person = person_of(entry->label, root_)};
    if (entry->refusal) {
      item.verdict = failed_item(jobs::to_string(*entry->refusal), sentence_of(*entry->refusal));
      return item;
    }
    item.verdict = wrong_name(item.label, item.person);
    if (item.verdict) return item;
    auto bytes = reader_.read();
    if (bytes)
      item.bytes = *std::move(bytes);
    else
      item.verdict = failed_item(to_string(bytes.error().code), bytes.error().message);
    return item;
  }

 private:
  Result<void> look_through(const std::filesystem::path& file, const jobs::ZipLimits& limits) {
    VISAVIS_TRY(first, jobs::ZipReader::open(file, limits));
    RootFinder finder;
    for (;; ++total_) {
      VISAVIS_TRY(entry, first.next());
      if (!entry) break;
      if (has_picture_end(entry->label)) finder.add(entry->label);
    }
    root_ = finder.root();
    VISAVIS_TRY(second, jobs::ZipReader::open(file, limits));
    for (;;) {
      VISAVIS_TRY(entry, second.next());
      if (!entry) return {};
      if (std::string person = person_of(entry->label, root_); !person.empty())
        persons_.insert(std::move(person));
    }
  }

  jobs::ZipReader reader_;
  std::uint64_t total_ = 0;
  std::string root_;
  std::set<std::string> persons_;
};

class ListSource final : public ImportSource {
 public:
  explicit ListSource(std::vector<jobs::ListedUrl> urls) : urls_(std::move(urls)) {
    for (const jobs::ListedUrl& url : urls_)
      if (!url.person.empty()) persons_.insert(url.person);
  }

  [[nodiscard]] std::uint64_t total() const noexcept override { return urls_.size(); }
  [[nodiscard]] const std::set<std::string>& persons() const noexcept override { return persons_; }
  Result<void> skip() override {
    ++at_;
    return {};
  }
  Result<std::optional<ImportItem>> next() override {
    if (at_ >= urls_.size()) return std::nullopt;
    const jobs::ListedUrl& url = urls_[at_++];
    ImportItem item{.label = url.url, .person = url.person, .is_url = true};
    if (url.person.empty())
      item.verdict = refused_item("no_person", "the list does not say whose photo it is");
    else if (const auto wrong = wrong_person(url.person))
      item.verdict = refused_item("bad_name", *wrong);
    return item;
  }

 private:
  std::vector<jobs::ListedUrl> urls_;
  std::size_t at_ = 0;
  std::set<std::string> persons_;
};

}  // namespace

jobs::ItemOutcome refused_item(std::string_view reason, std::string_view message) {
  return {.result = jobs::ItemResult::kRefused,
          .reason = std::string(reason),
          .message = std::string(message)};
}

jobs::ItemOutcome failed_item(std::string_view reason, std::string_view message) {
  return {.result = jobs::ItemResult::kFailed,
          .reason = std::string(reason),
          .message = std::string(message)};
}

std::string person_of(std::string_view label, std::string_view root) {
  const std::vector<std::string_view> folders = folders_of(label);
  const std::size_t at = !root.empty() && !folders.empty() && folders.front() == root ? 1 : 0;
  return at < folders.size() ? std::string(folders[at]) : std::string();
}

void RootFinder::add(std::string_view label) {
  const std::vector<std::string_view> folders = folders_of(label);
  const std::string_view first = folders.empty() ? std::string_view() : folders.front();
  if (!first_) first_ = first;
  differs_ = differs_ || *first_ != first;
  has_deeper_ = has_deeper_ || folders.size() > 1;
}

std::string RootFinder::root() const {
  return first_ && !differs_ && has_deeper_ ? *first_ : std::string();
}

Result<std::unique_ptr<ImportSource>> open_zip_source(const std::filesystem::path& file,
                                                      const jobs::ZipLimits& limits) {
  return ZipSource::open(file, limits);
}

Result<std::unique_ptr<ImportSource>> open_list_source(const std::filesystem::path& file) {
  VISAVIS_TRY(bytes, read_file(file, kMaxListBytes));
  VISAVIS_TRY(urls,
              jobs::parse_url_list({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  return std::make_unique<ListSource>(std::move(urls));
}

}  // namespace visavis::usecases
