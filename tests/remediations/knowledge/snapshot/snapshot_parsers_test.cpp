// Parsers of what the kernel, device mapper and extension print, with what they never should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediations/knowledge/configuration/file_system_table.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/pressure.hpp"
#include "remediations/knowledge/snapshot/script_framework.hpp"
#include "remediations/knowledge/snapshot/thin_pool_status.hpp"

namespace remediations::snapshot_parsers_test {
namespace {

using Step = MountFailure::Step;

std::optional<MountFailure> failure(std::string text) {
    LogLine line;
    line.text = std::move(text);
    return parse_mount_failure(line);
}

TEST(MountFailure, IsReadFromEachFormOfTheLine) {
    const auto opened =
        failure("2026-11-21 00:30:20 Failed to open: /a b with error: -1 and error message: No such file or directory");
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->step, Step::open);
    EXPECT_EQ(opened->mount_point, "/a b");
    EXPECT_EQ(opened->reason, "No such file or directory");
    const auto frozen = failure("Failed to FIFREEZE: /with error with error message: Device or resource busy \r");
    ASSERT_TRUE(frozen);
    EXPECT_EQ(frozen->mount_point, "/with error");
    EXPECT_EQ(frozen->reason, busy);
    const auto thawed = failure("Failed to FITHAW: /boot with error message : Invalid argument");
    ASSERT_TRUE(thawed);
    EXPECT_EQ(thawed->step, Step::thaw);
    EXPECT_EQ(thawed->reason, "Invalid argument");
    EXPECT_EQ(failure("Failed to FITHAW: /boot")->reason, "");
    EXPECT_EQ(failure("Path not a directory: /etc/hosts")->step, Step::not_a_directory);
    EXPECT_FALSE(failure("Failed to FIFREEZE: "));
    EXPECT_FALSE(failure("Failed to open: file or lock"));
    EXPECT_FALSE(failure("all is well"));
    EXPECT_EQ(failure("Failed to open: /a with error message")->reason, "");
    EXPECT_FALSE(meaning_of_freeze_error(busy).empty());
    EXPECT_TRUE(meaning_of_freeze_error("Das Gerät ist belegt").empty());
}

TEST(ThinPoolStatus, IsReadInEachState) {
    const auto pools = parse_thin_pool_status(
        "vg-a--tpool: 0 2097152 thin-pool 1 8/1024 163/16384 - rw discard_passdown queue_if_no_space - 1024\n"
        "docker: 0 10 thin-pool 3 1024/1024 10/10 - out_of_data_space no_discard_passdown error_if_no_space "
        "needs_check 1\n"
        "x: y: 0 2 thin-pool Fail\n");
    ASSERT_TRUE(pools) << pools.error().message;
    ASSERT_EQ(pools->size(), 3);
    EXPECT_EQ((*pools)[0].data_percent, 0);
    EXPECT_EQ((*pools)[0].mode, "rw");
    EXPECT_EQ((*pools)[1].metadata_percent, 100);
    EXPECT_EQ((*pools)[1].mode, "needs_check");
    EXPECT_EQ((*pools)[2].name, "x: y");
    EXPECT_EQ((*pools)[2].mode, "Fail");
    EXPECT_TRUE(parse_thin_pool_status("No devices found\n")->empty());
    EXPECT_TRUE(parse_thin_pool_status("")->empty());
    for (const auto* bad :
         {"x", "x: 0 1 linear 8:1 0", "x: 0 1 thin-pool", "x: 0 1 thin-pool 1 a/b 1/2 - rw",
          "x: 0 1 thin-pool 1 1/0 1/2 - rw", "x: 0 1 thin-pool 1 2/1 1/2 - rw", "x: 0 1 thin-pool 1 -1/2 1/2 - rw"}) {
        EXPECT_FALSE(parse_thin_pool_status(bad)) << bad;
    }
}

TEST(Pressure, IsReadWithAndWithoutFull) {
    const auto both =
        parse_pressure("some avg10=1.00 avg60=2.50 avg300=0.40 total=1\nfull avg10=0.00 avg60=1.25 avg300=0 total=1\n");
    ASSERT_TRUE(both);
    EXPECT_DOUBLE_EQ(both->some, 2.5);
    EXPECT_DOUBLE_EQ(both->full, 1.25);
    EXPECT_DOUBLE_EQ(parse_pressure("some avg10=1.00 avg60=2.50 avg300=0.40 total=1\n")->full, 0);
    for (const auto* bad :
         {"", "some", "some avg60=", "some avg60=x", "some avg60=-1", "some avg60=101", "full avg60=1"}) {
        EXPECT_FALSE(parse_pressure(bad)) << bad;
    }
}

TEST(FileSystemTable, IsReadAsMountReadsIt) {
    const auto entries = parse_file_system_table(
        "# x\n\n /dev/sda1\t/  ext4 rw,noatime 0 1\nUUID=1 /a\\040b xfs\nshort /x\n"
        "/dev/sdb \\999 ext4 defaults\n");
    ASSERT_EQ(entries.size(), 3);
    EXPECT_EQ(entries[0].mount_point, "/");
    EXPECT_EQ(entries[0].options, (std::vector<std::string>{"rw", "noatime"}));
    EXPECT_EQ(entries[1].mount_point, "/a b");
    EXPECT_EQ(entries[2].mount_point, "\\999");
    EXPECT_TRUE(parse_file_system_table("").empty());
}

int fault_of(const std::string& text) {
    const auto parsed = parse_script_configuration("/x.json", text);
    EXPECT_NE(parsed.configuration.has_value(), parsed.fault.has_value()) << text;
    return parsed.fault ? parsed.fault->code : 0;
}

TEST(ScriptConfiguration, IsRefusedWhereTheExtensionRefusesIt) {
    EXPECT_EQ(fault_of(R"({"preScriptLocation": "/a", "postScriptLocation": "/b"})"), 0);
    EXPECT_EQ(fault_of(R"({"preScriptLocation": "/a"})"), 305);
    EXPECT_EQ(fault_of(R"({"preScriptLocation": "/a", "postScriptLocation": null})"), 304);
    EXPECT_EQ(fault_of(R"({"preScriptLocation": "/a", "postScriptLocation": "/b", "timeoutInSeconds": "30"})"), 304);
    EXPECT_EQ(fault_of("[]"), 304);
    for (const auto* bad : {"", "{", "{} x", "{'a': 1}", "\xEF\xBB\xBF{}", "{\"a\": 1,}", "\xFF\xFE{", "null x"}) {
        EXPECT_EQ(fault_of(bad), 305) << bad;
    }
    EXPECT_EQ(fault_of(std::string(100'000, '[')), 305);
    const auto broken = parse_script_configuration("/x.json", "{\n\"a\": 1,\n}\n");
    EXPECT_EQ(broken.fault->evidence.where, "/x.json:3");
}

TEST(ScriptConfiguration, TakesValuesAsPythonDoes) {
    const auto parsed = parse_script_configuration(
        "/x.json", R"({"preScriptLocation": "/a", "postScriptLocation": "/b", "timeoutInSeconds": 5000,
                       "continueBackupOnFailure": "false", "fsFreezeEnabled": 0})");
    ASSERT_TRUE(parsed.configuration);
    EXPECT_DOUBLE_EQ(parsed.configuration->timeout_seconds, 1800);
    EXPECT_TRUE(parsed.configuration->continues_on_failure);
    EXPECT_FALSE(parsed.configuration->freezes);
    EXPECT_EQ(parsed.configuration->oddities.size(), 2);
}

}  // namespace
}  // namespace remediations::snapshot_parsers_test
