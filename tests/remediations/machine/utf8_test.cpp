#include "remediations/machine/utf8.hpp"

#include <gtest/gtest.h>

namespace machine::utf8_test {
namespace {

TEST(Utf8, ReplacesEveryByteThatIsNoCharacter) {
    EXPECT_EQ(valid_utf8("plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80"),
              "plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80");
    constexpr auto bad = "\xEF\xBF\xBD";
    for (const std::string text : {"\x80", "\xC3", "\xC0", "\xF5", "\xFF"}) EXPECT_EQ(valid_utf8(text), bad);
    EXPECT_EQ(valid_utf8("\xC0\xAF"), std::string(bad) + bad) << "overlong";
    EXPECT_EQ(valid_utf8("\xED\xA0\x80"), std::string(bad) + bad + bad) << "surrogate";
    EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), std::string(bad) + bad + bad + bad) << "above U+10FFFF";
    EXPECT_EQ(valid_utf8("a\xE2\x82z"), std::string("a") + bad + bad + "z") << "cut short";
}

TEST(Utf8, PrefixNeverEndsInsideACharacter) {
    const std::string euro = "\xE2\x82\xAC";
    EXPECT_EQ(utf8_prefix("a" + euro, 1), "a");
    EXPECT_EQ(utf8_prefix("a" + euro, 2), "a");
    EXPECT_EQ(utf8_prefix("a" + euro, 3), "a");
    EXPECT_EQ(utf8_prefix("a" + euro, 4), "a" + euro);
    EXPECT_EQ(utf8_prefix("a" + euro, 99), "a" + euro);
    EXPECT_EQ(utf8_prefix(euro, 0), "");
}

TEST(Utf8, NothingInJsonActsOnATerminal) {
    EXPECT_EQ(with_escaped_controls("{\"a\":\"\xC2\x9B\x33\xE2\x80\xAE\xD8\x9C\xEF\xBB\xBF\x7F\"}"),
              R"({"a":"\u009b3\u202e\u061c\ufeff\u007f"})");
    for (const std::string text : {"", "plain \\u009b", "\xC2\xA0", "\xC3\xA9", "\xE2\x82\xAC", "\xE0\xA4\x85",
                                   "\xF0\x9F\x98\x80", "\xE2\x80\x94"}) {
        EXPECT_EQ(with_escaped_controls(text), text);
    }
    for (const std::string text : {"\xC2", "\xE2\x80", "\xE2"}) (void)with_escaped_controls(text);
}

}  // namespace
}  // namespace machine::utf8_test
