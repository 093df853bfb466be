// How the newest run of the Windows backup extension ended, and what that makes of an event's time.
#include "remediations/knowledge/extension/last_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "remediations/engine/signals.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::last_run_test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto place = "Microsoft.Azure.RecoveryServices.VMSnapshot/1.0.95.0";
/// 2026-11-21 02:00:00 UTC.
const auto now = std::chrono::system_clock::from_time_t(1795226400);

constexpr auto good_run =
    "2026-11-20T22:00:03.1182114Z [Info]: Loading configuration {ConfigFile = 3.settings}\r\n"
    "2026-11-20T22:00:27.8800034Z [Info]: DoSnapshot=complete. WaitResult:True, AnySnapshotFailed:False, "
    "AllSnapshotFailed:False\r\n";
constexpr auto cut_off_run =
    "2026-11-21T01:00:03.1182114Z [Info]: Loading configuration {ConfigFile = 4.settings}\r\n"
    "2026-11-21T01:00:07.1182114Z [Info]: Waiting for GatherWriterMetadata\r\n";
constexpr auto failed_run =
    "2026-11-21T01:00:03.1182114Z [Info]: Loading configuration {ConfigFile = 4.settings}\r\n"
    "2026-11-21T01:00:07.1182114Z [Info]: Waiting for GatherWriterMetadata\r\n"
    "2026-11-21T01:00:09.1182114Z [Error]: Failed {Exception = System.Runtime.InteropServices.COMException "
    "(0x80042316)}\r\n";

class LastRunOf : public testing::Test {
protected:
    void write(const std::string& path, const std::string& text) {
        const auto file = folder_.path() / "files" / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
    }
    void log(int number, const std::string& text) {
        write(std::string("C/WindowsAzure/Logs/Plugins/") + place + "/IaaSBcdrExtension" + std::to_string(number) +
                  ".log",
              text);
    }
    void status(const std::string& word) {
        write(std::string("C/Packages/Plugins/") + place + "/Status/3.status",
              R"([{"status": {"status": ")" + word +
                  R"(", "code": 0, "formattedMessage": {"message": "because 0x80042302"}}}])");
    }
    const LastRun& read(const std::string& more = "",
                        const std::string& complete = R"("complete": ["files", "registry", "processes"])") {
        std::ofstream(folder_.path() / "facts.json")
            << R"({"schema": 1, "system": {"platform": "windows", "os_name": "Windows Server 2022 Datacenter",
                   "os_version": "10.0.20348", "architecture": "x86_64", "host_name": "VM", "system_drive": "C:",
                   "now": 1795226400}, )"
            << complete << more << "}";
        auto loaded = machine::recorded::load(folder_.path());
        if (!loaded) throw std::runtime_error(loaded.error().message);
        machine_.emplace(std::move(*loaded));
        search_for_signals_of_catalogue(*machine_);
        return machine_->derived<LastRun>();
    }

    tests::TemporaryFolder folder_;
    std::optional<machine::Machine> machine_;
};

TEST_F(LastRunOf, AMachineWithoutTheExtensionIsUnknown) {
    const auto& last = read();
    EXPECT_EQ(last.end(), LastRun::End::unknown);
    EXPECT_FALSE(last.is_failure());
    EXPECT_EQ(last.bearing_of(now - hours(1)), LastRun::Bearing::current);
}

TEST_F(LastRunOf, AGoodLogSucceededAndMakesWhatWasBeforeItHistory) {
    log(3, good_run);
    const auto& last = read();
    EXPECT_EQ(last.end(), LastRun::End::succeeded);
    EXPECT_TRUE(last.evidence().empty());
    EXPECT_EQ(last.bearing_of(now - hours(5)), LastRun::Bearing::history);
    EXPECT_EQ(last.bearing_of(now - hours(1)), LastRun::Bearing::current);
}

TEST_F(LastRunOf, ALogThatStopsBrokeOff) {
    log(3, good_run);
    log(4, cut_off_run);
    const auto& last = read();
    EXPECT_EQ(last.end(), LastRun::End::broke_off);
    ASSERT_NE(last.attempt(), nullptr);
    EXPECT_EQ(last.attempt()->phase, BackupPhase::writer_metadata);
    EXPECT_EQ(last.bearing_of(now - hours(5)), LastRun::Bearing::history);
    EXPECT_EQ(last.bearing_of(now - hours(2)), LastRun::Bearing::earlier);
    EXPECT_EQ(last.bearing_of(now - minutes(59)), LastRun::Bearing::current);
}

TEST_F(LastRunOf, ALogThatStopsBrokeOffWhereOnlyTheTimeTells) {
    log(4, cut_off_run);
    constexpr auto unseen = R"("complete": ["files", "registry"])";
    EXPECT_EQ(read("", unseen).end(), LastRun::End::unknown) << "an hour ago; it may still run";
    log(4, std::string(cut_off_run).replace(11, 2, "20").replace(8, 2, "20").substr(0, 80) + "\r\n");
    const auto& last = read("", unseen);
    EXPECT_EQ(last.end(), LastRun::End::broke_off) << "no backup takes six hours";
    ASSERT_FALSE(last.evidence_of_end().empty());
    EXPECT_THAT(last.evidence_of_end().back().seen, testing::HasSubstr("2026-11-20 20:00Z"));
}

TEST_F(LastRunOf, ALogThatStopsRunsWhileItsProcessIsThere) {
    log(4, cut_off_run);
    EXPECT_EQ(read(R"(, "processes": [{"pid": 8, "parent": 4, "name": "iaasbcdrextension.EXE"}])").end(),
              LastRun::End::running);
}

TEST_F(LastRunOf, ALogWithAnErrorFailedAndIsQuoted) {
    log(4, failed_run);
    const auto& last = read();
    EXPECT_EQ(last.end(), LastRun::End::failed);
    EXPECT_TRUE(names_code(last.failure_text(), 0x80042316));
    ASSERT_FALSE(last.evidence().empty());
    EXPECT_THAT(last.evidence().front().where, testing::HasSubstr("IaaSBcdrExtension4.log:3"));
}

TEST_F(LastRunOf, AStatusCountsWhereNoLogTells) {
    status("error");
    const auto& failed = read();
    EXPECT_EQ(failed.end(), LastRun::End::failed);
    EXPECT_TRUE(names_code(failed.failure_text(), 0x80042302));
    status("success");
    EXPECT_EQ(read().end(), LastRun::End::succeeded);
}

TEST_F(LastRunOf, AGoodLogIsBelievedBeforeAnOlderStatus) {
    log(3, good_run);
    status("error");
    EXPECT_EQ(read().end(), LastRun::End::succeeded);
}

TEST(Codes, AreFoundInAnyNotation) {
    EXPECT_TRUE(names_code("hr = 0x80070018, The program", 0x80070018));
    EXPECT_TRUE(names_code("[0X800423f2]", 0x800423F2));
    EXPECT_TRUE(names_code("Error Code: -2147212302.", 0x800423F2));
    EXPECT_FALSE(names_code("0x800423f20", 0x800423F2)) << "another number";
    EXPECT_FALSE(names_code("-21472123021", 0x800423F2));
    EXPECT_FALSE(names_code("0x800423f", 0x800423F2));
    EXPECT_FALSE(names_code("", 0x800423F2));
    EXPECT_TRUE(names_code("0x800423f20 and 0x800423f2", 0x800423F2)) << "the second one";
}

}  // namespace
}  // namespace remediations::last_run_test
