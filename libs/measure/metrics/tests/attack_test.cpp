#include <gtest/gtest.h>

#include <vector>
#include <visavis/metrics/attack.hpp>

namespace visavis::metrics {
namespace {

const std::vector<float> kPrint{.1F, .6F};
const std::vector<float> kReplay{.2F, .3F, .9F};
const std::vector<AttackSpecies> kSpecies{{.name = "print", .scores = kPrint},
                                          {.name = "replay", .scores = kReplay}};

TEST(Apcer, IsTheShareOfEachSpecies) {
  EXPECT_EQ(apcer(kSpecies, .5), (std::vector<double>{.5, 1. / 3}));
}

TEST(Bpcer, ByHand) { EXPECT_DOUBLE_EQ(bpcer(std::vector<float>{.4F, .8F, .7F}, .5), 1 - 2. / 3); }

// No attack may pass: the threshold lies above replay's .9.
TEST(BpcerAtApcer, IsSetByTheWorstSpecies) {
  const std::vector<float> live{.95F, .8F};
  EXPECT_DOUBLE_EQ(bpcer_at_apcer(kSpecies, live, 0), .5);
  EXPECT_DOUBLE_EQ(bpcer_at_apcer(kSpecies, live, .5), 0);
}

}  // namespace
}  // namespace visavis::metrics
