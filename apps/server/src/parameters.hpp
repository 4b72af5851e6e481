#pragma once

/// What a request says in its query, its form or its JSON, understood.

#include <cstddef>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/usecases/served.hpp>

#include "router.hpp"

namespace visavis::server {

/// Photos of a request, and the parameters that came with them.
struct Given {
  std::vector<usecases::Upload> photos{};  ///< In the request's body, or in `decoded`.
  std::vector<std::string> decoded{};
  Fields parameters{};  ///< Of the query, the form or the JSON.
};

[[nodiscard]] std::span<const std::byte> bytes_of(std::string_view text);

/// Photos as fields `names` of a form, as a raw body, or as JSON `<name>_base64` or, where the
/// server allows it, `<name>_url` (of one photo `url`).
/// @param names     "image" alone may come several times; of others each must come once
/// @param allowed   the parameters that the route knows; any other is an error
/// @return kUsage for a body that cannot be understood; kInput with kUnsupported for a type that is
/// neither.
[[nodiscard]] usecases::Outcome<Given> photos_of(const Call& call,
                                                 std::span<const std::string_view> names,
                                                 std::initializer_list<std::string_view> allowed);

/// Whether the body is said to be a zip archive.
[[nodiscard]] bool is_archive(const Request& request);

/// A query without a body. @return kUsage for parameters that the route does not know
[[nodiscard]] usecases::Outcome<void> check_query(const Request& request,
                                                  std::initializer_list<std::string_view> allowed);

/// A number within bounds. @return kUsage with the parameter's name
[[nodiscard]] usecases::Outcome<std::optional<double>> number_of(const Fields& parameters,
                                                                 std::string_view name);
[[nodiscard]] usecases::Outcome<std::int64_t> whole_of(const Fields& parameters,
                                                       std::string_view name, std::int64_t fallback,
                                                       std::int64_t least, std::int64_t most);

[[nodiscard]] usecases::Outcome<usecases::Criterion> criterion_of(const Fields& parameters);
[[nodiscard]] usecases::Outcome<std::optional<usecases::Selection>> selection_of(
    const Fields& parameters);
[[nodiscard]] usecases::Outcome<gallery::Fusion> fusion_of(const Fields& parameters);

/// The body as one JSON object.
/// @return kUsage for what is none, or has members that are not `allowed`
[[nodiscard]] usecases::Outcome<nlohmann::json> object_of(
    const Request& request, std::initializer_list<std::string_view> allowed);
/// The same; an empty one for no body.
[[nodiscard]] usecases::Outcome<nlohmann::json> optional_object_of(
    const Request& request, std::initializer_list<std::string_view> allowed);

/// A text as such an object.
[[nodiscard]] usecases::Outcome<nlohmann::json> object_in(
    std::string_view text, std::initializer_list<std::string_view> allowed);

/// The members of a JSON object that say something of a person.
[[nodiscard]] usecases::Outcome<gallery::PersonChange> change_of(const nlohmann::json& json);

/// A point in time: seconds, or text of RFC 3339; nothing for null.
[[nodiscard]] usecases::Outcome<std::optional<std::int64_t>> time_of(const nlohmann::json& json,
                                                                     std::string_view name);

}  // namespace visavis::server
