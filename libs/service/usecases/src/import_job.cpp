#include "visavis/usecases/import_job.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <thread>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/core/time.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/usecases/served.hpp>

#include "bench_impl.hpp"
#include "decisions.hpp"
#include "gallery_at.hpp"
#include "import_source.hpp"

namespace visavis::usecases {
namespace {

using jobs::ItemOutcome;
using jobs::ItemResult;

/// So many items at most may have been done and not recorded when the program was killed.
constexpr std::size_t kMaxAtOnce = 16;

/// Who is meant by a name.
struct Whose {
  std::string id{};
  bool is_new = false;        ///< To be made with the first face.
  bool is_ambiguous = false;  ///< Several people have the name.
  std::optional<std::int64_t> expires_at{};
};
using People = std::map<std::string, Whose, std::less<>>;

/// The same each time that the job is run, and nobody's name.
std::string new_id(const jobs::Job& job, const std::string& name) {
  return to_hex(sha256(job.id + '\0' + name)).substr(0, 32);
}

/// An id counts more than a name, and what the job itself has made more than both.
People people_of(const jobs::Job& job, const std::set<std::string>& names,
                 const std::vector<gallery::Person>& known) {
  People people;
  for (const std::string& name : names) people[name] = {.id = new_id(job, name), .is_new = true};
  std::set<std::string, std::less<>> certain;
  for (const gallery::Person& person : known)
    if (const auto found = people.find(person.name);
        found != people.end() && found->second.id == person.id) {
      found->second = {.id = person.id, .expires_at = person.expires_at};
      certain.insert(found->first);
    }
  for (const gallery::Person& person : known)
    if (const auto found = people.find(person.id);
        found != people.end() && !certain.contains(found->first)) {
      found->second = {.id = person.id, .expires_at = person.expires_at};
      certain.insert(found->first);
    }
  for (const gallery::Person& person : known)
    if (const auto found = people.find(person.name);
        found != people.end() && !certain.contains(found->first)) {
      const bool another = !found->second.is_new;
      found->second = {.id = person.id, .is_ambiguous = another, .expires_at = person.expires_at};
    }
  return people;
}

/// Those of all persons who may be meant, page by page.
Result<std::vector<gallery::Person>> named_persons(const gallery::Gallery& gallery,
                                                   const std::set<std::string>& names) {
  std::vector<gallery::Person> named;
  for (gallery::Page page;;) {
    VISAVIS_TRY(some, gallery.list(page));
    if (some.empty()) return named;
    page.after = some.back().number;
    for (gallery::Person& person : some)
      if (names.contains(person.name) || names.contains(person.id))
        named.push_back(std::move(person));
  }
}

/// One item while it is looked at.
struct Looked {
  ImportItem item{};
  std::optional<Outcome<Seen>> seen{};
};

ItemOutcome failed(const Failure& failure, std::span<const std::byte> bytes) {
  const ErrorCode code = failure.error.code;
  if (code == ErrorCode::kDecodeFailed && image::sniff(bytes) == image::Format::kUnknown)
    return refused_item("not_a_photo", "it is no picture of a format that can be read");
  // A photo beyond the limits is the one thing about its bytes that is an argument's fault.
  if (code == ErrorCode::kInvalidArgument) return failed_item("too_large", failure.error.message);
  return failed_item(to_string(code), failure.error.message);
}

bool may_pass(const Outcome<Seen>& seen) {
  if (seen || seen.error().cause != Cause::kEnvironment) return false;
  const ErrorCode code = seen.error().error.code;
  return code == ErrorCode::kResourceExhausted || code == ErrorCode::kUnavailable;
}

/// One job that is being run.
class Work {
 public:
  Work(Analyser& analyser, Shelf& shelf, const fetch::Fetcher* fetcher, Executor& executor,
       const ImporterOptions& options, jobs::JobRun& run, ImportOrder order)
      : analyser_(analyser),
        shelf_(shelf),
        fetcher_(fetcher),
        executor_(executor),
        options_(options),
        run_(run),
        order_(std::move(order)) {}

  Result<void> all();

 private:
  Result<OpenGallery> gallery();
  Result<std::vector<Looked>> take();
  void look(std::vector<Looked>& some);
  void look(Looked& one);
  bool look_again(std::vector<Looked>& some);
  Result<void> settle(std::vector<Looked> some);
  Result<ItemOutcome> decide(const OpenGallery& gallery, Looked& one);
  Result<ItemOutcome> enrol(const OpenGallery& gallery, Whose& whose, const std::string& name,
                            gallery::Template face);
  Result<std::optional<ItemOutcome>> done_before(const OpenGallery& gallery, const Whose& whose,
                                                 const std::string& label);
  [[nodiscard]] gallery::PersonChange change_of(const Whose& whose, const std::string& name) const;

  Analyser& analyser_;
  Shelf& shelf_;
  const fetch::Fetcher* fetcher_;
  Executor& executor_;
  const ImporterOptions& options_;
  jobs::JobRun& run_;
  ImportOrder order_;
  std::unique_ptr<ImportSource> source_;
  People people_;
  std::size_t settled_ = 0;  ///< Items, in this run.
};

/// Held as long as some photos take: a removal of the gallery waits for whoever holds it.
Result<OpenGallery> Work::gallery() {
  auto found = shelf_.find(run_.job().tenant, order_.gallery);
  if (!found) return std::unexpected(std::move(found).error().error);
  if (auto fits = check_model(analyser_, *found); !fits)
    return std::unexpected(std::move(fits).error().error);
  return *std::move(found);
}

Result<void> Work::all() {
  if (run_.job().kind == kImportUrls && fetcher_ == nullptr)
    return fail(ErrorCode::kUnsupported, "photos by URL are off");
  VISAVIS_TRY(source, run_.job().kind == kImportUrls
                          ? open_list_source(run_.input())
                          : open_zip_source(run_.input(), zip_limits(options_.max_photo_bytes)));
  source_ = std::move(source);
  VISAVIS_CHECK(run_.set_total(source_->total()));
  {
    VISAVIS_TRY(open, gallery());
    VISAVIS_TRY(known, named_persons(*open.people, source_->persons()));
    people_ = people_of(run_.job(), source_->persons(), known);
  }
  for (std::uint64_t i = 0; i < run_.next_item(); ++i) VISAVIS_CHECK(source_->skip());
  while (!run_.should_stop()) {
    VISAVIS_TRY(some, take());
    if (some.empty()) break;
    look(some);
    if (!look_again(some)) break;
    VISAVIS_CHECK(settle(std::move(some)));
  }
  return {};
}

Result<std::vector<Looked>> Work::take() {
  std::vector<Looked> some;
  const auto most =
      std::min(kMaxAtOnce, static_cast<std::size_t>(std::max(executor_.concurrency(), 1)));
  while (some.size() < most) {
    VISAVIS_TRY(item, source_->next());
    if (!item) break;
    some.push_back({.item = *std::move(item)});
  }
  return some;
}

void Work::look(Looked& one) {
  if (one.item.verdict) return;
  if (one.item.is_url && one.item.bytes.empty()) {
    auto bytes = fetcher_->get(one.item.label);
    if (!bytes) {
      one.item.verdict =
          failed_item(fetch::to_string(bytes.error().cause), bytes.error().error.message);
      return;
    }
    one.item.bytes = *std::move(bytes);
  }
  one.seen = analyser_.look({.path = one.item.label, .bytes = one.item.bytes},
                            {.selection = order_.selection},
                            std::chrono::steady_clock::now() + options_.deadline);
}

void Work::look(std::vector<Looked>& some) {
  executor_.parallel_for(some.size(), [&](std::size_t i, int) {
    try {
      look(some[i]);
    } catch (const std::bad_alloc&) {
      some[i].seen.emplace(
          std::unexpected(Failure({ErrorCode::kResourceExhausted, "memory ran out"})));
    }
  });
}

/// Where the trouble was the server's, not the photo's: once more, later.
/// @return whether to go on
bool Work::look_again(std::vector<Looked>& some) {
  const auto until = std::chrono::steady_clock::now() + options_.deadline;
  for (Looked& one : some)
    while (one.seen && may_pass(*one.seen) && std::chrono::steady_clock::now() < until) {
      if (run_.should_stop()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      look(one);
    }
  return true;
}

Result<void> Work::settle(std::vector<Looked> some) {
  VISAVIS_TRY(open, gallery());
  std::vector<ItemOutcome> outcomes;
  for (Looked& one : some) {
    VISAVIS_TRY(outcome, decide(open, one));
    outcome.item = run_.next_item() + outcomes.size();
    outcome.label = one.item.label;
    if (options_.done) options_.done(run_.job(), outcome);
    outcomes.push_back(std::move(outcome));
    ++settled_;
  }
  return run_.record(outcomes);
}

Result<ItemOutcome> Work::decide(const OpenGallery& gallery, Looked& one) {
  if (one.item.verdict) return *std::move(one.item.verdict);
  if (!*one.seen) return failed(one.seen->error(), one.item.bytes);
  Whose& whose = people_.find(one.item.person)->second;
  if (whose.is_ambiguous)
    return refused_item("ambiguous_person",
                        "several people have that name; use the person's id for the folder");
  if (whose.expires_at && *whose.expires_at <= seconds_now())
    return refused_item(to_string(Refusal::kExpired), "the person's time is over");
  if (settled_ < kMaxAtOnce) {
    VISAVIS_TRY(before, done_before(gallery, whose, one.item.label));
    if (before) return *std::move(before);
  }
  auto face =
      template_or_refusal(analyser_.bench(), gallery.settings,
                          {.path = one.item.label, .bytes = one.item.bytes}, **std::move(one.seen));
  if (!face) return failed(face.error(), one.item.bytes);
  if (const auto* why = std::get_if<Refusing>(&*face))
    return refused_item(to_string(why->reason), why->message);
  return enrol(gallery, whose, one.item.person, std::get<gallery::Template>(*std::move(face)));
}

gallery::PersonChange Work::change_of(const Whose& whose, const std::string& name) const {
  gallery::PersonChange change{.consent_basis = order_.consent_basis,
                               .consent_at = order_.consent_at,
                               .expires_at = order_.expires_at};
  if (whose.is_new) change.name = name;
  return change;
}

Result<ItemOutcome> Work::enrol(const OpenGallery& gallery, Whose& whose, const std::string& name,
                                gallery::Template face) {
  const gallery::NewFace wanted{.person = whose.id, .face = std::move(face)};
  auto decided = gallery.people->enrol(std::span(&wanted, 1),
                                       {.refuse_duplicates = !gallery.settings.allow_duplicates,
                                        .known_persons_only = !whose.is_new,
                                        .change = change_of(whose, name)});
  if (!decided && decided.error().code == ErrorCode::kUnavailable)
    return std::unexpected(std::move(decided).error());
  if (!decided && decided.error().code == ErrorCode::kNotFound)
    return failed_item("not_found", "the person was removed meanwhile");
  if (!decided) return failed_item(to_string(decided.error().code), decided.error().message);
  if (const auto* duplicate = std::get_if<gallery::Duplicate>(&decided->front())) {
    const Refusing why = as_refusal(*duplicate, whose.id);
    return refused_item(to_string(why.reason), why.message);
  }
  whose.is_new = false;
  auto& enrolled = std::get<gallery::Enrolled>(decided->front());
  return ItemOutcome{.person = std::move(enrolled.person), .face = std::move(enrolled.face_id)};
}

/// What was enrolled and not recorded when the program was killed.
Result<std::optional<ItemOutcome>> Work::done_before(const OpenGallery& gallery, const Whose& whose,
                                                     const std::string& label) {
  if (whose.is_new || !run_.was_begun()) return std::nullopt;
  const auto details = gallery.people->show(whose.id);
  if (!details && details.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (!details) return std::unexpected(details.error());
  for (const gallery::EnrolledFace& face : details->faces)
    if (face.source == label && face.enrolled_at >= run_.job().created)
      return ItemOutcome{.person = whose.id, .face = face.face_id};
  return std::nullopt;
}

}  // namespace

std::string to_parameters(const ImportOrder& order) {
  nlohmann::ordered_json json{{"gallery", order.gallery}};
  if (order.selection) json["select"] = to_string(*order.selection);
  if (order.consent_basis) json["consent_basis"] = *order.consent_basis;
  if (order.consent_at) json["consent_at"] = *order.consent_at;
  if (order.expires_at) json["expires_at"] = *order.expires_at;
  return json.dump();
}

Result<ImportOrder> parse_parameters(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  ImportOrder order;
  try {
    order.gallery = json.at("gallery").get<std::string>();
    if (json.contains("select"))
      order.selection = parse_selection(json.at("select").get<std::string>());
    if (json.contains("consent_basis"))
      order.consent_basis = json.at("consent_basis").get<std::string>();
    if (json.contains("consent_at")) order.consent_at = json.at("consent_at").get<std::int64_t>();
    if (json.contains("expires_at")) order.expires_at = json.at("expires_at").get<std::int64_t>();
  } catch (const nlohmann::json::exception&) {
    return fail(ErrorCode::kDecodeFailed, "the job's parameters are damaged");
  }
  return order;
}

jobs::ZipLimits zip_limits(std::uint64_t max_photo_bytes) {
  return {.max_entry_bytes = max_photo_bytes};
}

Importer::Importer(Analyser& analyser, Shelf& shelf, const fetch::Fetcher* fetcher,
                   Executor& executor, ImporterOptions options)
    : analyser_(analyser),
      shelf_(shelf),
      fetcher_(fetcher),
      executor_(executor),
      options_(std::move(options)) {}

Result<void> Importer::run(jobs::JobRun& run) {
  try {
    VISAVIS_TRY(order, parse_parameters(run.job().parameters));
    return Work(analyser_, shelf_, fetcher_, executor_, options_, run, std::move(order)).all();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "memory ran out");
  }
}

}  // namespace visavis::usecases
