#include "visavis/core/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace visavis {
namespace {

constexpr int kMostDepth = 100;  ///< Parsers go no deeper, either.

enum WireType : std::uint8_t { kVarint = 0, kEightBytes = 1, kLength = 2, kFourBytes = 5 };

class Counter {
 public:
  explicit Counter(std::size_t most) : most_(most) {}

  /// @return whether the message is well-formed and there may be more
  bool count(std::span<const std::byte> message, const WireForm& form, int depth) {
    while (!message.empty()) {
      const auto tag = varint(message);
      if (!tag || depth > kMostDepth) return false;
      std::uint64_t size = 0;
      switch (*tag & 7U) {
        case kVarint:
          if (!varint(message)) return false;
          continue;
        case kEightBytes:
          size = 8;
          break;
        case kFourBytes:
          size = 4;
          break;
        case kLength: {
          const auto length = varint(message);
          if (!length || *length > message.size()) return false;
          if (!enter(message.first(*length), *tag >> 3U, form, depth)) return false;
          size = *length;
          break;
        }
        default:  // where a group begins or ends; what is in it counts, too
          continue;
      }
      if (size > message.size()) return false;
      message = message.subspan(size);
    }
    return true;
  }

  [[nodiscard]] std::size_t found() const { return found_; }

 private:
  bool enter(std::span<const std::byte> contents, std::uint64_t number, const WireForm& form,
             int depth) {
    const auto field = std::ranges::find(form.fields, number, &WireForm::Field::number);
    if (field == form.fields.end()) return true;
    if (++found_ >= most_) return false;
    return field->holds == nullptr || count(contents, *field->holds, depth + 1);
  }

  static std::optional<std::uint64_t> varint(std::span<const std::byte>& message) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !message.empty(); shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(message.front());
      message = message.subspan(1);
      value |= (byte & 0x7FU) << shift;
      if (byte < 0x80U) return value;
    }
    return std::nullopt;
  }

  std::size_t most_;
  std::size_t found_ = 0;
};

}  // namespace

std::size_t count_fields(std::span<const std::byte> message, const WireForm& form,
                         std::size_t most) noexcept {
  Counter counter(most);
  counter.count(message, form, 0);
  return counter.found();
}

}  // namespace visavis
