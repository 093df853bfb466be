// The schema that people read must say what the program does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "handler/settings.hpp"
#include "remediations/catalogue.hpp"

namespace handler {
namespace {

namespace json = boost::json;

class SettingsSchema : public testing::Test {
protected:
    static json::object load() {
        const std::ifstream file(TEST_DATA "/../../manifest/settings.schema.json");
        std::stringstream text;
        text << file.rdbuf();
        return json::parse(text.str()).as_object();
    }
    static std::vector<std::string> words(const json::value& list) {
        std::vector<std::string> result;
        for (const auto& word : list.as_array()) result.emplace_back(word.as_string());
        return result;
    }

    const json::object schema_ = load();
};

TEST_F(SettingsSchema, HasEverySetting) {
    std::vector<std::string> documented;
    for (const auto& property : schema_.at("properties").as_object()) documented.emplace_back(property.key());
    EXPECT_THAT(documented, testing::ElementsAreArray(settings_keys().begin(), settings_keys().end()));
}

TEST_F(SettingsSchema, HasEveryRemediation) {
    std::vector<std::string> ids;
    for (const auto* remediation : remediations::catalogue()) ids.push_back(remediation->id);
    EXPECT_EQ(words(schema_.at("$defs").at("remediation").at("enum")), ids);
}

TEST_F(SettingsSchema, HasEveryLevelOfDisruption) {
    const auto& setting = schema_.at("properties").at("maxDisruption");
    EXPECT_THAT(words(setting.at("enum")),
                testing::ElementsAre("none", "agent-restart", "service-restart", "workload"));
    EXPECT_EQ(setting.at("default").as_string(), to_string(Settings{}.max_disruption));
}

}  // namespace
}  // namespace handler
