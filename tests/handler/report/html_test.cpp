#include "handler/report/html.hpp"

#include <gtest/gtest.h>

namespace handler::html_test {
namespace {

TEST(Html, EscapesTextAndAttributes) {
    EXPECT_EQ(Html("<b onclick=\"x()\">'&amp;").markup(), "&lt;b onclick=&quot;x()&quot;&gt;&#39;&amp;amp;");
    EXPECT_EQ(Html::element("p", {{"title", "\"><script>"}}, "</p><script>").markup(),
              "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;/p&gt;&lt;script&gt;</p>");
}

TEST(Html, ShowsWhatCannotBeSeen) {
    EXPECT_EQ(Html(std::string("a\r\n\t\0\x1b\xe2\x80\xae\xff", 10)).markup(),
              "a\\r\\n\\t\\x00\\x1b\\u202e\xef\xbf\xbd");
}

TEST(Html, NestsAndJoins) {
    const auto list = Html::element("li", "one") + Html::element("li", "two");
    EXPECT_EQ(Html::element("ul", list).markup(), "<ul><li>one</li><li>two</li></ul>");
    EXPECT_EQ(Html::empty_element("meta", {{"charset", "utf-8"}}).markup(), "<meta charset=\"utf-8\">");
    EXPECT_EQ(Html::literal("<hr>").markup(), "<hr>");
    EXPECT_TRUE(Html().empty());
}

}  // namespace
}  // namespace handler::html_test
