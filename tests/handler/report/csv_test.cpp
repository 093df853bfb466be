#include "handler/report/csv.hpp"

#include <gtest/gtest.h>

namespace handler::csv_test {
namespace {

TEST(Csv, QuotesWhatHasAMeaning) {
    EXPECT_EQ(csv_line({"a", "b, c", "say \"hi\"", ""}), "\"a\",\"b, c\",\"say \"\"hi\"\"\",\"\"\r\n");
    EXPECT_EQ(csv_line({"two\nlines\r", "\x1b[31m"}), "\"two\\nlines\\r\",\"\\x1b[31m\"\r\n");
    EXPECT_EQ(csv_line({"", "x"}), "\"\",\"x\"\r\n");
}

TEST(Csv, NothingIsAFormula) {
    for (const auto* text : {"=1+1", "+1", "-1", "@SUM(A1)", "  =1",
                             "\xEF\xBC\x9D"
                             "1",
                             "=\"a\"&\"b\""}) {
        const auto line = csv_line({text});
        EXPECT_TRUE(line.starts_with("\"'")) << line;
    }
    EXPECT_EQ(csv_line({"a=1", "2026-11-30", "'x"}), "\"a=1\",\"2026-11-30\",\"'x\"\r\n");
}

}  // namespace
}  // namespace handler::csv_test
