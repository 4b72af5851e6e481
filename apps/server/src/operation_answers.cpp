#include <nlohmann/json.hpp>
#include <utility>
#include <visavis/core/time.hpp>
#include <visavis/usecases/catalogue.hpp>
#include <visavis/wire/json.hpp>
#include <visavis/wire/served.hpp>

#include "answers.hpp"
#include "parameters.hpp"
#include "replies.hpp"

namespace visavis::server::answers {

Response live(Call&) { return json(R"({"status":"ok"})"); }

Response ready(Call& call) {
  const Phase phase = call.services.phase;
  switch (phase) {
    case Phase::kStarting:
      return problem(503, "starting", "the networks are being loaded");
    case Phase::kReady:
      return json(R"({"status":"ok"})");
    case Phase::kStopping:
      return problem(503, "stopping", "the server is shutting down");
  }
  return problem(500, "an unknown phase");
}

Response metrics(Call& call) {
  return {.type = "text/plain; version=0.0.4; charset=utf-8",
          .body = call.services.metrics.text(call.services, call.who.tenant)};
}

Response openapi(Call& call) { return json(call.services.contract); }

Response models(Call& call) {
  VISAVIS_OR_PROBLEM(list, usecases::list_models(call.services.places));
  return json(wire::to_json(list));
}

Response engines(Call&) { return json(wire::to_json(usecases::list_engines())); }

Response list_keys(Call& call) {
  return json(wire::to_json(call.services.keys.list(call.who.tenant)));
}

Response make_key(Call& call) {
  VISAVIS_OR_PROBLEM(object, object_of(call.request, {"scope", "note", "expires_at"}));
  access::NewKey key;
  key.tenant = call.who.tenant;
  const auto scope = object.find("scope");
  const auto known = scope != object.end() && scope->is_string()
                         ? access::parse_scope(scope->get<std::string>())
                         : std::nullopt;
  if (!known) return problem(400, "scope is one of read, enrol, admin");
  key.scope = *known;
  if (const auto note = object.find("note"); note != object.end()) {
    if (!note->is_string()) return problem(400, "note is no text");
    key.note = note->get<std::string>();
  }
  if (const auto expires = object.find("expires_at"); expires != object.end()) {
    VISAVIS_OR_PROBLEM(time, time_of(*expires, "expires_at"));
    key.expires = time;
  }
  auto made = call.services.keys.make(key, seconds_now());
  if (!made) return problem(usecases::Failure(std::move(made).error()));
  call.audit("key.create", made->facts.id);
  return json(wire::to_json(*made), 201);
}

Response remove_key(Call& call) {
  if (auto fine = check_query(call.request, {"key"}); !fine) return problem(fine.error());
  const auto key = call.request.query.find("key");
  if (key == call.request.query.end()) return problem(400, "say which: ?key=ID");
  if (key->second == call.who.key)
    return problem(409, "a key cannot remove itself; ask with another");
  if (auto removed = call.services.keys.remove(call.who.tenant, key->second); !removed)
    return problem(usecases::Failure(std::move(removed).error()));
  call.audit("key.remove", key->second);
  return nothing();
}

Response audit(Call& call) {
  if (auto fine = check_query(call.request, {"cursor", "limit"}); !fine)
    return problem(fine.error());
  VISAVIS_OR_PROBLEM(limit, whole_of(call.request.query, "limit", 100, 1, 1000));
  const auto cursor = call.request.query.find("cursor");
  auto page = call.services.audit.list(call.who.tenant,
                                       cursor == call.request.query.end() ? "" : cursor->second,
                                       static_cast<std::size_t>(limit));
  if (!page) return problem(usecases::Failure(std::move(page).error()));
  return json(wire::to_json(*page));
}

Response session(Call& call) {
  return json(wire::session_to_json(call.who.tenant, call.who.scope));
}

}  // namespace visavis::server::answers
