#include "remediations/formats/http_date.hpp"

#include <gtest/gtest.h>

namespace remediations::http_date_test {
namespace {

TEST(HttpDates, AreReadInTheOneFormThatServersWrite) {
    using namespace std::chrono;
    EXPECT_EQ(parse_http_date("Sat, 21 Nov 2026 02:00:00 GMT"), system_clock::time_point(seconds(1795226400)));
    EXPECT_EQ(parse_http_date("Thu, 29 Feb 2024 23:59:59 GMT"), system_clock::time_point(seconds(1709251199)));
    EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), system_clock::time_point());
}

TEST(HttpDates, OfAnyOtherFormAreNone) {
    for (const auto* text :
         {"", "Sat, 21 Nov 2026 02:00:00 UTC", "Saturday, 21-Nov-26 02:00:00 GMT", "Sat, 21 nov 2026 02:00:00 GMT",
          "Sat, 31 Nov 2026 02:00:00 GMT", "Sat, 21 Nov 2026 24:00:00 GMT", "Sat, 2x Nov 2026 02:00:00 GMT",
          "Sat, 21 Nov 2026 02:60:00 GMT", "Sat; 21 Nov 2026 02:00:00 GMT", "Sat, 21 Nov 4052 02:00:00 GMT",
          "Sat, 21 Nov 2026 02:00:00 GMT "}) {
        EXPECT_FALSE(parse_http_date(text)) << text;
    }
}

}  // namespace
}  // namespace remediations::http_date_test
