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

}  // namespace
}  // namespace machine::utf8_test
