#include "handler/report/plain_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace handler::plain_text_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Visible, KeepsOrdinaryTextOfAnyScript) {
    EXPECT_EQ(visible("Größe 漢字 🙂 ~"), "Größe 漢字 🙂 ~");
}

TEST(Visible, SpellsOutWhatDrivesATerminal) {
    EXPECT_EQ(visible("a\x1b[2Jb"), "a\\x1b[2Jb");
    EXPECT_EQ(visible("one\ntwo\r\tthree\a\x7F"), "one\\ntwo\\r\\tthree\\x07\\x7f");
    EXPECT_EQ(visible(std::string("nul\0!", 5)), "nul\\x00!");
    EXPECT_EQ(visible("\xC2\x9B"
                      "31m"),
              "\\x9b31m");                                                           // CSI as one C1 character
    EXPECT_EQ(visible("\xE2\x80\xAEtxt.exe\xE2\x80\xAC"), "\\u202etxt.exe\\u202c");  // right-to-left override
    EXPECT_EQ(visible("\xEF\xBB\xBFKey=y"), "\\ufeffKey=y");
}

TEST(Visible, ReplacesBytesThatAreNotUtf8) {
    EXPECT_EQ(visible("a\xFFz"), "a\xEF\xBF\xBDz");
    EXPECT_EQ(visible("cut \xE6\xBC"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Shortened, CutsAtACharacterAndSaysSo) {
    EXPECT_EQ(shortened("äöü", 3), "äöü");
    EXPECT_EQ(shortened("äöü", 2), "äö... (2 bytes more)");
    EXPECT_EQ(shortened("", 2), "");
}

TEST(Wrap, BreaksAtSpacesOnly) {
    EXPECT_THAT(wrap("a bc def", 4), ElementsAre("a bc", "def"));
    EXPECT_THAT(wrap("a /a/long/path b", 4), ElementsAre("a", "/a/long/path", "b"));
    EXPECT_THAT(wrap("äö üß", 5), ElementsAre("äö üß"));
    EXPECT_THAT(wrap("one\ntwo", 80), ElementsAre("one", "two"));
    EXPECT_THAT(wrap("", 10), ElementsAre(""));
}

TEST(Wrap, KeepsInnerSpacesOfALineThatFits) {
    EXPECT_THAT(wrap("a   b", 10), ElementsAre("a   b"));
}

TEST(NearMisses, FindsTyposInAnyCase) {
    const std::vector<std::string> known{"diagnose", "fix", "undo", "list", "explain"};
    EXPECT_THAT(near_misses("diagnoes", known), ElementsAre("diagnose"));
    EXPECT_THAT(near_misses("EXPLIAN", known), ElementsAre("explain"));
    EXPECT_THAT(near_misses("fi", known), ElementsAre("fix"));
    EXPECT_THAT(near_misses("restore", known), IsEmpty());
    EXPECT_THAT(near_misses(std::string(1 << 20, 'x'), known), IsEmpty());
}

TEST(NearMisses, FindsAPartOfALongName) {
    EXPECT_THAT(near_misses("FsFreeze", {"UserErrorFsFreezeFailed", "UserErrorFsFreezeTimeout", "Other"}),
                ElementsAre("UserErrorFsFreezeFailed", "UserErrorFsFreezeTimeout"));
}

TEST(DidYouMean, IsEmptyWithoutNearMisses) {
    EXPECT_EQ(did_you_mean("xyz", {"diagnose"}), "");
    EXPECT_EQ(did_you_mean("diagnos", {"diagnose"}), "; did you mean diagnose?");
}

TEST(InAscii, SpellsOutWhatATerminalWithoutUtf8CouldTakeForACommand) {
    // The second byte of \u00db is CSI to a terminal of 8 bits.
    EXPECT_EQ(in_ascii("Gr\u00fc\u00dfe \u00db31m \u65e5 \U0001f600"), "Gr\\xfc\\xdfe \\xdb31m \\u65e5 \\u1f600");
    EXPECT_EQ(in_ascii("\x1b[1mplain\x1b[0m\n"), "\x1b[1mplain\x1b[0m\n");
    EXPECT_EQ(in_ascii(""), "");
}

}  // namespace
}  // namespace handler::plain_text_test
