#pragma once

#include <string>
#include <string_view>

namespace visavis::server {

/// openapi.json, built in.
extern const std::string_view kOpenApi;

/// The contract as this server keeps it: without photos by URL where they are off.
[[nodiscard]] std::string open_api(bool urls);

}  // namespace visavis::server
