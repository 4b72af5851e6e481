#pragma once

/// A line of the audit log, and back.

#include <optional>
#include <string>
#include <string_view>

#include "visavis/access/audit_log.hpp"

namespace visavis::access {

/// With its line end, which is in no line but there.
[[nodiscard]] std::string to_line(const AuditEntry& entry);

/// @param line  without its end. @return nothing for what is no entry
[[nodiscard]] std::optional<AuditEntry> parse_line(std::string_view line);

/// What stands in every line of a tenant as it was written, and so tells most others at once.
[[nodiscard]] std::string mark_of(std::string_view tenant);

}  // namespace visavis::access
