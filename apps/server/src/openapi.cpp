#include "openapi.hpp"

#include <nlohmann/json.hpp>

namespace visavis::server {

std::string open_api(bool urls) {
  if (urls) return std::string(kOpenApi);
  auto contract = nlohmann::ordered_json::parse(kOpenApi);
  for (auto& path : contract.at("paths"))
    for (auto& operation : path) {
      const auto body = operation.find("requestBody");
      if (body == operation.end() || !body->at("content").contains("application/json")) continue;
      auto& schema = body->at("content").at("application/json").at("schema");
      if (schema.contains("properties")) schema.at("properties").erase("url");
    }
  return contract.dump();
}

}  // namespace visavis::server
