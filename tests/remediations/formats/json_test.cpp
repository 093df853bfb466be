#include "remediations/formats/json.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace remediations::json_test {
namespace {

std::string problem_of(std::string_view text) {
    const auto parsed = parse_json(text, "7.settings");
    return parsed ? "none: " + boost::json::serialize(*parsed) : parsed.error().message;
}

TEST(Json, SkipsAByteOrderMark) {
    EXPECT_EQ(*parse_json("\xEF\xBB\xBF{\"a\":1}", "x"), (boost::json::value{{"a", 1}}));
}

TEST(Json, NamesSourceLineAndColumn) {
    EXPECT_EQ(problem_of("{\n  \"a\": tru\n}"), "7.settings: not valid JSON at line 2, column 8: syntax error");
    EXPECT_EQ(problem_of("{\"a\":1"), "7.settings: not valid JSON at line 1, column 7: incomplete JSON");
    EXPECT_EQ(problem_of(""), "7.settings: not valid JSON at line 1, column 1: incomplete JSON");
    EXPECT_EQ(problem_of("{} {}"), "7.settings: not valid JSON at line 1, column 4: extra data");
}

TEST(Json, RefusesHostileText) {
    EXPECT_NE(problem_of(std::string(100'000, '[')).find("too deep"), std::string::npos);
    EXPECT_NE(problem_of(std::string(200, '\0')).find("syntax error"), std::string::npos);
    EXPECT_NE(problem_of("{\"a\":\"\xff\xfe\"}").find("7.settings"), std::string::npos);
    EXPECT_NE(problem_of(std::string("{\"a\":1}\0", 8)).find("extra data"), std::string::npos);
    EXPECT_NE(problem_of("\xFF\xFE{\0}\0").find("syntax error"), std::string::npos);
}

TEST(Json, QuotesNothingOfTheText) {
    EXPECT_EQ(problem_of("{\"password\": s3cret}").find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace remediations::json_test
