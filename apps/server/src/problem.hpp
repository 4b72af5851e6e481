#pragma once

/// From what went wrong to a status and a problem document (RFC 9457): the one place for each.

#include <string>
#include <string_view>
#include <visavis/usecases/failure.hpp>

#include "message.hpp"

namespace visavis::server {

[[nodiscard]] Response problem(unsigned status, std::string_view code, std::string_view detail);

/// @param detail  of a request that was refused before anybody looked at it
[[nodiscard]] Response problem(unsigned status, std::string_view detail);

[[nodiscard]] unsigned status_of(const usecases::Failure& failure);
[[nodiscard]] Response problem(const usecases::Failure& failure);

/// Of a photo that could not be used.
[[nodiscard]] Response photo_problem(const usecases::Problem& photo);

}  // namespace visavis::server
