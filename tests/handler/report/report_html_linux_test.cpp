// The policy lets a browser use the one style sheet whose hash it names.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "handler/report/report_html.hpp"
#include "tests/handler/sample_report.hpp"

namespace handler::report_html_linux_test {
namespace {

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
    const auto from = text.find(begin) + begin.size();
    return text.substr(from, text.find(end, from) - from);
}

TEST(ReportHtml, ItsPolicyNamesItsStyleSheet) {
    const auto document = report_html(samples::broken_report(), Subject::this_computer, "program");
    const auto style = between(document, "<style>", "</style>");
    unsigned char hash[32];
    ASSERT_EQ(EVP_Digest(style.data(), style.size(), hash, nullptr, EVP_sha256(), nullptr), 1);
    unsigned char base64[45];
    EVP_EncodeBlock(base64, hash, sizeof hash);
    EXPECT_EQ(between(document, "sha256-", "&#39;"), reinterpret_cast<const char*>(base64))
        << "put the second into style_hash of report_html.cpp";
}

}  // namespace
}  // namespace handler::report_html_linux_test
