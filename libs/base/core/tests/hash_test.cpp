#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <visavis/core/hash.hpp>
#include <visavis/core/sha256_stream.hpp>

namespace visavis {
namespace {

// FIPS 180-4 examples, as published in NIST's "SHA256.pdf" (one-block and two-block messages).
TEST(Sha256, MatchesTheStandardsExamples) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(std::string_view())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, IsTheSamePieceByPiece) {
  Sha256Stream stream;
  for (int round = 0; round < 2; ++round) {
    for (const std::string_view piece :
         {"abcdbcdecdefdefgefghfghighij", "", "hijkijkljklmklmnlmno", "mnopnopq"})
      stream.append(std::as_bytes(std::span(piece)));
    EXPECT_EQ(to_hex(stream.finish()),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  }
}

}  // namespace
}  // namespace visavis
