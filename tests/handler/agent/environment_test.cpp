#include "handler/agent/environment.hpp"

#include <gtest/gtest.h>

#include "tests/handler/handler_folder.hpp"

namespace handler::environment_test {
namespace {

using test::TemporaryFolder;
using test::write;

class EnvironmentTest : public testing::Test {
protected:
    std::string problem_of(const std::string& text) {
        write(folder_.path() / "HandlerEnvironment.json", text);
        const auto environment = read_environment(folder_.path());
        return environment ? "none" : environment.error().message;
    }
    std::string file() const { return (folder_.path() / "HandlerEnvironment.json").string(); }

    TemporaryFolder folder_;
};

TEST_F(EnvironmentTest, ReadsTheArrayOfTheLinuxAgent) {
    write(folder_.path() / "HandlerEnvironment.json", R"([{"name": "Test.Handler", "version": 1.0,
        "handlerEnvironment": {"logFolder": "/var/log/azure/Test.Handler",
            "configFolder": "/var/lib/waagent/Test.Handler-1.0.0.0/config",
            "statusFolder": "/var/lib/waagent/Test.Handler-1.0.0.0/status",
            "heartbeatFile": "/var/lib/waagent/Test.Handler-1.0.0.0/heartbeat.log",
            "eventsFolder": "/var/log/azure/Test.Handler/events",
            "eventsFolder_preview": "/var/log/azure/Test.Handler/events"}}])");
    const auto environment = read_environment(folder_.path()).value();
    EXPECT_EQ(environment.handler_name, "Test.Handler");
    EXPECT_EQ(environment.folder, folder_.path());
    EXPECT_EQ(environment.log_folder, "/var/log/azure/Test.Handler");
    EXPECT_EQ(environment.config_folder, "/var/lib/waagent/Test.Handler-1.0.0.0/config");
    EXPECT_EQ(environment.status_folder, "/var/lib/waagent/Test.Handler-1.0.0.0/status");
    EXPECT_EQ(environment.events_folder, "/var/log/azure/Test.Handler/events");
}

TEST_F(EnvironmentTest, ReadsABareObjectWithByteOrderMarkAndForeignKeys) {
    write(folder_.path() / "HandlerEnvironment.json",
          "\xEF\xBB\xBF{\"version\":\"1.0\",\"handlerEnvironment\":{\"logFolder\":\"/l\",\"configFolder\":\"/c\","
          "\"statusFolder\":\"/s\",\"deploymentid\":\"d\",\"hostResolverAddress\":\"168.63.129.16\"}}");
    const auto environment = read_environment(folder_.path()).value();
    EXPECT_EQ(environment.handler_name, "BackupRemediation");
    EXPECT_EQ(environment.config_folder, "/c");
    EXPECT_FALSE(environment.events_folder);
}

TEST_F(EnvironmentTest, AnOlderAgentNamesThePreviewOfTheEventsFolder) {
    write(folder_.path() / "HandlerEnvironment.json",
          R"([{"handlerEnvironment":{"logFolder":"/l","configFolder":"/c","statusFolder":"/s","eventsFolder":null,)"
          R"("eventsFolder_preview":"/e"}}])");
    EXPECT_EQ(read_environment(folder_.path()).value().events_folder, "/e");
}

TEST_F(EnvironmentTest, NamesFileAndPlaceOfWhatIsWrong) {
    EXPECT_EQ(problem_of("[]"), file() + ": expected an array of one object, found an empty one");
    EXPECT_EQ(problem_of("7"), file() + ": expected an object or an array of one, found number");
    EXPECT_EQ(problem_of("[{}]"), file() + ": handlerEnvironment: expected an object");
    EXPECT_EQ(problem_of(R"([{"handlerEnvironment":[]}])"), file() + ": handlerEnvironment: expected an object");
    EXPECT_EQ(problem_of(R"([{"handlerEnvironment":{"logFolder":"/l"}}])"),
              file() + ": handlerEnvironment.configFolder is missing");
    EXPECT_EQ(problem_of(R"([{"handlerEnvironment":{"logFolder":7}}])"),
              file() + ": handlerEnvironment.logFolder: expected a string, found number");
    EXPECT_EQ(problem_of(R"([{"handlerEnvironment":{"logFolder":"log"}}])"),
              file() + ": handlerEnvironment.logFolder: expected an absolute path");
    EXPECT_EQ(problem_of("[{"), file() + ": not valid JSON at line 1, column 3: incomplete JSON");
}

TEST_F(EnvironmentTest, FindsTheFolderAboveTheExecutable) {
    write(folder_.path() / "HandlerEnvironment.json", "[]");
    EXPECT_EQ(*find_handler_folder(folder_.path() / "bin/x86_64/backup-remediation", std::nullopt), folder_.path());
    EXPECT_EQ(*find_handler_folder(folder_.path() / "backup-remediation.exe", ""), folder_.path());
}

TEST_F(EnvironmentTest, TheAgentsVariableComesFirst) {
    TemporaryFolder other;
    write(folder_.path() / "HandlerEnvironment.json", "[]");
    write(other.path() / "HandlerEnvironment.json", "[]");
    EXPECT_EQ(*find_handler_folder(folder_.path() / "bin/backup-remediation", other.path().string()), other.path());
}

TEST_F(EnvironmentTest, SaysWhereItLooked) {
    EXPECT_EQ(
        find_handler_folder("/nowhere/bin/backup-remediation", std::nullopt).error().message,
        "no HandlerEnvironment.json in the folder of /nowhere/bin/backup-remediation or above it: this command is "
        "for the guest agent");
    EXPECT_EQ(find_handler_folder("/nowhere/bin/backup-remediation", folder_.path().string()).error().message,
              folder_.path().string() +
                  ": no HandlerEnvironment.json there, though AZURE_GUEST_AGENT_EXTENSION_PATH names this folder");
}

}  // namespace
}  // namespace handler::environment_test
