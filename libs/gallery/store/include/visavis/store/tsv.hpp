#pragma once

/// Tab-separated text: one record a line, fields apart by tabs, with tab, line end and backslash in
/// a field written as \t, \n and \\.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::store {

[[nodiscard]] std::string escape_field(std::string_view field);

/// @return kDecodeFailed for a backslash that is followed by anything but t, n or a backslash.
[[nodiscard]] Result<std::string> unescape_field(std::string_view field);

/// Escapes the fields, joins them by tabs and ends the line.
[[nodiscard]] std::string to_line(std::initializer_list<std::string_view> fields);

/// Reads every line of a text, unescaped. The last line's end may be missing; a carriage return
/// before a line end is not part of the line; empty lines are passed over.
/// @return kDecodeFailed with the number of the line that is wrong, or for text that is not UTF-8.
[[nodiscard]] Result<std::vector<std::vector<std::string>>> parse_tsv(std::string_view text);

}  // namespace visavis::store
