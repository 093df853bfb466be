#include "remediations/formats/duration_text.hpp"

#include <gtest/gtest.h>

namespace remediations::duration_text_test {
namespace {

TEST(DurationText, UsesTheUnitAPersonWould) {
    using namespace std::chrono_literals;
    EXPECT_EQ(duration_text(-1h), "0 minutes");
    EXPECT_EQ(duration_text(119min + 59s), "119 minutes");
    EXPECT_EQ(duration_text(120min), "2 hours");
    EXPECT_EQ(duration_text(71h + 59min), "71 hours");
    EXPECT_EQ(duration_text(72h), "3 days");
    EXPECT_EQ(duration_text(15 * 24h), "15 days");
}

}  // namespace
}  // namespace remediations::duration_text_test
