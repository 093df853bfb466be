// What a tick of the guard sees before it diagnoses.
#include "remediations/knowledge/extension/backup_signs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "remediations/machine/recorded/capture.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::backup_signs_test {
namespace {

namespace json = boost::json;

/// 2026-11-21 02:00:00 UTC.
constexpr std::int64_t now = 1795226400;
constexpr auto report = "/var/lib/waagent/waagent_status.1.json";
constexpr auto extension_log = "/var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux/extension.log";

json::object process(std::uint32_t pid, const std::string& name, std::vector<std::string> words) {
    return {{"pid", pid}, {"parent", 1}, {"name", name}, {"command_line", json::value_from(words)}};
}

class BackupSignsTest : public testing::Test {
protected:
    void SetUp() override {
        write("/etc/waagent.conf", "Extensions.Enabled=y\n");
        write(report, "{}");
        write(extension_log, "2026-11-21 01:00:00 starting enable\n");
        write("/var/log/waagent.log", "2026-11-21T01:00:00.000000Z INFO ExtHandler [HEARTBEAT] Agent\n");
        processes_ = {process(7, "python3", {"/usr/bin/python3", "-u", "/usr/sbin/waagent", "-daemon"})};
    }

    void write(const std::string& path, const std::string& text, std::int64_t modified = now) {
        const auto file = folder_.path() / "files" / path.substr(1);
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        files_[path] = json::object{
            {"status",
             json::object{{"kind", "regular"}, {"size", text.size()}, {"mode", 420}, {"modified", modified}}}};
    }
    void remove(const std::string& path) {
        std::filesystem::remove(folder_.path() / "files" / path.substr(1));
        files_.erase(path);
    }
    machine::Machine machine() const {
        const json::object facts{
            {"schema", 1},
            {"system", json::object{{"platform", platform_}, {"now", now}, {"system_drive", "C:"}}},
            {"complete", json::array{"files", "services", "registry", "processes", "commands"}},
            {"files", files_},
            {"services", services_},
            {"processes", processes_}};
        std::ofstream(folder_.path() / "facts.json") << json::serialize(facts);
        auto loaded = machine::recorded::load(folder_.path());
        if (!loaded) throw std::runtime_error(loaded.error().message);
        return std::move(*loaded);
    }
    BackupSigns signs() const { return backup_signs(machine()); }

    tests::TemporaryFolder folder_;
    std::string platform_ = "linux";
    json::object files_;
    json::object services_;
    json::array processes_;
};

TEST_F(BackupSignsTest, AnAgentThatReportsIsAlive) {
    const auto found = signs();
    EXPECT_EQ(found.agent_trouble, "");
    EXPECT_FALSE(found.agent_is_dead);
    EXPECT_EQ(found.newest_error, std::nullopt);
    EXPECT_EQ(signs().fingerprint, found.fingerprint);
}

TEST_F(BackupSignsTest, WithoutAProcessTheAgentIsDead) {
    processes_.clear();
    EXPECT_TRUE(signs().agent_is_dead);
    EXPECT_EQ(signs().agent_trouble, "no process of the guest agent runs");
}

TEST_F(BackupSignsTest, ThePidFileOfAnAgentThatRunsIsEnough) {
    processes_.clear();
    write("/run/waagent.pid", "7\n");
    write("/proc/7/cmdline", std::string("python3\0-u\0/usr/sbin/waagent\0-daemon\0", 37));
    EXPECT_FALSE(signs().agent_is_dead);
    // Another program has its number now.
    write("/proc/7/cmdline", std::string("sleep\0", 6));
    EXPECT_TRUE(signs().agent_is_dead);
    for (const auto* text : {"", "x", "../7", "7 8"}) {
        write("/run/waagent.pid", text);
        EXPECT_TRUE(signs().agent_is_dead) << text;
    }
}

TEST_F(BackupSignsTest, AnAgentThatIsSilentIsInTrouble) {
    write(report, "{}", now - 14 * 60);
    EXPECT_EQ(signs().agent_trouble, "");
    write(report, "{}", now - 16 * 60);
    EXPECT_EQ(signs().agent_trouble, "the guest agent has not reported for 16 minutes");
    EXPECT_FALSE(signs().agent_is_dead);
    // Newer agents report elsewhere.
    write("/var/lib/waagent/history/2026-11-21T01-00-00__2/waagent_status.json", "{}");
    EXPECT_EQ(signs().agent_trouble, "");
}

TEST_F(BackupSignsTest, ItsOwnPeriodCounts) {
    write(report, "{}", now - 40 * 60);
    write("/etc/waagent.conf", "Extensions.GoalStatePeriod=1200\n");
    EXPECT_EQ(signs().agent_trouble, "");
    write("/etc/waagent.conf", "Extensions.GoalStatePeriod=99999999999999999999\n");
    write(report, "{}", now - 61 * 60);
    EXPECT_NE(signs().agent_trouble, "");
}

TEST_F(BackupSignsTest, WithoutReportsTheLogCounts) {
    remove(report);
    EXPECT_EQ(signs().agent_trouble, "");
    write("/var/log/waagent.log", "x\n", now - 61 * 60);
    EXPECT_EQ(signs().agent_trouble, "the guest agent has not logged for 61 minutes");
}

TEST_F(BackupSignsTest, WhatDecidesAboutBackupsChangesTheFingerprint) {
    auto before = signs().fingerprint;
    const auto expect_another = [&](const std::string& what) {
        const auto after = signs().fingerprint;
        EXPECT_NE(after, before) << what;
        before = after;
    };
    write(extension_log, "2026-11-21 01:00:00 starting enable\n2026-11-21 01:00:01 more\n");
    expect_another("a backup");
    write("/etc/waagent.conf", "Extensions.Enabled=n\n");
    expect_another("the agent's configuration");
    write("/etc/azure/vmbackup.conf", "[SnapshotThread]\n");
    expect_another("the backup's configuration");
    write("/var/lib/waagent/AB12.crt", "x");
    expect_another("a certificate");
    write("/var/lib/waagent/disable_agent", "");
    expect_another("the agent's switch");
    write("/var/log/waagent.log", "2026-11-21T01:59:00.000000Z INFO ExtHandler x\n");
    write(report, "{ }", now - 60);
    EXPECT_EQ(signs().fingerprint, before);
}

TEST_F(BackupSignsTest, TheNewestErrorOfTheAgentsLog) {
    write("/var/log/waagent.log",
          "2026-11-21T01:00:00.000000Z ERROR ExtHandler one\n2026-11-21T01:30:00.000000Z ERROR ExtHandler two\n"
          "2026-11-21T01:40:00.000000Z INFO ExtHandler said: an ERROR came " +
              std::string(100, 'x') + " ERROR \n");
    ASSERT_TRUE(signs().newest_error);
    EXPECT_EQ(*signs().newest_error, std::chrono::system_clock::from_time_t(now - 30 * 60));
    write("/var/log/waagent.log", "2026/11/21 01:20:00.000000 ERROR of an old agent\n");
    ASSERT_TRUE(signs().newest_error);
    EXPECT_EQ(*signs().newest_error, std::chrono::system_clock::from_time_t(now - 40 * 60));
    write("/var/log/waagent.log", "ERROR\n2026-11-21T01:00:00.000000Z ERROR\n \n  ERROR x\n");
    EXPECT_EQ(signs().newest_error, std::nullopt);
}

TEST_F(BackupSignsTest, AnEndlessLogIsReadAtItsEndAlone) {
    write("/var/log/waagent.log",
          "2026-11-21T01:00:00.000000Z ERROR ExtHandler one\n" + std::string(std::size_t{1} << 20U, 'x'));
    EXPECT_EQ(signs().newest_error, std::nullopt);
}

TEST_F(BackupSignsTest, WindowsAgentsAreServices) {
    platform_ = "windows";
    processes_.clear();
    files_.clear();
    services_ = {{"RdAgent", json::object{{"name", "RdAgent"}, {"state", "running"}, {"start", "automatic"}}},
                 {"WindowsAzureGuestAgent",
                  json::object{{"name", "WindowsAzureGuestAgent"}, {"state", "running"}, {"start", "automatic"}}}};
    EXPECT_EQ(signs().agent_trouble, "");
    services_["WindowsAzureGuestAgent"].as_object()["state"] = "stopped";
    EXPECT_TRUE(signs().agent_is_dead);
    EXPECT_EQ(signs().agent_trouble, "the guest agent's service WindowsAzureGuestAgent does not run");
    services_.erase("RdAgent");
    EXPECT_EQ(signs().agent_trouble, "the guest agent's service RdAgent is missing");
}

TEST_F(BackupSignsTest, WhoInstallsSoftwareIsSeen) {
    EXPECT_EQ(running_package_manager(machine()), "");
    for (const auto& [name, words] :
         {std::pair(std::string("dpkg"), std::vector<std::string>{"/usr/bin/dpkg", "-i"}),
          std::pair(std::string("apt-get"), std::vector<std::string>{}),
          std::pair(std::string("python3.9"),
                    std::vector<std::string>{"/usr/bin/python3", "/usr/bin/dnf", "upgrade"})}) {
        processes_ = {process(9, name, words)};
        EXPECT_EQ(running_package_manager(machine()), name + " (pid 9)");
    }
    // Ubuntu's waits for the shutdown all day.
    processes_ = {process(9, "python3",
                          {"/usr/bin/python3", "/usr/share/unattended-upgrades/unattended-upgrade-shutdown",
                           "--wait-for-signal"}),
                  process(10, "python3", {"/usr/bin/python3", "/srv/app.py", "/usr/bin/dnf"})};
    EXPECT_EQ(running_package_manager(machine()), "");
    platform_ = "windows";
    processes_ = {process(9, "TiWorker.exe", {})};
    EXPECT_EQ(running_package_manager(machine()), "TiWorker.exe (pid 9)");
}

}  // namespace
}  // namespace remediations::backup_signs_test
