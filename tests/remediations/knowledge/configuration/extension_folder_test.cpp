#include "remediations/knowledge/configuration/extension_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::extension_folder_test {
namespace {

TEST(ExtensionStatus, ReadsTheCodeWhereverItIs) {
    const std::pair<const char*, std::optional<int>> cases[] = {
        {R"([{"status":{"status":"error","code":121}}])", 121},
        {R"([{"status":{"status":"success","code":"402"}}])", 402},
        {R"([{"status":{"status":"success","code":"0","substatus":[{"name":"{\"code\":76}"}]}}])", 76},
        {R"([{"status":{"status":"success","code":"0","substatus":[{"name":"[{\"code\":\"16\"}]"}]}}])", 16},
        {R"([{"status":{"status":"success","code":1,"substatus":[{"name":"no JSON"}]}}])", 1},
        {R"([{"status":{"status":"success"}}])", std::nullopt},
        {R"([{"status":{"status":"success","code":"12x"}}])", std::nullopt},
        {"\xEF\xBB\xBF[{\"status\":{\"status\":\"success\",\"code\":0}}]", 0},
    };
    for (const auto& [text, code] : cases) {
        const auto status = parse_extension_status("/s/1.status", text);
        ASSERT_TRUE(status) << text;
        EXPECT_EQ(status->code, code) << text;
    }
}

TEST(ExtensionStatus, HostileInputIsAnErrorThatNamesTheFile) {
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("[]"), std::string("[1]"), std::string("[{\"status\":\"x\"}]"),
          std::string("[{\"status\":{"), std::string(100'000, '['), std::string("\0\0", 2)}) {
        const auto status = parse_extension_status("/s/1.status", text);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().kind, machine::ErrorKind::invalid);
        EXPECT_THAT(status.error().message, testing::HasSubstr("/s/1.status"));
    }
}

TEST(Versions, CompareNumberByNumber) {
    EXPECT_LT(compare_versions("1.0.9220.0", "1.0.10000.0"), 0);
    EXPECT_EQ(compare_versions("1.0", "1.0.0"), 0);
    EXPECT_GT(compare_versions("2", "1.99.99"), 0);
    EXPECT_EQ(compare_versions("", ""), 0);
    EXPECT_LT(compare_versions("x", "1"), 0);
}

}  // namespace
}  // namespace remediations::extension_folder_test
