#include "router.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>
#include <visavis/core/time.hpp>

#include "pages.hpp"
#include "parameters.hpp"
#include "problem.hpp"

namespace visavis::server {
namespace {

constexpr std::uint64_t kSmallBody = 1U << 20U;
constexpr std::uint64_t kListBody = 8U << 20U;

/// 64 random bits.
std::string new_request_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id(16, '0');
  for (auto bits = random(); char& digit : id) {
    digit = kDigits[bits & 15U];
    bits >>= 4U;
  }
  return id;
}

/// A client's own id is taken if it can do no harm in a log.
std::string request_id(const Request& request) {
  const std::string_view given = request.field("x-request-id");
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  const bool fine = !given.empty() && given.size() <= 64 && std::ranges::all_of(given, is_plain);
  return fine ? std::string(given) : new_request_id();
}

bool is_hole(std::string_view segment) { return segment.starts_with('{'); }

/// What stands in the places of {…}; nothing if the path is another.
std::optional<std::vector<std::string>> match(std::string_view pattern,
                                              std::span<const std::string> segments) {
  std::vector<std::string> holes;
  std::size_t at = 0;
  for (pattern.remove_prefix(1); !pattern.empty();) {
    const std::string_view segment = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(std::min(segment.size() + 1, pattern.size()));
    if (at == segments.size()) return std::nullopt;
    const std::string& given = segments[at++];
    if (is_hole(segment)) {
      if (given.empty()) return std::nullopt;
      holes.push_back(given);
    } else if (segment != given) {
      return std::nullopt;
    }
  }
  if (at != segments.size()) return std::nullopt;
  return holes;
}

struct Found {
  const Route* route = nullptr;
  std::vector<std::string> holes{};
  std::string allowed{};  ///< Methods that the path knows.
};

Found find_route(const Services& services, const Request& request) {
  Found found;
  const std::string_view method =
      request.method == "HEAD" ? "GET" : std::string_view(request.method);
  for (const Route& route : routes()) {
    if (route.guard == Guard::kFaceAll && !services.options.faceall) continue;
    auto holes = match(route.pattern, request.segments);
    if (!holes) continue;
    if (route.method == method) return {.route = &route, .holes = *std::move(holes), .allowed = {}};
    found.allowed.append(found.allowed.empty() ? "" : ", ").append(route.method);
  }
  return found;
}

/// What every answer carries, whatever it says.
Response dressed(const Services& services, const Request& request, Response response) {
  const auto add = [&](const char* name, std::string value) {
    response.fields.emplace_back(name, std::move(value));
  };
  if (!request.id.empty()) add("X-Request-Id", request.id);
  add("X-Content-Type-Options", "nosniff");
  add("X-Frame-Options", "DENY");
  add("Referrer-Policy", "no-referrer");
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("Cross-Origin-Opener-Policy", "same-origin");
  if (!services.options.certificate.empty()) add("Strict-Transport-Security", "max-age=31536000");
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(response.fields,
                               [&](const auto& field) { return field.first == name; });
  };
  if (!has("Cache-Control")) add("Cache-Control", "no-store");
  if (!has("Content-Security-Policy")) add("Content-Security-Policy", "default-src 'none'");
  return response;
}

/// "host:port" of an Origin; empty for none that can be understood.
std::string_view authority_of(std::string_view origin) {
  const std::size_t colons = origin.find("://");
  return colons == std::string_view::npos ? std::string_view() : origin.substr(colons + 3);
}

bool is_local_host(std::string_view host) {
  if (host.starts_with('[')) return host.starts_with("[::1]");
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host.starts_with("127.");
}

/// Pages of other sites may not use a visitor's access, neither by asking across origins nor by
/// giving their own name this machine's address.
std::optional<Response> foreign(const Services& services, const Request& request) {
  const std::string_view origin = request.field("origin");
  // FaceAll's clients are pages of anywhere.
  const bool theirs = services.options.faceall && request.path.starts_with("/face");
  if (!origin.empty() && !theirs && authority_of(origin) != request.field("host"))
    return problem(403, "a page of another origin may not ask this server");
  if (services.options.no_auth && !is_local_host(request.field("host")))
    return problem(403, "a server without keys answers to localhost only");
  return std::nullopt;
}

std::string_view secret_of(const Request& request) {
  constexpr std::string_view kBearer = "bearer ";
  std::string_view value = request.field("authorization");
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b); };
  if (value.size() > kBearer.size() &&
      std::ranges::equal(value.substr(0, kBearer.size()), kBearer, same))
    return value.substr(kBearer.size());
  return request.field("x-api-key");
}

access::Scope scope_of(Guard guard) {
  switch (guard) {
    case Guard::kRead:
      return access::Scope::kRead;
    case Guard::kEnrol:
      return access::Scope::kEnrol;
    case Guard::kAdmin:
    case Guard::kOpen:
    case Guard::kFaceAll:
      return access::Scope::kAdmin;
  }
  return access::Scope::kAdmin;
}

/// @return who asks, or the refusal
std::expected<Principal, Response> authorise(Services& services, const Request& request,
                                             Guard guard) {
  if (services.options.no_auth || guard == Guard::kFaceAll)
    return Principal{
        .tenant = services.options.tenant,
        .key = {},
        .scope = guard == Guard::kFaceAll ? access::Scope::kEnrol : access::Scope::kAdmin};
  const access::Scope needed = scope_of(guard);
  const std::string_view secret = secret_of(request);
  if (secret.empty())
    return std::unexpected(problem(401, "send a key as Authorization: Bearer KEY"));
  const auto key = services.keys.find(secret, seconds_now());
  if (!key) return std::unexpected(problem(401, "the key is unknown or has expired"));
  if (!access::allows(key->scope, needed))
    return std::unexpected(
        problem(403, "this needs a key with the scope " + std::string(access::to_string(needed))));
  return Principal{.tenant = key->tenant, .key = key->id, .scope = key->scope};
}

std::optional<Response> beyond_rate(Services& services, const Principal& who,
                                    const std::string& remote) {
  const access::Turn turn =
      services.rates.take(who.key.empty() ? remote : who.key, std::chrono::steady_clock::now());
  if (turn.granted) return std::nullopt;
  Response response = problem(429, "this key asks too often; wait as Retry-After says");
  for (auto& [name, value] : response.fields)
    if (name == "Retry-After") value = std::to_string(turn.retry_after.count());
  return response;
}

std::uint64_t body_limit(const ServerOptions& options, const Route& route, const Request& request) {
  switch (route.body) {
    case Body::kNone:
      return 0;
    case Body::kSmall:
      return kSmallBody;
    case Body::kImages:
      // Base64 takes a third more, and forms have heads.
      return std::min(options.max_body_bytes,
                      options.max_images * options.max_image_bytes / 3 * 4 + kSmallBody);
    case Body::kImport:
      return is_archive(request) ? options.max_import_bytes : kListBody;
  }
  return 0;
}

/// Does a route's work, whatever happens in it.
template <class Work>
auto guarded(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return problem(503, "memory ran out; try again");
  } catch (const std::exception&) {
    return problem(500, "this should not have happened; the log has the request's id");
  }
}

/// To the disk as it comes, unless too many do.
void receive(Admission& admission, const std::shared_ptr<Call>& call, const Route& route) {
  // Each holds a thread of the requests' for as long as its sender likes.
  const std::size_t most = std::max<std::size_t>(call->services.options.max_requests / 4, 1);
  if (call->services.uploads >= most) {
    admission.refusal = dressed(call->services, call->request,
                                problem(503, "too many archives are being sent; try again later"));
    return;
  }
  call->turn.emplace(call->services);
  admission.receive = [call, &route](std::span<const std::byte> bytes) -> std::optional<Response> {
    auto refusal =
        guarded([&]() -> std::optional<Response> { return route.receive(*call, bytes); });
    if (refusal) refusal = dressed(call->services, call->request, *std::move(refusal));
    return refusal;
  };
}

Admission admitted(Services& services, Request& request, const Route& route, Principal who,
                   std::vector<std::string> holes) {
  const auto call = std::make_shared<Call>(services, request, std::move(who), std::move(holes));
  Admission admission{
      .max_body = body_limit(services.options, route, request),
      .at_once = route.guard == Guard::kOpen,
      .answer = [call, &route](Request& asked) {
        call->deadline = std::chrono::steady_clock::now() + call->services.options.deadline;
        return dressed(call->services, asked, guarded([&] { return route.answer(*call); }));
      }};
  if (route.receive != nullptr && is_archive(request)) receive(admission, call, route);
  return admission;
}

Admission admit(Services& services, Request& request) {
  request.id = request_id(request);
  request.route = "unknown";
  const auto refuse = [&](Response response) {
    return Admission{.refusal = dressed(services, request, std::move(response))};
  };
  if (auto refusal = foreign(services, request)) return refuse(*std::move(refusal));
  if (const Page* page = find_page(services, request)) {
    request.route = "page";
    return {.at_once = true, .answer = [&services, page](Request& asked) {
              return dressed(services, asked, answer_page(*page, asked));
            }};
  }
  Found found = find_route(services, request);
  if (found.route == nullptr) {
    if (found.allowed.empty()) return refuse(problem(404, "there is nothing at this path"));
    Response response = problem(405, "this path knows " + found.allowed);
    response.fields.emplace_back("Allow", found.allowed);
    return refuse(std::move(response));
  }
  const Route& route = *found.route;
  request.route = route.pattern;
  Principal who;
  if (route.guard != Guard::kOpen) {
    const Phase phase = services.phase;
    if (phase != Phase::kReady)
      return refuse(problem(503, phase == Phase::kStarting
                                     ? "the server is starting; try again soon"
                                     : "the server is shutting down"));
    auto principal = authorise(services, request, route.guard);
    if (!principal) return refuse(std::move(principal).error());
    who = *std::move(principal);
    request.key = who.key;
    if (auto refusal = beyond_rate(services, who, request.remote))
      return refuse(*std::move(refusal));
  }
  if (route.guard == Guard::kOpen)  // a key is not asked for, but may tell more
    if (auto principal = authorise(services, request, Guard::kRead)) who = *std::move(principal);
  return admitted(services, request, route, std::move(who), std::move(found.holes));
}

void note(const Services& services, const Request& request, unsigned status, std::uint64_t bytes,
          double seconds) {
  if (!services.events.log) return;
  nlohmann::ordered_json line{{"time", to_rfc3339(seconds_now())},
                              {"event", "request"},
                              {"request", request.id},
                              {"method", request.method.substr(0, 16)},
                              {"route", request.route},
                              {"status", status},
                              {"ms", std::round(seconds * 1e5) / 100},
                              {"bytes", bytes},
                              {"remote", request.remote}};
  if (!request.key.empty()) line["key"] = request.key;
  services.events.log(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

void Call::audit(std::string_view action, std::string_view outcome, std::string_view of_face,
                 std::string_view of_person) const {
  const bool reads = action == "identify" || action == "verify";
  const access::AuditEntry entry{
      .time = seconds_now(),
      .request = request.id,
      .tenant = who.tenant,
      .key = who.key,
      .action = std::string(action),
      .gallery = path.empty() ? std::string() : path[0],
      .person =
          !of_person.empty() ? std::string(of_person) : (path.size() > 1 ? path[1] : std::string()),
      .face = !of_face.empty() ? std::string(of_face) : (path.size() > 2 ? path[2] : std::string()),
      .outcome = std::string(outcome)};
  const auto noted =
      services.audit.append(entry, reads ? access::Durable::kLater : access::Durable::kNow);
  if (!noted) note_unaudited(services, request.id, noted.error());
}

void note_unaudited(const Services& services, const std::string& request, const Error& error) {
  if (!services.events.log) return;
  const nlohmann::ordered_json line{{"time", to_rfc3339(seconds_now())},
                                    {"event", "audit_failed"},
                                    {"request", request},
                                    {"reason", error.message}};
  services.events.log(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

HttpHandlers make_handlers(Services& services) {
  return {.admit = [&services](Request& request) { return admit(services, request); },
          .refuse =
              [&services](const Request& request, unsigned status, const std::string& sentence) {
                return dressed(services, request, problem(status, sentence));
              },
          .done =
              [&services](const Request& request, unsigned status, std::uint64_t bytes,
                          double seconds) {
                const bool known = request.route != "unknown";
                services.metrics.request(request.route, known ? request.method : "any", status,
                                         seconds);
                note(services, request, status, bytes, seconds);
              }};
}

}  // namespace visavis::server
