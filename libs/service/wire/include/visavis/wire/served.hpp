#pragma once

/// JSON of what only a server answers.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/access/audit_log.hpp>
#include <visavis/access/key_ring.hpp>
#include <visavis/usecases/served.hpp>
#include <visavis/usecases/shelf.hpp>

namespace visavis::wire {

[[nodiscard]] std::string to_json(const usecases::Description& description);
[[nodiscard]] std::string to_json(const usecases::GalleryFacts& gallery);
[[nodiscard]] std::string to_json(const std::vector<usecases::GalleryFacts>& galleries);
/// A page of persons. @param next  for the following one; nothing at the end
[[nodiscard]] std::string to_json(const usecases::PersonList& list,
                                  std::optional<std::int64_t> next);
/// The faces alone, and one of them.
[[nodiscard]] std::string faces_to_json(const gallery::PersonDetails& details);
[[nodiscard]] std::string to_json(const gallery::EnrolledFace& face);
/// Kept files as base64.
[[nodiscard]] std::string to_json(const usecases::ServedExport& exported);
[[nodiscard]] std::string to_json(const std::vector<access::KeyFacts>& keys);
[[nodiscard]] std::string to_json(const access::MadeKey& key);
[[nodiscard]] std::string to_json(const access::AuditPage& page);

/// What the key of a request may do.
[[nodiscard]] std::string session_to_json(const std::string& tenant, access::Scope scope);

/// A problem document (RFC 9457). @param code  lower_snake
[[nodiscard]] std::string problem_to_json(unsigned status, std::string_view title,
                                          std::string_view code, std::string_view detail);

}  // namespace visavis::wire
