#pragma once

/// How much a protocol buffer holds, before it is parsed: a message of two bytes takes a hundred in
/// memory. Its form on the wire: protobuf.dev/programming-guides/encoding.

#include <cstddef>
#include <cstdint>
#include <span>

namespace visavis {

/// The fields of a message that may come again and again, or hold such.
struct WireForm {
  struct Field {
    std::uint32_t number = 0;
    const WireForm* holds = nullptr;  ///< None: a text, or a message that is of one size.
  };
  std::span<const Field> fields;
};

/// How many of the fields that `form` names are in a message, those in each other included; no more
/// than `most` are counted. The end of what is well-formed ends the count: there parsing fails.
[[nodiscard]] std::size_t count_fields(std::span<const std::byte> message, const WireForm& form,
                                       std::size_t most) noexcept;

}  // namespace visavis
