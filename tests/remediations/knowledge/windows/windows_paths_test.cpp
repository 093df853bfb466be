#include "remediations/knowledge/windows/windows_paths.hpp"

#include <gtest/gtest.h>

#include "remediations/machine/recorded/capture.hpp"
#include "tests/capture_folder.hpp"
#include "tests/temporary_folder.hpp"

#include <fstream>

namespace remediations::windows_paths_test {
namespace {

/// A Windows on drive E: whose registry names its folder, or does not.
machine::Machine machine_on_e(const tests::TemporaryFolder& folder, const std::string& registry) {
    std::ofstream(folder.path() / "facts.json")
        << R"({"schema": 1, "system": {"platform": "windows", "os_name": "Windows Server 2019 Datacenter",
               "os_version": "10.0.17763", "architecture": "x86_64", "host_name": "VM", "system_drive": "E:",
               "now": 1795226400}, "complete": ["registry"], "registry": {)"
        << registry << "}}";
    auto loaded = machine::recorded::load(folder.path());
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return std::move(*loaded);
}

constexpr auto system_root =
    R"("HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion":
       {"values": {"SystemRoot": {"type": 1, "data": "F:\\WINNT"}}})";

TEST(WindowsPaths, FollowTheRegistryElseTheSystemDrive) {
    const tests::TemporaryFolder plain;
    EXPECT_EQ(system_folder(machine_on_e(plain, "")), R"(E:\Windows\System32)");
    const tests::TemporaryFolder named;
    EXPECT_EQ(system_folder(machine_on_e(named, system_root)), R"(F:\WINNT\System32)");
}

TEST(WindowsPaths, ExpandVariablesInAnyCaseAndLeaveOthers) {
    const tests::TemporaryFolder folder;
    const auto machine = machine_on_e(folder, system_root);
    EXPECT_EQ(expand_variables(machine, R"(%systemroot%\System32\swprv.dll)"), R"(F:\WINNT\System32\swprv.dll)");
    EXPECT_EQ(expand_variables(machine, R"(%SystemDrive%\x;%ProgramData%)"), R"(E:\x;E:\ProgramData)");
    EXPECT_EQ(expand_variables(machine, R"(%CommonProgramFiles%\a)"), R"(E:\Program Files\Common Files\a)");
    EXPECT_EQ(expand_variables(machine, "%unknown%WINDIR%"), R"(%unknownF:\WINNT)");
    EXPECT_EQ(expand_variables(machine, "100 %"), "100 %");
    EXPECT_EQ(expand_variables(machine, "%%"), "%%");
    EXPECT_EQ(expand_variables(machine, ""), "");
}

TEST(WindowsPaths, FindTheProgramOfACommandLine) {
    const tests::TemporaryFolder folder;
    const auto machine = machine_on_e(folder, system_root);
    EXPECT_EQ(program_of(machine, R"("C:\Program Files\A\b.exe" -k netsvcs)"), R"(C:\Program Files\A\b.exe)");
    EXPECT_EQ(program_of(machine, R"(C:\Program Files\A\b.exe -k)"), R"(C:\Program Files\A\b.exe)");
    EXPECT_EQ(program_of(machine, R"(%SystemRoot%\System32\svchost.exe -k x)"), R"(F:\WINNT\System32\svchost.exe)");
    EXPECT_EQ(program_of(machine, R"(\SystemRoot\System32\drivers\x.dll)"), R"(F:\WINNT\System32\drivers\x.dll)");
    EXPECT_EQ(program_of(machine, R"(\??\C:\a.exe)"), R"(C:\a.exe)");
    EXPECT_EQ(program_of(machine, "swprv.dll"), R"(F:\WINNT\System32\swprv.dll)");
    EXPECT_EQ(program_of(machine, "\""), "");
    EXPECT_EQ(program_of(machine, ""), "");
}

}  // namespace
}  // namespace remediations::windows_paths_test
