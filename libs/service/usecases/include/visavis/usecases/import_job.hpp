#pragma once

/// Enrolment of many photos as a job: of a zip archive or of a list of URLs.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/fetch/fetcher.hpp>
#include <visavis/gallery/gallery.hpp>
#include <visavis/jobs/job_queue.hpp>
#include <visavis/jobs/zip_reader.hpp>
#include <visavis/usecases/analyser.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/shelf.hpp>

namespace visavis::usecases {

/// Kinds of jobs.
inline constexpr std::string_view kImportZip = "import_zip";
inline constexpr std::string_view kImportUrls = "import_urls";

/// What a job is told besides its input.
struct ImportOrder {
  std::string gallery{};
  std::optional<Selection> selection{};        ///< Which face of several.
  std::optional<std::string> consent_basis{};  ///< Of everybody of whom a face is enrolled, so are
  std::optional<std::int64_t> consent_at{};    ///< the time of it
  std::optional<std::int64_t> expires_at{};    ///< and the person's end.
};

/// As jobs::Job::parameters. @pre the consent's basis is UTF-8
[[nodiscard]] std::string to_parameters(const ImportOrder& order);
/// @return kDecodeFailed for a text that is none
[[nodiscard]] Result<ImportOrder> parse_parameters(std::string_view text);

/// What may come out of an archive.
[[nodiscard]] jobs::ZipLimits zip_limits(std::uint64_t max_photo_bytes);

struct ImporterOptions {
  std::uint64_t max_photo_bytes = 20ULL << 20U;
  std::chrono::seconds deadline{300};  ///< For a photo's turn, others' photos being in the way.
  /// Told of every item before it is recorded, on the job's thread; of an item that was done and
  /// not recorded when the program was killed, once more.
  std::function<void(const jobs::Job&, const jobs::ItemOutcome&)> done{};
};

/// Runs import jobs, one call at a time.
///
/// Whose a photo is, its folder says: the first one, or the second where all photos lie in one
/// folder and some of them in folders below it. It is a person's id, or the name of one person, or
/// else the name of somebody new. Photos go through the analyser beside those of other callers, as
/// many at once as the executor has threads. A job goes on after a kill without enrolling anything
/// twice.
class Importer {
 public:
  /// @param fetcher  null: lists of URLs fail
  Importer(Analyser& analyser, Shelf& shelf, const fetch::Fetcher* fetcher, Executor& executor,
           ImporterOptions options);

  /// A jobs::JobHandler.
  [[nodiscard]] Result<void> run(jobs::JobRun& run);

 private:
  Analyser& analyser_;
  Shelf& shelf_;
  const fetch::Fetcher* fetcher_;
  Executor& executor_;
  ImporterOptions options_;
};

}  // namespace visavis::usecases
