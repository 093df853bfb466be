#include "remediations/knowledge/extension/python_interpreters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::python_interpreters_test {
namespace {

using testing::ElementsAre;

TEST(PythonVersions, AreReadFromNamesAndFromWhatPythonSays) {
    const std::pair<const char*, std::optional<PythonVersion>> cases[] = {
        {"python3.11", PythonVersion{3, 11}},
        {"Python 3.12.4\n", PythonVersion{3, 12}},
        {"Python 2.7.18", PythonVersion{2, 7}},
        {"Python 3.14.0rc1+", PythonVersion{3, 14}},
        {"python3", std::nullopt},
        {"python", std::nullopt},
        {"", std::nullopt},
        {"python3.", std::nullopt},
        {"python3.x", std::nullopt},
        {"python99999999999999.1", std::nullopt},
    };
    for (const auto& [text, version] : cases) EXPECT_EQ(parse_python_version(text), version) << text;
}

TEST(PythonVersions, AreComparedByNumber) {
    EXPECT_LT((PythonVersion{3, 9}), (PythonVersion{3, 12}));
    EXPECT_LT((PythonVersion{2, 7}), (PythonVersion{3, 0}));
}

TEST(PythonSearches, AreWhatTheScriptSays) {
    const auto search = python_search_of("x\npythonVersionList=\"python3.8 python3 python2\"\ncmnd=\"/usr/bin/$v\"\n");
    EXPECT_THAT(search.names, ElementsAre("python3.8", "python3", "python2"));
    EXPECT_THAT(search.folders, ElementsAre("/usr/bin"));
    EXPECT_THAT(python_search_of("pythonVersionList=\"python3\" /usr/local/bin/").folders,
                ElementsAre("/usr/bin", "/usr/local/bin"));
}

TEST(PythonSearches, OfAScriptOfAnotherFormAreThoseOfToday) {
    const auto usual = python_search_of("");
    EXPECT_EQ(usual.names.size(), 11U);
    EXPECT_EQ(usual.names.front(), "python3.8");
    EXPECT_EQ(usual.folders.size(), 2U);
    for (const std::string& script :
         {std::string("pythonVersionList=\""), std::string("pythonVersionList=\"\""),
          std::string("pythonVersionList=\"$(ls /usr/bin)\""), std::string("pythonVersionList=\"python3 ; rm\""),
          "pythonVersionList=\"" + std::string(100'000, 'p')}) {
        EXPECT_EQ(python_search_of(script).names, usual.names) << script.substr(0, 60);
    }
}

}  // namespace
}  // namespace remediations::python_interpreters_test
