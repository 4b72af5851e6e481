#include "parameters.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/core/time.hpp>

#include "multipart.hpp"

namespace visavis::server {
namespace {

using nlohmann::json;
using usecases::Cause;
using usecases::Failure;
using usecases::Outcome;
using usecases::usage;

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxParts = 64;

Outcome<json> parse_object(std::string_view text) {
  bool deep = false;
  const json::parser_callback_t shallow = [&](int depth, json::parse_event_t, const json&) {
    deep = deep || depth > kMaxDepth;
    return !deep;
  };
  json value = json::parse(text, shallow, false);
  if (deep) return usage("the JSON is nested too deep");
  if (!value.is_object()) return usage("the body is no JSON object");
  return value;
}

/// RFC 4648 section 4, without line ends. A data: URL's prefix is passed over.
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.starts_with("data:")) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    text.remove_prefix(comma + 1);
  }
  if (text.size() % 4 != 0 || text.size() > std::numeric_limits<int>::max()) return std::nullopt;
  if (text.empty()) return std::string();
  const std::size_t padding = text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0);
  const auto is_plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  if (!std::ranges::all_of(text.substr(0, text.size() - padding), is_plain)) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(length) - padding);
  return out;
}

Outcome<void> known(const Fields& parameters, std::initializer_list<std::string_view> allowed) {
  for (const auto& [name, value] : parameters)
    if (std::ranges::find(allowed, name) == allowed.end())
      return usage("there is no parameter " + name);
  return {};
}

/// A scalar as the text that a query would hold.
std::optional<std::string> text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

usecases::Upload upload(std::string name, std::string_view bytes) {
  constexpr std::size_t kMaxLabel = 1024;
  const bool fine = !name.empty() && name.size() <= kMaxLabel && is_utf8(name);
  return {.path = fine ? std::move(name) : "image", .bytes = bytes_of(bytes)};
}

Outcome<void> read_form(const Request& request, std::span<const std::string_view> names,
                        std::size_t max_images, Given& given) {
  VISAVIS_TRY(parts, caused_by(Cause::kUsage, parse_multipart(request.field("content-type"),
                                                              request.body, kMaxParts)));
  std::vector<std::vector<const Part*>> found(names.size());
  for (const Part& part : parts) {
    const auto name = std::ranges::find(names, part.name);
    if (name != names.end()) {
      found[static_cast<std::size_t>(name - names.begin())].push_back(&part);
    } else {
      if (!is_utf8(part.data)) return usage("the parameter " + part.name + " is not UTF-8");
      given.parameters.insert_or_assign(part.name, std::string(part.data));
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (found[i].empty()) return usage("the form has no file " + std::string(names[i]));
    if (names.size() > 1 && found[i].size() > 1)
      return usage("the form has the file " + std::string(names[i]) + " more than once");
    if (found[i].size() > max_images)
      return usage("the form has more than " + std::to_string(max_images) + " files");
    for (const Part* part : found[i]) given.photos.push_back(upload(part->filename, part->data));
  }
  return {};
}

/// The photo of a URL, if the server was told that it may.
Outcome<std::string> fetched(const Services& services, const std::string& url) {
  if (!services.fetcher)
    return usage("photos by URL are off; whoever runs the server can allow hosts (--allow-url)");
  const auto bytes = services.fetcher->get(url);
  if (!bytes) return usage("the URL: " + bytes.error().error.message);
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

/// The photo of a JSON object, as base64 or by URL, taken out of it.
Outcome<std::string> photo_in(const Services& services, json& object, std::string_view name,
                              bool alone) {
  const std::string coded = std::string(name) + "_base64";
  const std::string linked = alone ? "url" : std::string(name) + "_url";
  if (const auto url = object.find(linked); url != object.end() && url->is_string()) {
    const std::string text = url->get<std::string>();
    object.erase(linked);
    return fetched(services, text);
  }
  const auto found = object.find(coded);
  if (found == object.end() || !found->is_string())
    return usage("the JSON has neither a text " + coded + " nor " + linked);
  auto bytes = decode_base64(found->get_ref<const std::string&>());
  if (!bytes) return usage(coded + " is no base64");
  object.erase(coded);
  return *std::move(bytes);
}

Outcome<void> read_json(const Call& call, std::span<const std::string_view> names, Given& given) {
  VISAVIS_TRY(object, parse_object(call.request.body));
  for (const std::string_view name : names) {
    VISAVIS_TRY(bytes, photo_in(call.services, object, name, names.size() == 1));
    std::string label;
    if (const auto given_name = object.find(std::string(name) + "_name");
        given_name != object.end() && given_name->is_string())
      label = given_name->get<std::string>();
    object.erase(std::string(name) + "_name");
    given.decoded.push_back(std::move(bytes));
    given.photos.push_back({.path = label});
  }
  for (std::size_t i = 0; i < given.photos.size(); ++i)
    given.photos[i] = upload(std::move(given.photos[i].path), given.decoded[i]);
  for (const auto& [name, value] : object.items()) {
    auto text = text_of(value);
    if (!text) return usage("the parameter " + name + " is no text, number or truth value");
    given.parameters.insert_or_assign(name, *std::move(text));
  }
  return {};
}

template <class T>
Outcome<T> word_of(const Fields& parameters, std::string_view name, T fallback,
                   std::initializer_list<std::pair<std::string_view, T>> words) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return fallback;
  std::string choices;
  for (const auto& [word, value] : words) {
    if (word == found->second) return value;
    choices.append(choices.empty() ? "" : ", ").append(word);
  }
  return usage(std::string(name) + " is one of " + choices);
}

}  // namespace

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

Outcome<Given> photos_of(const Call& call, std::span<const std::string_view> names,
                         std::initializer_list<std::string_view> allowed) {
  const Request& request = call.request;
  Given given;
  given.parameters = request.query;
  const std::string type = media_type(request.field("content-type"));
  if (type == "multipart/form-data") {
    VISAVIS_CHECK(read_form(request, names, call.services.options.max_images, given));
  } else if (type == "application/json") {
    VISAVIS_CHECK(read_json(call, names, given));
  } else if (names.size() == 1 &&
             (type.starts_with("image/") || type == "application/octet-stream")) {
    given.photos.push_back(upload("", request.body));
  } else {
    return std::unexpected(Failure(
        Cause::kInput, {ErrorCode::kUnsupported,
                        "send photos as multipart/form-data, as image/… or as JSON with base64"}));
  }
  VISAVIS_CHECK(known(given.parameters, allowed));
  return given;
}

bool is_archive(const Request& request) {
  const std::string type = media_type(request.field("content-type"));
  return type == "application/zip" || type == "application/x-zip-compressed";
}

Outcome<void> check_query(const Request& request, std::initializer_list<std::string_view> allowed) {
  return known(request.query, allowed);
}

Outcome<std::optional<double>> number_of(const Fields& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::optional<double>();
  double value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return usage(std::string(name) + " is no finite number");
  return std::optional(value);
}

Outcome<std::int64_t> whole_of(const Fields& parameters, std::string_view name,
                               std::int64_t fallback, std::int64_t least, std::int64_t most) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return fallback;
  std::int64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    return usage(std::string(name) + " is a whole number from " + std::to_string(least) + " to " +
                 std::to_string(most));
  return value;
}

Outcome<usecases::Criterion> criterion_of(const Fields& parameters) {
  usecases::Criterion criterion;
  VISAVIS_TRY(far, number_of(parameters, "far"));
  VISAVIS_TRY(fpir, number_of(parameters, "fpir"));
  VISAVIS_TRY(threshold, number_of(parameters, "threshold"));
  criterion.far = far;
  criterion.fpir = fpir;
  criterion.threshold = threshold;
  using Metric = std::optional<matching::ScoreKind>;
  VISAVIS_TRY(metric, (word_of<Metric>(parameters, "metric", std::nullopt,
                                       {{"cosine", matching::ScoreKind::kCosine},
                                        {"l2", matching::ScoreKind::kL2},
                                        {"squared_l2", matching::ScoreKind::kSquaredL2}})));
  criterion.metric = metric;
  return criterion;
}

Outcome<std::optional<usecases::Selection>> selection_of(const Fields& parameters) {
  using usecases::Selection;
  using Choice = std::optional<Selection>;
  return word_of<Choice>(parameters, "select", std::nullopt,
                         {{to_string(Selection::kLargest), Selection::kLargest},
                          {to_string(Selection::kProbability), Selection::kProbability},
                          {to_string(Selection::kCenter), Selection::kCenter}});
}

Outcome<gallery::Fusion> fusion_of(const Fields& parameters) {
  using gallery::Fusion;
  return word_of<Fusion>(
      parameters, "fusion", Fusion::kBest,
      {{"best", Fusion::kBest}, {"mean", Fusion::kMean}, {"quality", Fusion::kQualityWeighted}});
}

Outcome<json> object_of(const Request& request, std::initializer_list<std::string_view> allowed) {
  VISAVIS_CHECK(known(request.query, {}));
  if (request.body.empty()) return usage("send a JSON object as application/json");
  if (media_type(request.field("content-type")) != "application/json")
    return std::unexpected(Failure(
        Cause::kInput, {ErrorCode::kUnsupported, "send a JSON object as application/json"}));
  return object_in(request.body, allowed);
}

Outcome<json> optional_object_of(const Request& request,
                                 std::initializer_list<std::string_view> allowed) {
  if (!request.body.empty()) return object_of(request, allowed);
  VISAVIS_CHECK(known(request.query, {}));
  return json::object();
}

Outcome<json> object_in(std::string_view text, std::initializer_list<std::string_view> allowed) {
  VISAVIS_TRY(object, parse_object(text));
  for (const auto& [name, value] : object.items())
    if (std::ranges::find(allowed, name) == allowed.end())
      return usage("there is no member " + name);
  return object;
}

Outcome<std::optional<std::int64_t>> time_of(const json& value, std::string_view name) {
  constexpr std::int64_t kLast = 253'402'300'799;  // the end of the year 9999
  if (value.is_null()) return std::optional<std::int64_t>();
  if (value.is_number_integer()) {
    const auto seconds = value.is_number_unsigned()
                             ? static_cast<std::int64_t>(std::min<std::uint64_t>(
                                   value.get<std::uint64_t>(), std::uint64_t{kLast} + 1))
                             : value.get<std::int64_t>();
    if (seconds >= 0 && seconds <= kLast) return std::optional(seconds);
  }
  if (value.is_string())
    if (const auto seconds = parse_rfc3339(value.get_ref<const std::string&>())) return seconds;
  return usage(std::string(name) +
               " is a time: 2026-11-27T12:00:00Z, a date, seconds since 1970, or null");
}

Outcome<gallery::PersonChange> change_of(const json& object) {
  gallery::PersonChange change;
  const auto member = [&](const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
  };
  if (const json* name = member("name")) {
    if (!name->is_string()) return usage("name is no text");
    change.name = name->get<std::string>();
  }
  if (const json* attributes = member("attributes")) {
    if (!attributes->is_object()) return usage("attributes is no object");
    change.attributes = attributes->dump();
  }
  if (const json* basis = member("consent_basis")) {
    if (!basis->is_null() && !basis->is_string()) return usage("consent_basis is no text");
    if (basis->is_null())
      change.forgets_consent = true;
    else
      change.consent_basis = basis->get<std::string>();
  }
  if (const json* at = member("consent_at")) {
    VISAVIS_TRY(time, time_of(*at, "consent_at"));
    change.consent_at = time;
  }
  // A basis without a time is of now.
  if (change.consent_basis && !change.consent_at) change.consent_at = seconds_now();
  if (const json* expires = member("expires_at")) {
    VISAVIS_TRY(time, time_of(*expires, "expires_at"));
    change.expires_at = time;
    change.never_expires = !time;
  }
  return change;
}

}  // namespace visavis::server
