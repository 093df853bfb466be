#include "remediations/knowledge/reasons/meaning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "remediations/model/error_codes.hpp"

namespace remediations::meaning_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> readings(std::string_view words) {
    std::vector<std::string> all;
    for (const auto& reading : explain_reason(words)) all.push_back(reading.what);
    return all;
}

std::string name_of(Reason::Kind kind, std::int64_t number) {
    const auto meaning = meaning_of({kind, number, "", ""});
    return meaning ? meaning->name : "unknown";
}

TEST(MeaningOf, EveryKindHasItsTable) {
    using enum Reason::Kind;
    EXPECT_EQ(name_of(errno_value, 28), "ENOSPC");
    EXPECT_EQ(name_of(errno_value, -3), "EAI_AGAIN");
    EXPECT_EQ(name_of(win32, 1058), "ERROR_SERVICE_DISABLED");
    EXPECT_EQ(name_of(hresult, 0x80042318), "VSS_E_WRITER_INFRASTRUCTURE");
    EXPECT_EQ(name_of(hresult, 0x80042319), "VSS_E_WRITER_NOT_RESPONDING");
    EXPECT_EQ(name_of(hresult, 0x80070005), "ERROR_ACCESS_DENIED");
    EXPECT_EQ(name_of(ntstatus, 0xC0000005), "STATUS_ACCESS_VIOLATION");
    EXPECT_EQ(name_of(http, 409), "Conflict");
    EXPECT_EQ(name_of(exit_code, 203), "EXEC");
    EXPECT_EQ(name_of(exit_code, 137), "128 + SIGKILL");
    EXPECT_EQ(name_of(signal, 9), "SIGKILL");
    EXPECT_EQ(name_of(extension_code, 121), "FailedRetryableFsFreezeFailed");
    EXPECT_EQ(name_of(agent_code, 1009), "PluginEnableProcessingFailed");
    EXPECT_EQ(name_of(job_code, 400094), "ResourceNotFound");
    EXPECT_THAT(meaning_of({sql, 3267, "", ""})->for_backup, HasSubstr("Too many databases"));
    EXPECT_THAT(meaning_of({python, 0, "importlib.metadata.PackageNotFoundError", ""})->meaning,
                HasSubstr("not installed for this Python"));
    EXPECT_TRUE(meaning_of({dotnet, 0, "System.Configuration.ConfigurationErrorsException", ""}));
    EXPECT_TRUE(meaning_of({openssl, 0, "CERTIFICATE_VERIFY_FAILED", ""}));
    EXPECT_EQ(meaning_of({http, 400, "InvalidContainerConfiguration", ""})->look_at, "Restart the guest agent.");
    EXPECT_TRUE(meaning_of({job_code, 0, "UserErrorFsFreezeFailed", ""}));
}

TEST(MeaningOf, WhatNoTableHasHasNone) {
    using enum Reason::Kind;
    EXPECT_FALSE(meaning_of({errno_value, 41, "", ""}));
    EXPECT_FALSE(meaning_of({hresult, 0x80042355, "", ""}));
    EXPECT_FALSE(meaning_of({python, 0, "SomeOtherError", ""}));
    EXPECT_FALSE(meaning_of({http, 200, "", ""}));
    EXPECT_FALSE(meaning_of({extension_code, 999, "", ""}));
    EXPECT_FALSE(meaning_of({job_code, 400002, "", ""}));
    EXPECT_FALSE(meaning_of({agent_code, 121, "", ""}));
    EXPECT_FALSE(meaning_of({extension_code, 1009, "", ""}));
}

TEST(MeaningOf, EveryMeaningSaysWhatToLookAt) {
    using enum Reason::Kind;
    for (const auto kind : {errno_value, win32, ntstatus, http, exit_code, signal, sql, extension_code, agent_code}) {
        for (std::int64_t number = -20; number < 20000; ++number) {
            const auto meaning = meaning_of({kind, number, "", ""});
            if (!meaning) continue;
            EXPECT_FALSE(meaning->meaning.empty()) << static_cast<int>(kind) << " " << number;
            EXPECT_FALSE(meaning->look_at.empty()) << static_cast<int>(kind) << " " << number;
        }
    }
}

TEST(MeaningOf, EveryCodeOfTheExtensionAndTheAgentIsKnown) {
    for (const auto& code : error_codes()) {
        const bool is_of_extension = code.origin == CodeOrigin::linux_extension;
        if (!is_of_extension && code.origin != CodeOrigin::guest_agent) continue;
        const auto number = std::stoll(std::string(code.names.front()));
        const auto kind = is_of_extension ? Reason::Kind::extension_code : Reason::Kind::agent_code;
        EXPECT_TRUE(meaning_of({kind, number, "", ""})) << number;
    }
}

TEST(MeaningOfEvent, ComparesProvidersWithoutCaseAndByAnyOfTheirNames) {
    EXPECT_THAT(meaning_of_event("VSS", 12366)->meaning, HasSubstr("crashed in a callback"));
    EXPECT_TRUE(meaning_of_event("vss", 12366));
    EXPECT_EQ(meaning_of_event("Microsoft-Windows-CAPI2", 513), meaning_of_event("capi2", 513));
    EXPECT_EQ(meaning_of_event("MSSQL$PROD", 3041), meaning_of_event("MSSQLSERVER", 3041));
    EXPECT_EQ(meaning_of_event("DCOM", 10005), meaning_of_event("Microsoft-Windows-DistributedCOM", 10005));
    EXPECT_TRUE(meaning_of_event("Volsnap", 24));
    EXPECT_FALSE(meaning_of_event("VSS", 1));
    EXPECT_FALSE(meaning_of_event("Contoso", 12366));
    EXPECT_FALSE(meaning_of_event("", 0));
}

TEST(MeaningOfEvent, KnowsWhatBackupsMeet) {
    const struct {
        const char* provider;
        std::vector<std::uint32_t> ids;
    } groups[] = {
        {"VSS", {13,    20,    22,    34,    8193,  8194,  8213,  8224,  8229,  12289, 12290, 12292, 12293,
                 12294, 12297, 12298, 12301, 12302, 12305, 12310, 12333, 12340, 12347, 12348, 12366}},
        {"volsnap", {1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 20, 21, 23, 24, 25, 27, 28, 33, 35, 36, 39, 41}},
        {"SQLWRITER", {24583}},
        {"SQLVDI", {1}},
        {"MSSQLSERVER", {3041, 18210, 18456}},
        {"Service Control Manager", {7000, 7001, 7009, 7011, 7022, 7023, 7024, 7031, 7034, 7038, 7041}},
        {"Microsoft-Windows-Complus", {4689, 4691}},
        {"MSDTC", {4102, 4112, 4191, 4209}},
        {"Microsoft-Windows-DistributedCOM", {10005, 10010, 10016}},
        {"disk", {7, 51, 153, 157}},
        {"Ntfs", {55, 57, 137, 140}},
        {"Application Error", {1000}},
        {".NET Runtime", {1026}},
        {"MsiInstaller", {1033, 11708}},
    };
    for (const auto& group : groups) {
        for (const auto id : group.ids) {
            EXPECT_TRUE(meaning_of_event(group.provider, id)) << group.provider << " " << id;
        }
    }
}

TEST(ExplainReason, ReadsWhatPeopleType) {
    EXPECT_THAT(readings("0x80042306"), ElementsAre("HRESULT 0x80042306 (VSS_E_PROVIDER_VETO)"));
    EXPECT_THAT(readings("80042306"), ElementsAre("HRESULT 0x80042306 (VSS_E_PROVIDER_VETO)"));
    EXPECT_THAT(readings("-2147212538"), ElementsAre("HRESULT 0x80042306 (VSS_E_PROVIDER_VETO)"));
    EXPECT_THAT(readings("2147754758"), ElementsAre("HRESULT 0x80042306 (VSS_E_PROVIDER_VETO)"));
    EXPECT_THAT(readings("0x80070422"), ElementsAre("Windows error 1058 (0x80070422, ERROR_SERVICE_DISABLED)"));
    EXPECT_THAT(readings("VSS 12366"), ElementsAre("event 12366 of VSS"));
    EXPECT_THAT(readings("event VSS 12366"), ElementsAre("event 12366 of VSS"));
    EXPECT_THAT(readings("Service Control Manager 7000"), ElementsAre("event 7000 of Service Control Manager"));
    EXPECT_THAT(readings("event 4609"), ElementsAre("event 4609 of EventSystem"));
    EXPECT_THAT(readings("event id 8193"), ElementsAre("event 8193 of VSS"));
    EXPECT_THAT(readings("EPERM"), ElementsAre("Linux error 1 (EPERM)"));
    EXPECT_THAT(readings("eperm"), ElementsAre("Linux error 1 (EPERM)"));
    EXPECT_THAT(readings("HTTP 409"), ElementsAre("HTTP status 409 (Conflict)"));
    EXPECT_THAT(readings("exit 127"), ElementsAre("exit code 127"));
    EXPECT_THAT(readings("exit code: 137"), ElementsAre("exit code 137 (128 + SIGKILL)"));
    EXPECT_THAT(readings("signal 9"), ElementsAre("signal 9 (SIGKILL)"));
    EXPECT_THAT(readings("SIGKILL"), ElementsAre("signal 9 (SIGKILL)"));
    EXPECT_THAT(readings("SQL 3041"), ElementsAre("SQL Server error 3041", "event 3041 of MSSQLSERVER"));
    EXPECT_THAT(readings("400001"), ElementsAre("backup job's error 400001"));
    EXPECT_THAT(readings("%%1058"), Contains("Windows error 1058 (0x80070422, ERROR_SERVICE_DISABLED)"));
    EXPECT_THAT(readings("errno 28"), ElementsAre("Linux error 28 (ENOSPC)"));
    EXPECT_THAT(readings("extension 121"),
                ElementsAre("result of the Linux backup extension: 121 (FailedRetryableFsFreezeFailed)"));
    EXPECT_THAT(readings("keyerror"), ElementsAre("Python exception KeyError"));
    EXPECT_THAT(readings("CERTIFICATE_VERIFY_FAILED"), ElementsAre("OpenSSL error certificate verify failed"));
    EXPECT_THAT(readings("scopelocked"), ElementsAre("error ScopeLocked of an Azure service"));
    EXPECT_THAT(readings("VSS_E_INSUFFICIENT_STORAGE"), ElementsAre("HRESULT 0x8004231F (VSS_E_INSUFFICIENT_STORAGE)"));
}

TEST(ExplainReason, APlainNumberHasEveryReadingThatIsKnown) {
    EXPECT_THAT(readings("121"),
                ElementsAre("result of the Linux backup extension: 121 (FailedRetryableFsFreezeFailed)",
                            "Linux error 121 (EREMOTEIO)", "Windows error 121 (0x80070079, ERROR_SEM_TIMEOUT)"));
    EXPECT_THAT(readings("556"),
                ElementsAre("result of the Linux backup extension: 556 (FailedHostSnapshotRemoteServerError)"));
    EXPECT_THAT(readings("409"), ElementsAre("HTTP status 409 (Conflict)"));
    EXPECT_THAT(readings("12366"), ElementsAre("event 12366 of VSS"));
}

TEST(ExplainReason, AWholeLineIsReadForItsReasons) {
    EXPECT_THAT(readings("Failed to send DHCP request: [DhcpError] [Errno 1] Operation not permitted"),
                ElementsAre("Linux error 1 (EPERM)", "Python exception DhcpError"));
    EXPECT_THAT(readings("No space left on device"), ElementsAre("Linux error 28 (ENOSPC)"));
}

TEST(ExplainReason, WhatNobodyKnowsHasNoReading) {
    for (const auto* words : {"", " ", "hello", "99999999", "0x", "-", "VSS", "VSS 1", "Contoso 12366", "0x80042355"}) {
        EXPECT_THAT(readings(words), IsEmpty()) << words;
    }
    EXPECT_THAT(readings(std::string(100000, '9')), IsEmpty());
    EXPECT_THAT(readings(std::string("\0\xFF\x80", 3)), IsEmpty());
}

}  // namespace
}  // namespace remediations::meaning_test
