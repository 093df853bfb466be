// Why SQL Server's writer fails, and whose complaint of the virtual device counts.
#include "remediations/knowledge/snapshot/sql_writer_failure.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "remediations/engine/signals.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::sql_writer_failure_test {
namespace {

class SqlWriter : public testing::Test {
protected:
    /// `events` are the members of a JSON array.
    std::optional<SqlWriterFailure> failure(const std::string& events) {
        const auto log = folder_.path() /
                         "files/C/WindowsAzure/Logs/Plugins/Microsoft.Azure.RecoveryServices.VMSnapshot/1.0.95.0/"
                         "IaaSBcdrExtension4.log";
        std::filesystem::create_directories(log.parent_path());
        std::ofstream(log, std::ios::binary)
            << "2026-11-21T01:00:03.1182114Z [Info]: Loading configuration {ConfigFile = 4.settings}\r\n"
               "2026-11-21T01:00:07.1182114Z [Info]: Waiting for GatherWriterMetadata\r\n"
               "2026-11-21T01:00:41.1182114Z [Error]: Failed {Exception = "
               "System.Runtime.InteropServices.COMException (0x800423F4)}\r\n";
        std::ofstream(folder_.path() / "facts.json")
            << R"({"schema": 1, "system": {"platform": "windows", "os_name": "Windows Server 2022 Datacenter",
                   "os_version": "10.0.20348", "architecture": "x86_64", "host_name": "VM", "system_drive": "C:",
                   "now": 1795226400}, "complete": ["files", "registry", "processes", "services", "events"],
                   "services": {"SQLWriter": {"name": "SQLWriter", "state": "running", "start": "automatic",
                                              "account": "S-1-5-18", "pid": 2210}},
                   "processes": [{"pid": 2210, "parent": 700, "name": "sqlwriter.exe", "started": 1795100000}],
                   "events": [)"
            << events << "]}";
        auto loaded = machine::recorded::load(folder_.path());
        if (!loaded) throw std::runtime_error(loaded.error().message);
        machine_.emplace(std::move(*loaded));
        search_for_signals_of_catalogue(*machine_);
        return sql_writer_failure(*machine_);
    }

    static std::string writer(const std::string& text) {
        return R"({"channel": "Application", "provider": "SQLWRITER", "id": 24583, "time": 1795222830, "level": 2,
                   "data": [")" +
               text + R"("]})";
    }
    static std::string device(const std::string& pid, const std::string& side, const std::string& instance) {
        return R"x({"channel": "Application", "provider": "SQLVDI", "id": 1, "time": 1795222831, "level": 2, "data":
                   ["SignalAbort", "Client initiates abort", "(0)", "", ")x" +
               pid + R"x(", "4488", ")x" + side + R"x(", ")x" + instance + R"x(", "{9D1D4A3B}"]})x";
    }

private:
    tests::TemporaryFolder folder_;
    std::optional<machine::Machine> machine_;
};

TEST_F(SqlWriter, NoEventIsNoFailure) {
    EXPECT_FALSE(failure(""));
}

TEST_F(SqlWriter, TheNumberThatIsNotTheWrapperAndTheDatabaseCount) {
    const auto found =
        failure(writer("Native Error: 3013 Error message: BACKUP DATABASE is terminating. SQLSTATE: "
                       "42000, Native Error: 945 Error message: Database 'Payroll' cannot be opened"));
    ASSERT_TRUE(found && found->error);
    EXPECT_EQ(found->error->number, 945);
    EXPECT_EQ(found->database, "Payroll");
    EXPECT_EQ(found->fault, SqlWriterFault::other);
    EXPECT_EQ(place_of(*found), " for Payroll");
}

TEST_F(SqlWriter, TheVirtualDeviceNamesTheInstance) {
    const auto found = failure(writer("Native Error: 3267") + "," + device("2210", "Client", "BILLING"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->instance, "BILLING");
    EXPECT_EQ(found->fault, SqlWriterFault::too_many_databases);
    EXPECT_EQ(found->evidence.size(), 2U);
}

TEST_F(SqlWriter, AnotherClientOfTheVirtualDeviceIsNotTheWriter) {
    EXPECT_FALSE(failure(device("7120", "Client", "BILLING")));
    EXPECT_TRUE(failure(device("2210", "Client", "BILLING")));
}

TEST_F(SqlWriter, AStateThatSaysNoConnectionNeedsNoKnownNumber) {
    const auto found = failure(writer("hr = 0x80004005. SQLSTATE: 08001, Native Error: 31337"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->fault, SqlWriterFault::cannot_connect);
}

TEST_F(SqlWriter, AClassThatIsNotRegisteredIsTheVirtualDevices) {
    const auto found = failure(writer("Sqllib error: Failed to create VDS object. hr = 0x80040154"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->fault, SqlWriterFault::device_unregistered);
}

TEST_F(SqlWriter, ANameThatIsNotQuotedIsUnknown) {
    const auto found = failure(writer("Native Error: 945 Error message: it's"));
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->database.empty());
}

}  // namespace
}  // namespace remediations::sql_writer_failure_test
