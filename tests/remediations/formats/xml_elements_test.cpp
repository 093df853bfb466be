#include "remediations/formats/xml_elements.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::xml_elements_test {
namespace {

using machine::ErrorKind;
using testing::HasSubstr;

std::string problem_of(std::string_view text) {
    const auto elements = parse_xml_elements(text);
    return elements ? std::string() : elements.error().message;
}

TEST(XmlElements, TellsWhereEachElementStands) {
    const std::string text =
        "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!DOCTYPE a>\n<a>\n  <b x='1>2' />text<![CDATA[<c>]]>"
        "<!-- <d> --></a>\n<!-- end -->";
    const auto elements = parse_xml_elements(text);
    ASSERT_TRUE(elements) << elements.error().message;
    ASSERT_EQ(elements->size(), 2U);
    const auto& root = (*elements)[0];
    EXPECT_EQ(root.name, "a");
    EXPECT_EQ(root.line, 3U);
    EXPECT_EQ(text.substr(root.begin, 3), "<a>");
    EXPECT_EQ(text.substr(root.end - 4, 4), "</a>");
    const auto& inner = (*elements)[1];
    EXPECT_EQ(inner.start_tag, "<b x='1>2' />");
    EXPECT_EQ(text.substr(inner.begin, inner.end - inner.begin), inner.start_tag);
    EXPECT_EQ(inner.depth, 1U);
    EXPECT_EQ(inner.line, 4U);
}

TEST(XmlElements, NamesWhatIsWrongAndTheLine) {
    EXPECT_EQ(problem_of("<a>\n<b>\n</a>"), "line 3: </a> where </b> of line 2 was expected");
    EXPECT_EQ(problem_of("<a>\n<b/>"), "<a> of line 1 is never closed");
    EXPECT_EQ(problem_of("<a/>\n<b/>"), "line 2: a second root element");
    EXPECT_EQ(problem_of("<a></a></a>"), "line 1: </a> closes nothing");
    EXPECT_EQ(problem_of("<a/>text"), "line 1: text outside of the root element");
    EXPECT_EQ(problem_of("<a><!-- "), "line 1: a comment that does not end");
    EXPECT_EQ(problem_of("<a x=1/>"), "line 1: the value of x in <a> has no quotes");
    EXPECT_EQ(problem_of("<a x=\"<\"/>"), "line 1: '<' in the value of x in <a>");
    EXPECT_EQ(problem_of("<a x/>"), "line 1: an attribute was expected in <a>");
    EXPECT_EQ(problem_of("<a x='1'y='2'/>"), "line 1: a blank was expected in <a>");
    EXPECT_EQ(problem_of(""), "line 1: there is no element");
    EXPECT_EQ(problem_of("garbage"), "line 1: text outside of the root element");
    EXPECT_EQ(problem_of("<a"), "line 1: <a> does not end");
    EXPECT_EQ(problem_of("< a/>"), "line 1: a tag was expected");
}

TEST(XmlElements, SurvivesEveryPrefixAndEveryByte) {
    const std::string text = "<?xml version='1.0'?><a b=\"c\"><!--d--><![CDATA[e]]><f/></a>";
    for (std::size_t length = 0; length < text.size(); ++length) {
        EXPECT_FALSE(parse_xml_elements(std::string_view(text).substr(0, length))) << length;
    }
    for (std::size_t place = 0; place < text.size(); ++place) {
        for (int byte = 0; byte < 256; ++byte) {
            auto changed = text;
            changed[place] = static_cast<char>(byte);
            (void)parse_xml_elements(changed);
        }
    }
}

TEST(XmlElements, RefusesWhatIsMadeToExhaustIt) {
    std::string deep;
    for (int level = 0; level < 100'000; ++level) deep += "<a>";
    EXPECT_EQ(parse_xml_elements(deep).error().kind, ErrorKind::too_large);
    std::string many = "<a>";
    for (int count = 0; count < 100'001; ++count) many += "<b/>";
    EXPECT_EQ(parse_xml_elements(many + "</a>").error().kind, ErrorKind::too_large);
    EXPECT_THAT(problem_of(std::string(1 << 20, '<')), HasSubstr("line 1"));
}

}  // namespace
}  // namespace remediations::xml_elements_test
