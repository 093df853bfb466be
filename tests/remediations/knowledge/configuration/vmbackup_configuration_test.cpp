#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediations/knowledge/configuration/vmbackup_repair.hpp"

namespace remediations::vmbackup_configuration_test {
namespace {

using testing::ElementsAre;

VmBackupConfiguration of(const std::string& text) {
    return VmBackupConfiguration(text);
}

TEST(PythonInteger, AcceptsWhatIntAccepts) {
    EXPECT_EQ(python_integer(" 66\n"), 66);
    EXPECT_EQ(python_integer("+6_0"), 60);
    EXPECT_EQ(python_integer("-1"), -1);
    EXPECT_EQ(python_integer("060"), 60);
    for (const auto* text : {"", " ", "60s", "6 0", "_6", "6_", "6__0", "+-6", "--6", "0x10", "6.0", "+", "-", "-_6",
                             "99999999999999999999999"}) {
        EXPECT_EQ(python_integer(text), std::nullopt) << text;
    }
}

TEST(VmBackupConfiguration, FallsBackAsTheExtensionDoes) {
    EXPECT_EQ(of("[SnapshotThread]\ntimeout = \n").integer_of("timeout", 60), 60);
    EXPECT_EQ(of("[SnapshotThread]\ntimeout = 60s\n").integer_of("timeout", 66), 66);
    EXPECT_EQ(of("timeout = 90\n").integer_of("timeout", 60), 60);
    EXPECT_EQ(of("[SnapshotThread]\nTimeOut:90\n").integer_of("timeout", 60), 90);
    EXPECT_FALSE(VmBackupConfiguration(std::nullopt).exists());
    EXPECT_TRUE(VmBackupConfiguration(std::nullopt).is_readable());
}

TEST(VmBackupConfiguration, SkipsExactNamesButNeverTheRoot) {
    const auto configuration = of("[SnapshotThread]\nMountsToSkip = /a, /b,/c,/\n");
    EXPECT_THAT(configuration.mounts_to_skip(), ElementsAre("/a", " /b", "/c", "/"));
    EXPECT_TRUE(configuration.skips("/a"));
    EXPECT_FALSE(configuration.skips("/b"));
    EXPECT_FALSE(configuration.skips("/"));
    EXPECT_THAT(of("[SnapshotThread]\n").mounts_to_skip(), testing::IsEmpty());
}

TEST(VmBackupConfiguration, SetsAKeyAndKeepsTheRest) {
    EXPECT_EQ(of("").with_setting("timeout", "90"), "[SnapshotThread]\ntimeout = 90\n");
    EXPECT_EQ(of("[Monitor]\nRun = 1").with_setting("timeout", "90"),
              "[Monitor]\nRun = 1\n\n[SnapshotThread]\ntimeout = 90\n");
    EXPECT_EQ(of("# x\n[SnapshotThread]\nfoo = 1\n[Monitor]\n").with_setting("timeout", "90"),
              "# x\n[SnapshotThread]\ntimeout = 90\nfoo = 1\n[Monitor]\n");
    EXPECT_EQ(of("[SnapshotThread]\nMountsToSkip = /a,\n  /b\nfoo = 1\n").with_setting("mountstoskip", "/c"),
              "[SnapshotThread]\nmountstoskip = /c\nfoo = 1\n");
    for (const std::string blank : {"  ", "\t", "\xE2\x80\xA8"}) {
        const auto indented = of("[SnapshotThread]\n# x\n" + blank + "foo = 1\n").with_setting("timeout", "90");
        EXPECT_EQ(of(indented).text_of("timeout", ""), "90") << indented;
        EXPECT_EQ(of(indented).text_of("foo", ""), "1") << indented;
        const auto set_again = of(blank + "[SnapshotThread]\n" + indented.substr(17)).with_setting("timeout", "91");
        EXPECT_EQ(of(set_again).text_of("timeout", ""), "91") << set_again;
        EXPECT_EQ(of(set_again).text_of("foo", ""), "1") << set_again;
    }
    const auto percent = of("").with_setting("MountsToSkip", "/50%");
    EXPECT_TRUE(of(percent).skips("/50%")) << percent;
}

TEST(VmBackupRepair, MakesReadableWithoutLosingASetting) {
    EXPECT_EQ(repaired_vmbackup_configuration("[SnapshotThread\ntimeout=1\n"), "[SnapshotThread]\ntimeout=1\n");
    EXPECT_EQ(repaired_vmbackup_configuration("SnapshotThread\ntimeout=1"), "[SnapshotThread]\ntimeout=1\n");
    EXPECT_EQ(repaired_vmbackup_configuration("[SnapshotThread]\na=1\n\n[SnapshotThread]\nb=2\n"),
              "[SnapshotThread]\na=1\n\n# [SnapshotThread]\nb=2\n");
    EXPECT_EQ(repaired_vmbackup_configuration("[SnapshotThread]\na=1\n[M]\nx=1\n[SnapshotThread]\nb=2\n"),
              std::nullopt);
    EXPECT_EQ(repaired_vmbackup_configuration("[SnapshotThread]\nA=1,\n  2\na=3\n"),
              "[SnapshotThread]\n# A=1,\n#   2\na=3\n");
    EXPECT_EQ(repaired_vmbackup_configuration("# d\xC3\xA9j\xC3\xA0\nMountsToSkip\xC2\xA0= /a\n"),
              "# d?j?\n[SnapshotThread]\nMountsToSkip = /a\n");
    EXPECT_EQ(repaired_vmbackup_configuration("[SnapshotThread]\na = \xE9\n"), std::nullopt);
}

TEST(VmBackupRepair, LeavesWhatNeverWasSuchAFile) {
    std::string log = "[SnapshotThread]\n";
    for (int line = 0; line < 999; ++line) log += "what happened\n";
    EXPECT_NE(repaired_vmbackup_configuration(log), std::nullopt);
    EXPECT_EQ(repaired_vmbackup_configuration(log + "and once more\n"), std::nullopt);
}

TEST(VmBackupRepair, SurvivesAnythingAndIsReadableOrNothing) {
    const std::string pieces[] = {
        "[SnapshotThread]\n", "[M]\n", "a=1\n", "A: 2\n", "nothing\n", "  deeper\n", "=\n", "%\n", "b = %\n",
        "\xEF\xBB\xBF",       "[\n",   "]\n",   "\r",     "\0"};
    for (std::size_t number = 0; number < 38'416; ++number) {  // all of four pieces
        std::string text;
        for (auto rest = number, count = std::size_t{0}; count < 4; rest /= std::size(pieces), ++count) {
            text += pieces[rest % std::size(pieces)];
        }
        const auto repaired = repaired_vmbackup_configuration(text);
        if (!repaired) continue;
        EXPECT_TRUE(of(*repaired).is_readable()) << text << "\n->\n" << *repaired;
        EXPECT_EQ(repaired_vmbackup_configuration(*repaired), repaired) << text;
    }
}

}  // namespace
}  // namespace remediations::vmbackup_configuration_test
