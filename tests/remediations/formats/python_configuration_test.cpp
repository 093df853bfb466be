#include "remediations/formats/python_configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::python_configuration_test {
namespace {

using namespace std::string_view_literals;
using Fault = PythonConfiguration::Fault;
using testing::ElementsAre;

std::optional<std::string> value_in(std::string_view text, std::string_view key) {
    return PythonConfiguration(text).get("S", key);
}

std::vector<std::pair<Fault, std::size_t>> problems_of(std::string_view text) {
    std::vector<std::pair<Fault, std::size_t>> problems;
    const PythonConfiguration parsed(text);
    for (const auto& problem : parsed.problems()) problems.emplace_back(problem.fault, problem.line);
    return problems;
}

// Every expectation was compared with Python 3.11's configparser.
TEST(PythonConfiguration, ReadsKeysWithoutCaseAndSectionsWithIt) {
    EXPECT_EQ(value_in("[S]\nMountsToSkip = /a\n", "mountstoskip"), "/a");
    EXPECT_EQ(value_in("[S]\nmounts: /a = /b\n", "MOUNTS"), "/a = /b");
    EXPECT_EQ(value_in("[s]\na = 1\n", "a"), std::nullopt);
    EXPECT_EQ(value_in("[ S ]\na = 1\n", "a"), std::nullopt);
    EXPECT_EQ(value_in("  [S]  # mine\na = 1\n", "a"), "1");
    EXPECT_EQ(value_in("[S]\r\na\t=\t1\r\n", "a"), "1");
    EXPECT_EQ(value_in("[S]\ra = 1\rb = 2", "b"), "2");
}

TEST(PythonConfiguration, CommentsStandOnLinesOfTheirOwn) {
    EXPECT_EQ(value_in("[S]\na = 1 # one\n", "a"), "1 # one");
    EXPECT_EQ(value_in("# x\n ; y\n[S]\na = 1 ; one\n", "a"), "1 ; one");
}

TEST(PythonConfiguration, DeeperLinesContinueAValue) {
    EXPECT_EQ(value_in("[S]\na = /x,\n  /y\n\n  /z\nb = 1\n", "a"), "/x,\n/y\n\n/z");
    EXPECT_EQ(value_in("[S]\na = /x\n# note\n  /y\n", "a"), "/x\n/y");
    EXPECT_EQ(value_in("[S]\na = 1\n  b = 2\n", "b"), std::nullopt);
    EXPECT_EQ(value_in("[S]\n  a = 1\n  b = 2\n", "b"), "2");
    EXPECT_EQ(value_in("[S]\na = 1\n  [T]\n", "a"), "1\n[T]");
}

TEST(PythonConfiguration, OneMistakeCostsAllSettings) {
    EXPECT_THAT(problems_of("a = 1\n[S]\n"), ElementsAre(std::pair{Fault::no_section_header, 1}));
    EXPECT_THAT(problems_of("\n[S\na = 1\n"), ElementsAre(std::pair{Fault::no_section_header, 2}));
    EXPECT_THAT(problems_of("[S]\na = 1\n[S]\n"), ElementsAre(std::pair{Fault::duplicate_section, 3}));
    EXPECT_THAT(problems_of("[S]\na = 1\nA: 2\n"), ElementsAre(std::pair{Fault::duplicate_option, 3}));
    EXPECT_THAT(problems_of("[S]\nfirst\na = 1\nsecond\n= 3\n"),
                ElementsAre(std::pair{Fault::not_an_option, 2}, std::pair{Fault::not_an_option, 4},
                            std::pair{Fault::not_an_option, 5}));
    EXPECT_EQ(value_in("[S]\nfirst\na = 1\n", "a"), std::nullopt);
    EXPECT_THAT(problems_of("[DEFAULT]\na = 1\n[S]\n[DEFAULT]\n"), testing::IsEmpty());
    EXPECT_THAT(problems_of(""), testing::IsEmpty());
}

TEST(PythonConfiguration, InterpolatesAndTakesDefaults) {
    EXPECT_EQ(value_in("[DEFAULT]\nroot = /r\n[S]\na = %(root)s/x %%\n", "a"), "/r/x %");
    EXPECT_EQ(value_in("[DEFAULT]\nroot = /r\n[S]\n", "root"), "/r");
    EXPECT_EQ(value_in("[DEFAULT]\nroot = /r\n", "root"), std::nullopt);
    EXPECT_EQ(value_in("[S]\na = 50%\n", "a"), std::nullopt);
    EXPECT_EQ(value_in("[S]\na = %(b)s\nb = %(a)s\n", "a"), std::nullopt);
    EXPECT_EQ(value_in("[S]\na = %(missing)s\n", "a"), std::nullopt);
    EXPECT_EQ(value_in("[S]\na = %()s\n", "a"), std::nullopt);
    EXPECT_EQ(value_in("[S]\na = %(b\n", "a"), std::nullopt);
}

TEST(PythonConfiguration, StripsUnicodeBlanks) {
    EXPECT_EQ(value_in("[S]\na = \xC2\xA0/x\xE2\x80\x83\n", "a"), "/x");
    EXPECT_EQ(python_strip("\x1c \t\xE3\x80\x80x\xC2\x85"), "x");
    EXPECT_EQ(python_strip("\xC2"), "\xC2");
}

TEST(PythonConfiguration, SurvivesAnything) {
    std::string long_line(1 << 20, '[');
    EXPECT_EQ(PythonConfiguration(long_line).problems().size(), 1);
    EXPECT_EQ(value_in("[S]\n" + std::string(100'000, ' ') + "a = 1\n", "a"), "1");
    EXPECT_EQ(value_in("[S]\na = " + std::string(100'000, '%'), "a"), std::string(50'000, '%'));
    EXPECT_EQ(value_in("[S]\na = \0b\n"sv, "a"), "\0b"sv);
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    for (std::size_t start = 0; start < all.size(); ++start) PythonConfiguration(all.substr(start) + "\n[S]\na=1");
}

TEST(TextEncoding, TellsWhatPythonCannotOpen) {
    using Encoding = TextEncoding::Fault;
    EXPECT_EQ(examine_encoding("[S]\n").fault, Encoding::none);
    EXPECT_EQ(examine_encoding("").fault, Encoding::none);
    EXPECT_EQ(examine_encoding("\xEF\xBB\xBF[S]\r\n").text, "[S]\n");
    EXPECT_EQ(examine_encoding("\xEF\xBB\xBF[S]\n").fault, Encoding::byte_order_mark);
    EXPECT_EQ(examine_encoding("\xFF\xFE[\0S\0]\0"sv).text, "[S]");
    EXPECT_EQ(examine_encoding("\xFE\xFF\0[\0S\0]"sv).text, "[S]");
    EXPECT_EQ(examine_encoding("[\0S\0]\0"sv).fault, Encoding::utf_16);
    EXPECT_EQ(examine_encoding("\xFF\xFE["sv).text, std::nullopt);
    EXPECT_EQ(examine_encoding("\xFF\xFE\xE9\0"sv).text, std::nullopt);
    const auto latin = examine_encoding("[S]\na = \xE9\n");
    EXPECT_EQ(latin.fault, Encoding::not_utf_8);
    EXPECT_EQ(latin.line, 2);
    EXPECT_EQ(latin.text, std::nullopt);
    const auto torn = examine_encoding("[S]\na = 1\n\0\0\0\0\0"sv);
    EXPECT_EQ(torn.fault, Encoding::nul_bytes);
    EXPECT_EQ(torn.text, "[S]\na = 1\n");
    EXPECT_TRUE(examine_encoding("# \xC3\xA9\n").beyond_ascii);
}

}  // namespace
}  // namespace remediations::python_configuration_test
