#pragma once

/// multipart/form-data (RFC 7578, RFC 2046 section 5.1).

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::server {

struct Part {
  std::string name{};       ///< Of the field.
  std::string filename{};   ///< As the client calls the file: a label, never a path of ours.
  std::string type{};       ///< Lower case, without parameters; may be empty.
  std::string_view data{};  ///< Within the body.
};

/// @param content_type  the request's whole field
/// @return the parts in their order; kInvalidArgument with a sentence for a body that is none, has
/// more than `max_parts`, or names a field or file by what is not UTF-8.
[[nodiscard]] Result<std::vector<Part>> parse_multipart(std::string_view content_type,
                                                        std::string_view body,
                                                        std::size_t max_parts);

/// The media type of a Content-Type field in lower case, without parameters.
[[nodiscard]] std::string media_type(std::string_view content_type);

}  // namespace visavis::server
