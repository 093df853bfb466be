#include "remediations/knowledge/configuration/agent_configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::agent_configuration_test {
namespace {

AgentConfiguration parse(std::string text) {
    return AgentConfiguration::parse("/etc/waagent.conf", std::move(text));
}

TEST(AgentConfiguration, ReadsAsTheAgentDoes) {
    EXPECT_EQ(parse("Lib.Dir=/a\nLib.Dir=/b\n").text_of("Lib.Dir", "/c"), "/b") << "the last one wins";
    EXPECT_EQ(parse("#Lib.Dir=/a\n").text_of("Lib.Dir", "/c"), "/c") << "a comment";
    EXPECT_EQ(parse(" #Lib.Dir=/a\n").lines_of(" #Lib.Dir").size(), 0U) << "blanks around a key do not count";
    EXPECT_EQ(parse("  Lib.Dir = \" /a \"  # moved\n").text_of("Lib.Dir", "/c"), "/a");
    EXPECT_EQ(parse("Lib.Dir=None\n").text_of("Lib.Dir", "/c"), "/c");
    EXPECT_EQ(parse("lib.dir=/a\n").text_of("Lib.Dir", "/c"), "/c") << "keys are case-sensitive";
    EXPECT_EQ(parse("Lib.Dir=a=b\n").text_of("Lib.Dir", ""), "a=b") << "split at the first '='";
    EXPECT_EQ(parse("Lib.Dir=/a").text_of("Lib.Dir", ""), "/a") << "no newline at the end";
    EXPECT_EQ(parse("no setting\n=\n==\n").text_of("Lib.Dir", "/c"), "/c");
    EXPECT_EQ(parse("").text_of("Lib.Dir", "/c"), "/c");
}

TEST(AgentConfiguration, SwitchTakesOnlyYAndN) {
    for (const auto* on : {"y", "Y", "\"y\"", " y ", "y # comment"}) {
        EXPECT_TRUE(parse(std::string("S=") + on).is_on("S", false)) << on;
    }
    for (const auto* off : {"n", "N", "\"N\"", "n#x"}) {
        EXPECT_FALSE(parse(std::string("S=") + off).is_on("S", true)) << off;
    }
    for (const auto* odd : {"", "no", "yes", "0", "true", "None"}) {
        EXPECT_TRUE(parse(std::string("S=") + odd).is_on("S", true)) << odd;
        EXPECT_FALSE(parse(std::string("S=") + odd).is_on("S", false)) << odd;
    }
}

TEST(AgentConfiguration, EditChangesTheValueAndNothingElse) {
    const auto edited = parse("# head\nA=1\n  S = n # why\nS=\"N\"\r\n#S=n\nB=2").with_value("S", "y");
    EXPECT_EQ(edited, "# head\nA=1\n  S =y # why\nS=y\r\n#S=n\nB=2");
    EXPECT_TRUE(parse(edited).is_on("S", false));
    EXPECT_EQ(parse("A=1\n").with_value("S", "y"), "A=1\n");
}

TEST(AgentConfiguration, SettingIsAddedWhereThereIsNone) {
    EXPECT_EQ(parse("A=1").with_setting("S", "y"), "A=1\nS=y\n");
    EXPECT_EQ(parse("").with_setting("S", "y"), "S=y\n");
    EXPECT_EQ(parse("S=n\n#S=n\n").with_setting("S", "y"), "S=y\n#S=n\n");
    EXPECT_EQ(parse("#S=n\n").with_setting("S", "y"), "#S=n\nS=y\n");
}

TEST(AgentConfiguration, TrailingCommentsGoAndWholeLinesStay) {
    EXPECT_EQ(parse("# a=b # c\nA=None   # why\nB=\"x\"\nno setting # kept\n=#\n").without_trailing_comments(),
              "# a=b # c\nA=None\nB=\"x\"\nno setting # kept\n=\n");
    EXPECT_EQ(parse("").without_trailing_comments(), "");
}

TEST(AgentConfiguration, LinesAreNumberedFromOne) {
    const auto lines = parse("# a\nS=n\n\nS=y\n").lines_of("S");
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].number, 2U);
    EXPECT_EQ(lines[1].number, 4U);
    EXPECT_EQ(lines[1].text, "S=y");
}

}  // namespace
}  // namespace remediations::agent_configuration_test
