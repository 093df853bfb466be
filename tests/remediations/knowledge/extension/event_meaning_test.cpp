#include "remediations/knowledge/extension/event_meaning.hpp"

#include <gtest/gtest.h>

#include "remediations/knowledge/logs/event_failures.hpp"

namespace remediations::event_meaning_test {
namespace {

TEST(EventMeaning, IsThatOfItsIdOrElseOfItsCode) {
    const auto now = std::chrono::system_clock::now();
    const auto failures =
        failures_among({{"System", "volsnap", 36, now, {"x", "C:"}, 2},
                        {"System", "volsnap", 60000, now - std::chrono::seconds(1), {"0x80070005"}, 2}},
                       {{}, {}, now});
    ASSERT_EQ(failures.size(), 2U);
    ASSERT_TRUE(meaning_of_event_failure(failures[0]));
    EXPECT_EQ(meaning_of_event_failure(failures[0])->meaning, meaning_of_event("volsnap", 36)->meaning);
    ASSERT_TRUE(meaning_of_event_failure(failures[1]));
    EXPECT_EQ(meaning_of_event_failure(failures[1])->name, "ERROR_ACCESS_DENIED");
    EXPECT_FALSE(meaning_of_event_failure(Failure{}));
}

}  // namespace
}  // namespace remediations::event_meaning_test
