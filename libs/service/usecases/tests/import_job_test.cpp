#include "visavis/usecases/import_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/fetch_testing/local_fetcher.hpp>
#include <visavis/fetch_testing/local_server.hpp>
#include <visavis/jobs/job_queue.hpp>
#include <visavis/tests/folder_test.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;
using fetch::tests::Connection;
using fetch::tests::LocalServer;
using fetch::tests::ok;
using fetch::tests::redirect;

fs::path cache() {
  const char* own = std::getenv("VISAVIS_CACHE");
  if (own != nullptr) return own;
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "/" : home) / ".cache" / "visavis";
}

std::string photo(std::string_view name) {
  const auto bytes = read_file(cache() / "photos" / name, 20U << 20U);
  if (!bytes) return {};
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

/// What the server of the test has, good and bad.
std::string answer_to(const std::string& request) {
  const auto asks = [&](std::string_view path) {
    return request.starts_with("GET " + std::string(path) + " ");
  };
  if (asks("/ada")) return ok(photo("obama.jpg"));
  if (asks("/moved")) return redirect("/ada2", 302);
  if (asks("/ada2")) return ok(photo("obama2.jpg"));
  if (asks("/joe")) return ok(photo("biden.jpg"));
  if (asks("/inside")) return redirect("http://inside.test/", 302);
  if (asks("/text")) return ok("hello");
  if (asks("/large")) return ok(std::string(3U << 20U, 'x'));
  return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
}

/// The networks with their workers.
class Eyes {
 public:
  explicit Eyes(const Places& places)
      : analyser_(Analyser::open(places, {.threads = 2}, {}, {}).value()) {
    for (int i = 0; i < analyser_->workers(); ++i)
      workers_.emplace_back([this, i] { analyser_->serve(i); });
  }
  ~Eyes() { analyser_->close(); }
  Eyes(const Eyes&) = delete;
  Eyes& operator=(const Eyes&) = delete;
  [[nodiscard]] Analyser& analyser() { return *analyser_; }

 private:
  std::unique_ptr<Analyser> analyser_;
  std::vector<std::jthread> workers_;
};

class ImportJobTest : public tests::FolderTest {};

/// A list that a client sends, from its URLs to faces in the gallery: with the server's own
/// importer and fetcher, but for the names of hosts and for loopback, where the photos are.
TEST_F(ImportJobTest, AListOfUrlsIsFetchedAndEnrolled) {
  const Places places{.manifests = {fs::path(VISAVIS_SOURCE_DIR) / "models"},
                      .models = cache() / "models",
                      .downloads = cache() / "downloads",
                      .compiled = cache() / "compiled"};
  if (photo("obama.jpg").empty() || !fs::exists(places.models))
    GTEST_SKIP() << "the public photographs or the models are not there: make photos models";
  LocalServer server([](const Connection& line) { line.send(answer_to(line.request())); });
  const LocalServer forbidden([](const Connection& line) { line.send(ok("secret")); }, "127.0.0.2");
  const auto fetcher = fetch::testing::make_local_fetcher(
      {.hosts = {"photos.test", "inside.test"},
       .ports = {server.port(), forbidden.port(), 80},
       .max_bytes = 2U << 20U},
      {.resolve = [](const std::string& host) -> std::vector<std::string> {
         return {host == "photos.test" ? "127.0.0.1" : "127.0.0.2"};
       },
       .allowed = {"127.0.0.1"}});
  ASSERT_TRUE(fetcher);
  const std::string here = "http://photos.test:" + std::to_string(server.port());
  const std::string inside = "http://inside.test:" + std::to_string(forbidden.port());
  const std::string list = here + "/ada\tAda\n" + here + "/moved\tAda\n" + here + "/joe\tJoe\n" +
                           here + "/inside\tJoe\n" + inside + "/\tJoe\n" + here + "/gone\tJoe\n" +
                           here + "/text\tJoe\n" + here + "/large\tJoe\n" +
                           "http://other.test/a.jpg\tJoe\n";

  Shelf shelf(folder_ / "galleries");
  ASSERT_TRUE(shelf.make("t", "g", {}));
  auto queue = jobs::JobQueue::open(folder_ / "jobs").value();
  auto input = queue.begin_input().value();
  ASSERT_TRUE(input.append(std::as_bytes(std::span(list))));
  const auto job = queue.submit({.tenant = "t",
                                 .kind = std::string(kImportUrls),
                                 .key = {},
                                 .parameters = to_parameters({.gallery = "g"})},
                                std::move(input));
  ASSERT_TRUE(job);
  Eyes eyes(places);
  const auto executor = make_thread_pool(2);
  Importer importer(eyes.analyser(), shelf, &*fetcher, *executor, {});
  ASSERT_TRUE(queue.run_next([&](jobs::JobRun& run) { return importer.run(run); }).value());

  EXPECT_EQ(queue.find("t", job->id)->state, jobs::JobState::kDone);
  std::vector<std::string> reasons;
  const auto page = queue.outcomes("t", job->id).value();
  for (const auto& outcome : page.outcomes) reasons.push_back(outcome.reason);
  EXPECT_THAT(reasons, testing::ElementsAre("", "", "", "address", "address", "status",
                                            "not_a_photo", "size", "host"));
  EXPECT_EQ(forbidden.count(), 0) << "nobody may be led there";
  std::map<std::string, std::size_t> faces;
  const auto gallery = shelf.find("t", "g").value();
  const auto people = gallery.people->list({}).value();
  for (const gallery::Person& person : people)
    faces[person.name] = gallery.people->show(person.id)->faces.size();
  EXPECT_THAT(faces, testing::ElementsAre(testing::Pair("Ada", 2U), testing::Pair("Joe", 1U)));
}

}  // namespace
}  // namespace visavis::usecases
