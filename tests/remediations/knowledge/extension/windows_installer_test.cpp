// What the log and the events of Windows Installer say of an installation that failed.
#include "remediations/knowledge/extension/windows_installer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::windows_installer_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto failed =
    "=== Verbose logging started: 20.11.2026  21:00:01\r\n"
    "CustomAction InstallServices returned actual error code 1066 (note this may not be 100% accurate)\r\n"
    "Aktion beendet um 21:00:09: InstallExecute. Rückgabewert 3.\r\n"
    "MSI (s) (9C:A0) [21:00:10:120]: MainEngineThread is returning 1603\r\n";

std::string utf16(std::string_view text, std::string begin = "\xFF\xFE") {
    for (const char c : text) {
        begin += c;
        begin += '\0';
    }
    return begin;
}

const auto told =
    ElementsAre("CustomAction InstallServices returned actual error code 1066 (note this may not be 100% accurate)",
                "MSI (s) (9C:A0) [21:00:10:120]: MainEngineThread is returning 1603");

TEST(InstallerLog, NamesTheStepAndTheEndInAnyLanguageAndEncoding) {
    EXPECT_THAT(failure_in_installer_log(failed), told);
    EXPECT_THAT(failure_in_installer_log(utf16(failed)), told);
    EXPECT_THAT(failure_in_installer_log(utf16(failed, "")), told) << "a part from the middle of a file";
    EXPECT_THAT(failure_in_installer_log(utf16(failed, std::string(1, '\0'))), told) << "cut within a letter";
}

TEST(InstallerLog, OfSeveralInstallationsTheLastCounts) {
    const std::string well = "MSI (s) (9C:A0) [21:09:10:120]: MainEngineThread is returning 0\r\n";
    EXPECT_THAT(failure_in_installer_log(failed + well), IsEmpty());
    EXPECT_THAT(failure_in_installer_log(well + failed), told);
    EXPECT_THAT(failure_in_installer_log("MainEngineThread is returning 3010"), IsEmpty());
}

TEST(InstallerLog, SaysNothingWhereNothingIsSaid) {
    for (const auto& text : {std::string(), std::string("\xFF\xFE"), std::string("\xFF\xFEx", 3),
                             std::string(4096, '\0'), std::string(4096, '\xFF'), std::string("\n\n\r\n")}) {
        EXPECT_THAT(failure_in_installer_log(text), IsEmpty());
    }
}

}  // namespace
}  // namespace remediations::windows_installer_test
