#include "visavis/core/checksum.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string_view>

namespace visavis {
namespace {

std::uint32_t of(std::string_view text, std::uint32_t so_far = 0) {
  return crc32c(std::as_bytes(std::span(text)), so_far);
}

/// RFC 3720 (iSCSI), appendix B.4, prints the bytes of each CRC in the order of transmission, the
/// lowest first.
TEST(Crc32c, GivesTheExamplesOfIscsi) {
  std::array<std::byte, 32> bytes{};
  EXPECT_EQ(crc32c(bytes), 0x8A9136AAU);
  bytes.fill(std::byte{0xFF});
  EXPECT_EQ(crc32c(bytes), 0x62A8AB43U);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc32c(bytes), 0x46DD794EU);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(31 - i);
  EXPECT_EQ(crc32c(bytes), 0x113FDB5CU);
}

/// The check value of CRC-32/ISCSI in the catalogue of parametrised CRC algorithms.
TEST(Crc32c, GivesTheCataloguesCheckValue) { EXPECT_EQ(of("123456789"), 0xE3069283U); }

TEST(Crc32c, GoesOnAcrossPieces) {
  const std::string_view text = "nineteen bytes long";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(of(text.substr(cut), of(text.substr(0, cut))), of(text)) << cut;
  EXPECT_EQ(of(""), 0U);
}

}  // namespace
}  // namespace visavis
