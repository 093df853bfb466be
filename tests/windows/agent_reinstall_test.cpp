#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "bench.hpp"
#include "remediations/changes/changes.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <windows.h>

#include <msi.h>
#include <msiquery.h>
#include <wtypes.h>

namespace remediations::agent_reinstall_test {
namespace {

using machine::ServiceState;

using InstallerHandle = machine::windows::UniqueHandle<MSIHANDLE, &MsiCloseHandle>;

void check(UINT code, const std::string& step) {
    if (code != ERROR_SUCCESS) throw std::runtime_error(step + ": error " + std::to_string(code));
}

void execute(MSIHANDLE database, const char* statement) {
    InstallerHandle view;
    check(MsiDatabaseOpenViewA(database, statement, view.receive()), statement);
    check(MsiViewExecute(view.get(), 0), statement);
}

constexpr const char* statements[] = {
    "CREATE TABLE `Property` (`Property` CHAR(72) NOT NULL, `Value` LONGCHAR NOT NULL LOCALIZABLE PRIMARY KEY "
    "`Property`)",
    "CREATE TABLE `Directory` (`Directory` CHAR(72) NOT NULL, `Directory_Parent` CHAR(72), `DefaultDir` CHAR(255) NOT "
    "NULL LOCALIZABLE PRIMARY KEY `Directory`)",
    "CREATE TABLE `Component` (`Component` CHAR(72) NOT NULL, `ComponentId` CHAR(38), `Directory_` CHAR(72) NOT NULL, "
    "`Attributes` SHORT NOT NULL, `Condition` CHAR(255), `KeyPath` CHAR(72) PRIMARY KEY `Component`)",
    "CREATE TABLE `Feature` (`Feature` CHAR(38) NOT NULL, `Feature_Parent` CHAR(38), `Title` CHAR(64) LOCALIZABLE, "
    "`Description` CHAR(255) LOCALIZABLE, `Display` SHORT, `Level` SHORT NOT NULL, `Directory_` CHAR(72), `Attributes` "
    "SHORT NOT NULL PRIMARY KEY `Feature`)",
    "CREATE TABLE `FeatureComponents` (`Feature_` CHAR(38) NOT NULL, `Component_` CHAR(72) NOT NULL PRIMARY KEY "
    "`Feature_`, `Component_`)",
    "CREATE TABLE `File` (`File` CHAR(72) NOT NULL, `Component_` CHAR(72) NOT NULL, `FileName` CHAR(255) NOT NULL "
    "LOCALIZABLE, `FileSize` LONG NOT NULL, `Version` CHAR(72), `Language` CHAR(20), `Attributes` SHORT, `Sequence` "
    "SHORT NOT NULL PRIMARY KEY `File`)",
    "CREATE TABLE `Media` (`DiskId` SHORT NOT NULL, `LastSequence` SHORT NOT NULL, `DiskPrompt` CHAR(64) LOCALIZABLE, "
    "`Cabinet` CHAR(255), `VolumeLabel` CHAR(32), `Source` CHAR(72) PRIMARY KEY `DiskId`)",
    "CREATE TABLE `InstallExecuteSequence` (`Action` CHAR(72) NOT NULL, `Condition` CHAR(255), `Sequence` SHORT "
    "PRIMARY KEY `Action`)",
    "CREATE TABLE `ServiceInstall` (`ServiceInstall` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL, `DisplayName` "
    "CHAR(255) LOCALIZABLE, `ServiceType` LONG NOT NULL, `StartType` LONG NOT NULL, `ErrorControl` LONG NOT NULL, "
    "`LoadOrderGroup` CHAR(255), `Dependencies` CHAR(255), `StartName` CHAR(255), `Password` CHAR(255), `Arguments` "
    "CHAR(255), `Component_` CHAR(72) NOT NULL, `Description` CHAR(255) LOCALIZABLE PRIMARY KEY `ServiceInstall`)",
    "CREATE TABLE `ServiceControl` (`ServiceControl` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE, "
    "`Event` SHORT NOT NULL, `Arguments` CHAR(255), `Wait` SHORT, `Component_` CHAR(72) NOT NULL PRIMARY KEY "
    "`ServiceControl`)",

    "INSERT INTO `Property` (`Property`, `Value`) VALUES ('ProductCode', '{5D0C1B5E-52C1-4F6B-9A1C-6E1B5C2B7A01}')",
    "INSERT INTO `Property` (`Property`, `Value`) VALUES ('ProductName', 'Guest agent of the tests')",
    "INSERT INTO `Property` (`Property`, `Value`) VALUES ('ProductVersion', '2.7.0')",
    "INSERT INTO `Property` (`Property`, `Value`) VALUES ('ProductLanguage', '1033')",
    "INSERT INTO `Property` (`Property`, `Value`) VALUES ('Manufacturer', 'Tests')",
    "INSERT INTO `Property` (`Property`, `Value`) VALUES ('ALLUSERS', '1')",
    "INSERT INTO `Property` (`Property`, `Value`) VALUES ('TARGETDIR', 'C:\\')",
    // Name at the target:name at the source, where all files lie beside the MSI.
    "INSERT INTO `Directory` (`Directory`, `DefaultDir`) VALUES ('TARGETDIR', 'SourceDir')",
    "INSERT INTO `Directory` (`Directory`, `Directory_Parent`, `DefaultDir`) VALUES ('Azure', 'TARGETDIR', "
    "'AZURE|WindowsAzure:.')",
    "INSERT INTO `Directory` (`Directory`, `Directory_Parent`, `DefaultDir`) VALUES ('Packages', 'Azure', "
    "'Packages:.')",
    "INSERT INTO `Component` (`Component`, `ComponentId`, `Directory_`, `Attributes`, `KeyPath`) VALUES ('Rd', "
    "'{5D0C1B5E-52C1-4F6B-9A1C-6E1B5C2B7A02}', 'Packages', 256, 'RdFile')",
    "INSERT INTO `Component` (`Component`, `ComponentId`, `Directory_`, `Attributes`, `KeyPath`) VALUES ('Agent', "
    "'{5D0C1B5E-52C1-4F6B-9A1C-6E1B5C2B7A03}', 'Packages', 256, 'AgentFile')",
    "INSERT INTO `Feature` (`Feature`, `Level`, `Attributes`) VALUES ('All', 1, 0)",
    "INSERT INTO `FeatureComponents` (`Feature_`, `Component_`) VALUES ('All', 'Rd')",
    "INSERT INTO `FeatureComponents` (`Feature_`, `Component_`) VALUES ('All', 'Agent')",
    "INSERT INTO `File` (`File`, `Component_`, `FileName`, `FileSize`, `Sequence`) VALUES ('RdFile', 'Rd', "
    "'RD.EXE|WaAppAgent.exe', 1, 1)",
    "INSERT INTO `File` (`File`, `Component_`, `FileName`, `FileSize`, `Sequence`) VALUES ('AgentFile', 'Agent', "
    "'AGENT.EXE|WindowsAzureGuestAgent.exe', 1, 2)",
    "INSERT INTO `Media` (`DiskId`, `LastSequence`) VALUES (1, 2)",
    "INSERT INTO `ServiceInstall` (`ServiceInstall`, `Name`, `ServiceType`, `StartType`, `ErrorControl`, `Arguments`, "
    "`Component_`) VALUES ('RdService', 'RdAgent', 16, 2, 1, 'RdAgent normal', 'Rd')",
    "INSERT INTO `ServiceInstall` (`ServiceInstall`, `Name`, `ServiceType`, `StartType`, `ErrorControl`, `Arguments`, "
    "`Component_`) VALUES ('AgentService', 'WindowsAzureGuestAgent', 16, 2, 1, 'WindowsAzureGuestAgent normal', "
    "'Agent')",
    // 1: start it when it is installed.
    "INSERT INTO `ServiceControl` (`ServiceControl`, `Name`, `Event`, `Wait`, `Component_`) VALUES ('StartRd', "
    "'RdAgent', 1, 1, 'Rd')",
    "INSERT INTO `ServiceControl` (`ServiceControl`, `Name`, `Event`, `Wait`, `Component_`) VALUES ('StartAgent', "
    "'WindowsAzureGuestAgent', 1, 1, 'Agent')",
};

constexpr std::pair<const char*, int> actions[] = {
    {"CostInitialize", 800},     {"FileCost", 900},           {"CostFinalize", 1000},    {"InstallValidate", 1400},
    {"InstallInitialize", 1500}, {"ProcessComponents", 1600}, {"InstallFiles", 4000},    {"InstallServices", 5800},
    {"StartServices", 5900},     {"RegisterProduct", 6100},   {"PublishFeatures", 6300}, {"PublishProduct", 6400},
    {"InstallFinalize", 6600},
};

/// An installer package like the guest agent's: it brings two programs, registers them as services, starts these.
void make_installer(const std::string& path) {
    InstallerHandle database;
    check(MsiOpenDatabaseW(std::filesystem::path(path).c_str(), MSIDBOPEN_CREATE, database.receive()),
          "create " + path);
    for (const auto* statement : statements) execute(database.get(), statement);
    for (const auto& [action, sequence] : actions) {
        const auto statement = "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('" +
                               std::string(action) + "', " + std::to_string(sequence) + ")";
        execute(database.get(), statement.c_str());
    }
    constexpr UINT template_property = 7;
    constexpr UINT package_code_property = 9;
    constexpr UINT installer_version_property = 14;
    constexpr UINT word_count_property = 15;
    InstallerHandle summary;
    check(MsiGetSummaryInformationA(database.get(), nullptr, 4, summary.receive()), "describe " + path);
    const auto set_text = [&](UINT property, const char* text) {
        check(MsiSummaryInfoSetPropertyA(summary.get(), property, VT_LPSTR, 0, nullptr, std::string(text).data()),
              "describe " + path);
    };
    const auto set_number = [&](UINT property, int number) {
        check(MsiSummaryInfoSetPropertyA(summary.get(), property, VT_I4, number, nullptr, nullptr), "describe " + path);
    };
    set_text(template_property, "x64;1033");
    set_text(package_code_property, "{5D0C1B5E-52C1-4F6B-9A1C-6E1B5C2B7A04}");
    set_number(installer_version_property, 200);
    set_number(word_count_property, 0);  // long names; the files lie beside it
    check(MsiSummaryInfoPersist(summary.get()), "describe " + path);
    check(MsiDatabaseCommit(database.get()), "write " + path);
}

class AgentReinstall : public testing::Test {
protected:
    void TearDown() override {
        const machine::windows::ServiceHandle manager(OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS));
        for (const auto* name : {"RdAgent", "WindowsAzureGuestAgent"}) {
            (void)machine.services().stop(name);
            const machine::windows::ServiceHandle service(OpenServiceA(manager.get(), name, DELETE));
            if (service) DeleteService(service.get());
        }
        // A program can be removed once its process is gone, which is some time after the service has stopped.
        std::error_code still_used;
        for (int attempt = 0; attempt < 600; ++attempt) {
            std::filesystem::remove_all("C:\\WindowsAzure", still_used);
            if (!still_used) return;
            Sleep(50);
        }
        ADD_FAILURE() << "C:\\WindowsAzure: " << still_used.message();
    }

    machine::Machine machine = machine::local_machine();
    TemporaryFolder folder;
};

// Wine gives every file to the user, whom the diagnosis does not trust with an installer: so the fix alone is run.
TEST_F(AgentReinstall, InstallsTheAgentWithWindowsInstaller) {
    for (const auto* program : {"WaAppAgent.exe", "WindowsAzureGuestAgent.exe"}) {
        std::filesystem::copy_file(bench("test_service.exe"), folder.path() / program);
    }
    const auto installer = folder.file("agent.msi");
    make_installer(installer);
    std::filesystem::create_directories("C:\\windows\\Panther");  // its log goes there, as Windows' own setup's

    auto journal = Journal::create(folder.path() / "state", std::chrono::system_clock::now());
    ASSERT_TRUE(journal) << journal.error().message;
    Changes changes(machine, &*journal, "agent-reinstall", Changes::Mode::apply);
    Finding finding;
    finding.subjects = {installer};
    const auto fixed = find_remediation("agent-reinstall")->fix(finding, changes);
    ASSERT_TRUE(fixed) << fixed.error().message;
    for (const auto* name : {"RdAgent", "WindowsAzureGuestAgent"}) {
        const auto service = machine.services().find(name);
        ASSERT_TRUE(service) << service.error().message;
        EXPECT_EQ(service->state, ServiceState::running);
        EXPECT_EQ(service->start, machine::StartType::automatic);
        EXPECT_THAT(service->binary, testing::HasSubstr("C:\\WindowsAzure\\Packages\\"));
    }
    const Question question{.error_code = {}, .named = true, .agent_installer = installer};
    EXPECT_EQ(find_remediation("agent-reinstall")->diagnose_for(machine, question).state, State::healthy);

    // It cannot be taken back, and undo says so and leaves the agent as it is.
    const auto undone = undo(*journal, machine);
    ASSERT_EQ(undone.size(), 1U);
    EXPECT_EQ(undone.front().result, UndoneStep::Result::not_undoable);
    EXPECT_EQ(machine.services().find("RdAgent")->state, ServiceState::running);
}

TEST_F(AgentReinstall, SaysThatAnInstallerFailed) {
    const auto installer = folder.file("agent.msi");
    std::ofstream(installer) << "not an installer";
    auto journal = Journal::create(folder.path() / "state", std::chrono::system_clock::now());
    Changes changes(machine, &*journal, "agent-reinstall", Changes::Mode::apply);
    Finding finding;
    finding.subjects = {installer};
    const auto fixed = find_remediation("agent-reinstall")->fix(finding, changes);
    ASSERT_FALSE(fixed);
    // 1620 on Windows, 1627 on Wine: Windows Installer's own.
    EXPECT_THAT(fixed.error().message, testing::HasSubstr("msiexec.exe /i " + installer));
    EXPECT_THAT(fixed.error().message, testing::HasSubstr("ended with exit code 16"));
}

}  // namespace
}  // namespace remediations::agent_reinstall_test
