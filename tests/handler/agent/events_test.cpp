#include "handler/agent/events.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <regex>

#include "tests/handler/handler_folder.hpp"

namespace handler::events_test {
namespace {

namespace json = boost::json;
using Level = Events::Level;

class EventsTest : public testing::Test {
protected:
    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(handler_.logs / "events")) found.push_back(entry);
        return found;
    }
    json::object only_event() const {
        const auto found = files();
        return found.size() == 1 ? json::parse(test::read(found[0])).as_object() : json::object();
    }

    test::TemporaryFolder root_;
    test::HandlerFolder handler_{root_.path()};
    Events events_{handler_.environment(), "sequence-3"};
};

TEST_F(EventsTest, HaveTheFieldsOfTheProtocolAsText) {
    events_.send(Level::warning, "Finding", "msdtc-account: broken");
    const auto event = only_event();
    EXPECT_EQ(event.at("Version"), BACKUP_REMEDIATION_VERSION);
    EXPECT_EQ(event.at("TaskName"), "Finding");
    EXPECT_EQ(event.at("EventLevel"), "Warning");
    EXPECT_EQ(event.at("Message"), "msdtc-account: broken");
    EXPECT_EQ(event.at("OperationId"), "sequence-3");
    EXPECT_EQ(event.at("EventPid").as_string(), std::to_string(::getpid()));
    EXPECT_EQ(event.size(), 8U);
    for (const auto& field : event) EXPECT_TRUE(field.value().is_string()) << field.key();
}

TEST_F(EventsTest, FilesAreNamedByDigitsAndNoneIsLost) {
    for (int count = 0; count < 20; ++count) events_.send(Level::informational, "Run", "x");
    const auto found = files();
    EXPECT_EQ(found.size(), 20U);
    for (const auto& file : found) {
        EXPECT_TRUE(std::regex_match(file.filename().string(), std::regex("[0-9]{1,19}\\.json"))) << file;
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(handler_.logs), {}), 1) << "drafts were left behind";
}

TEST_F(EventsTest, KeepTheLimitsOfTheAgent) {
    for (const auto* filling : {"x", "\"", "\x01", "\xE2\x82\xAC", "\xFF"}) {
        std::string message;
        while (message.size() < 10'000) message += filling;
        events_.send(Level::error, "Run", message);
        const auto file = files().at(0);
        EXPECT_LE(std::filesystem::file_size(file), Events::event_limit);
        const auto text = only_event().at("Message").as_string();
        EXPECT_LE(text.size(), Events::message_limit);
        EXPECT_GT(text.size(), 300U);
        std::filesystem::remove(file);
    }
}

TEST_F(EventsTest, AnEmptyMessageWouldBeRefused) {
    events_.send(Level::informational, "Run", "");
    EXPECT_EQ(only_event().at("Message"), "Run");
}

TEST_F(EventsTest, TheirNumberIsBounded) {
    for (unsigned count = 0; count < 2 * Events::most_events; ++count) events_.send(Level::informational, "Run", "x");
    EXPECT_EQ(files().size(), Events::most_events);
}

TEST_F(EventsTest, AnAgentThatCollectsNoneIsNotFlooded) {
    for (unsigned index = 0; index < Events::most_files; ++index) {
        test::write(handler_.logs / "events" / (std::to_string(index) + ".json"), "{}");
    }
    events_.send(Level::informational, "Run", "x");
    EXPECT_EQ(files().size(), Events::most_files);
}

TEST_F(EventsTest, WithoutAFolderNothingHappens) {
    std::filesystem::remove_all(handler_.logs / "events");
    events_.send(Level::informational, "Run", "x");
    auto environment = handler_.environment();
    environment.events_folder.reset();
    Events(environment, "x").send(Level::informational, "Run", "x");
    EXPECT_TRUE(std::filesystem::is_empty(handler_.logs));
}

}  // namespace
}  // namespace handler::events_test
