#include "visavis/wire/json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <visavis/usecases/people.hpp>
#include <visavis/wire/people.hpp>

#include "document.hpp"

namespace visavis::wire {
namespace {

TEST(JsonTest, FloatsAreAsShortAsTheyCanBe) {
  EXPECT_EQ(number(.1F).dump(), "0.1");
  EXPECT_EQ(number(16777216.F).dump(), "16777216.0");
  EXPECT_TRUE(number(std::numeric_limits<float>::infinity()).is_null());
}

TEST(JsonTest, FailureIsADocumentToo) {
  const std::string text = to_json(usecases::Failure({ErrorCode::kNotFound, "there is none"}));
  EXPECT_EQ(text,
            "{\"schema\":\"visavis.error/1\",\"errors\":[{\"path\":null,\"code\":\"not_found\","
            "\"message\":\"there is none\"}]}\n");
}

TEST(JsonTest, NamesThatAreNotUtf8DoNotBreakTheDocument) {
  usecases::Enrolment enrolment;
  enrolment.errors.push_back(
      usecases::problem("a\xFF", usecases::Failure({ErrorCode::kDecodeFailed, "x"})));
  const Json json = Json::parse(to_json(enrolment));
  EXPECT_EQ(json["errors"][0]["path"], "a\xEF\xBF\xBD");
}

TEST(JsonTest, UnansweredVerificationHasNulls) {
  usecases::Verification verification;
  verification.errors.push_back(usecases::no_face("a.jpg"));
  const Json json = Json::parse(to_json(verification));
  EXPECT_TRUE(json["same"].is_null());
  EXPECT_TRUE(json["a"].is_null());
  EXPECT_TRUE(json["promise"].is_null());
  EXPECT_EQ(json["errors"][0]["code"], "no_face");
}

}  // namespace
}  // namespace visavis::wire
