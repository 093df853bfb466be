#include "remediations/knowledge/reasons/reasons_in.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "remediations/knowledge/reasons/meaning.hpp"

namespace remediations::reasons_in_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// "Linux error 28 (ENOSPC)", innermost first.
std::vector<std::string> told(std::string_view line) {
    std::vector<std::string> all;
    for (const auto& reason : reasons_in(line)) all.push_back(description_of(reason));
    return all;
}

std::string text_of_first(std::string_view line) {
    const auto reasons = reasons_in(line);
    return reasons.empty() ? "no reason" : reasons.front().text;
}

TEST(ReasonsIn, ErrnoIsReadByNumberAndByText) {
    EXPECT_THAT(told("Last error: [Errno 28] No space left on device, duration=0"),
                ElementsAre("Linux error 28 (ENOSPC)"));
    EXPECT_THAT(told("Failed to FIFREEZE: /data with error message: Device or resource busy"),
                ElementsAre("Linux error 16 (EBUSY)"));
    EXPECT_THAT(told("write: no space left on device"), ElementsAre("Linux error 28 (ENOSPC)"));  // Go
    EXPECT_THAT(told("fork failed: Too many open files in system"), ElementsAre("Linux error 23 (ENFILE)"));
    EXPECT_THAT(told("open failed: Too many open files"), ElementsAre("Linux error 24 (EMFILE)"));
    EXPECT_THAT(told("handle.sh: cannot execute binary file: Exec format error"),
                ElementsAre("Linux error 8 (ENOEXEC)"));
    EXPECT_THAT(told("EXT4-fs (sda1): error -5 writing super block"), ElementsAre("Linux error 5 (EIO)"));
    EXPECT_THAT(told("blk_update_request: I/O error, dev sda, sector 12345"), ElementsAre("Linux error 5 (EIO)"));
    EXPECT_THAT(told("bind: EADDRINUSE"), ElementsAre("Linux error 98 (EADDRINUSE)"));
    EXPECT_THAT(told("kernel: Out of memory: Killed process 1234 (python3)"), ElementsAre("Linux error 12 (ENOMEM)"));
}

TEST(ReasonsIn, ErrnoKeepsTheWordsOfAnyLanguage) {
    const auto reasons = reasons_in("[Errno 13] Keine Berechtigung: '/var/lib/waagent/x'");
    ASSERT_EQ(reasons.size(), 1);
    EXPECT_EQ(reasons[0], (Reason{Reason::Kind::errno_value, 13, "EACCES", "Keine Berechtigung"}));
    EXPECT_EQ(text_of_first("ls: /x: Stale file handle"), "Stale file handle");
}

TEST(ReasonsIn, NamesThatCannotBeResolvedHaveNegativeNumbers) {
    EXPECT_THAT(told("socket.gaierror: [Errno -2] Name or service not known"),
                ElementsAre("Linux error -2 (EAI_NONAME)", "Python exception socket.gaierror"));
    EXPECT_THAT(told("[Errno -3] Temporary failure in name resolution"), ElementsAre("Linux error -3 (EAI_AGAIN)"));
    EXPECT_THAT(told("kernel: mount failed with errno -28"), ElementsAre("Linux error 28 (ENOSPC)"));
}

TEST(ReasonsIn, CommonWordsAreErrorsOnlyWhereTheyAreSetOff) {
    EXPECT_THAT(told("mkdir: cannot create directory '/x': File exists"), ElementsAre("Linux error 17 (EEXIST)"));
    EXPECT_THAT(told("Plugin host Config file exists in the location /etc/azure"), IsEmpty());
    EXPECT_THAT(told("the operation timed out after a while"), IsEmpty());
    EXPECT_THAT(told("socket.timeout: timed out"),
                ElementsAre("Linux error 110 (ETIMEDOUT)", "Python exception socket.timeout"));
    EXPECT_THAT(told("[DhcpError] timed out"),
                ElementsAre("Linux error 110 (ETIMEDOUT)", "Python exception DhcpError"));
    EXPECT_THAT(told("Protocol error handling is switched on"), IsEmpty());
}

TEST(ReasonsIn, HresultsAreReadInHexadecimalAndAsSignedNumbers) {
    EXPECT_THAT(told("error 0x80042306"), ElementsAre("HRESULT 0x80042306 (VSS_E_PROVIDER_VETO)"));
    EXPECT_THAT(told("Resultado: 0X800423f4, El escritor"),
                ElementsAre("HRESULT 0x800423F4 (VSS_E_WRITERERROR_NONRETRYABLE)"));
    EXPECT_THAT(told("RdCrypt Initialization failed. Error Code: -2147023143."),
                ElementsAre("Windows error 1753 (0x800706D9, EPT_S_NOT_REGISTERED)"));
    EXPECT_THAT(told("hr = 0x8004D027L"), ElementsAre("HRESULT 0x8004D027 (XACT_E_UNABLE_TO_READ_DTC_CONFIG)"));
    EXPECT_THAT(told("0xFFFFFFFF80042308"), ElementsAre("HRESULT 0x80042308 (VSS_E_OBJECT_NOT_FOUND)"));
    EXPECT_THAT(told("Routine returned E_INVALIDARG"),
                ElementsAre("Windows error 87 (0x80070057, ERROR_INVALID_PARAMETER)"));
    EXPECT_THAT(told("the call returned VSS_E_BAD_STATE"), ElementsAre("HRESULT 0x80042301 (VSS_E_BAD_STATE)"));
    // Not in the table, but of a kind that is.
    EXPECT_THAT(told("hr = 0x80042355"), ElementsAre("HRESULT 0x80042355"));
}

TEST(ReasonsIn, HresultsThatWrapWindowsErrorsAreUnpacked) {
    EXPECT_EQ(
        reasons_in("ConvertStringSidToSid(S-1-5-21-21-1104.bak) | 0x80070539, The security ID structure is invalid.\r"),
        (std::vector<Reason>{
            {Reason::Kind::win32, 1337, "ERROR_INVALID_SID", "The security ID structure is invalid"}}));
    EXPECT_THAT(told("0x80070422"), ElementsAre("Windows error 1058 (0x80070422, ERROR_SERVICE_DISABLED)"));
    EXPECT_THAT(told("0x80073BC3"), ElementsAre("Windows error 15299 (0x80073BC3, ERROR_SYSTEM_DEVICE_NOT_FOUND)"));
    EXPECT_THAT(told("0x80070000"), IsEmpty());
}

TEST(ReasonsIn, WindowsErrorsAreReadWhereTheyAreCalledSo) {
    EXPECT_THAT(told("The service could not be started: %%1058"),
                ElementsAre("Windows error 1058 (0x80070422, ERROR_SERVICE_DISABLED)"));
    EXPECT_THAT(told("[SC] StartService FAILED 1053:"),
                ElementsAre("Windows error 1053 (0x8007041D, ERROR_SERVICE_REQUEST_TIMEOUT)"));
    EXPECT_THAT(told("Operating system error 995(The I/O operation has been aborted.)"),
                ElementsAre("Windows error 995 (0x800703E3, ERROR_OPERATION_ABORTED)"));
    EXPECT_THAT(told("socket error 10013"), ElementsAre("Windows error 10013 (0x8007271D, WSAEACCES)"));
    EXPECT_THAT(told("[WinError 5] Zugriff verweigert"),
                ElementsAre("Windows error 5 (0x80070005, ERROR_ACCESS_DENIED)"));
    EXPECT_THAT(told("System Error:\r 0xC0000039 (unresolvable)."),
                ElementsAre("NTSTATUS 0xC0000039 (STATUS_OBJECT_PATH_INVALID)"));
    EXPECT_THAT(told("IaaSBcdrExtension.exe | 1.0.95.0 | 5f0c1a2b | Hook.dll | c0000005 | 0000000000012a4f"),
                ElementsAre("NTSTATUS 0xC0000005 (STATUS_ACCESS_VIOLATION)"));
    EXPECT_THAT(told("msiexec ended, exit code: 1603"),
                ElementsAre("Windows error 1603 (0x80070643, ERROR_INSTALL_FAILURE)"));
    EXPECT_THAT(told("ended with exit code -1073741819"), ElementsAre("NTSTATUS 0xC0000005 (STATUS_ACCESS_VIOLATION)"));
}

TEST(ReasonsIn, HttpStatusesAreReadInEveryForm) {
    for (const auto* line :
         {"HTTP 403", "Status Code 403 -- 25 attempts made", "status: 403", R"("status": 403, "x")", "StatusCode=403",
          "[403: Forbidden]", "HTTP/1.1 403 Forbidden", "HTTP Error 403: Forbidden", "http status code: 403",
          "The remote server returned an error: (403) Forbidden.", "The requested URL returned error: 403",
          "403 Client Error: Forbidden for url", "hostStatusCodeDoSnapshot=403, ",
          "Tunnel connection failed: 403 Forbidden", "T:S snapshot result: errorcode: 403", "response code 403",
          "ERROR 403: Forbidden."}) {
        EXPECT_THAT(told(line), ElementsAre("HTTP status 403 (Forbidden)")) << line;
    }
    EXPECT_EQ(text_of_first("[HTTP Failed] [400: Bad Request]"), "Bad Request");
    EXPECT_EQ(text_of_first("[[404: The specified blob does not exist.]"), "The specified blob does not exist");
    EXPECT_THAT(told("hostStatusCodePreSnapshot=200, hostStatusCodeDoSnapshot=556, "),
                ElementsAre("result of the Linux backup extension: 556 (FailedHostSnapshotRemoteServerError)"));
}

TEST(ReasonsIn, CodesOfServicesAreReadInJsonAndXml) {
    EXPECT_EQ(reasons_in(R"(dosnapshot responseBody: {"error":{"code":"BadRequest","message":"InvalidDiskIds"}})"),
              (std::vector<Reason>{{Reason::Kind::http, 0, "BadRequest", "InvalidDiskIds"}}));
    EXPECT_THAT(
        told(R"([400: Bad Request] b'{ \"errorCode\": \"InvalidContainerConfiguration\", \"message\": \"x\"}')"),
        ElementsAre("error InvalidContainerConfiguration of an Azure service", "HTTP status 400 (Bad Request)"));
    EXPECT_THAT(told("<Error><Code>BlobNotFound</Code><Message>The specified blob does not exist.</Message></Error>"),
                ElementsAre("error BlobNotFound of an Azure service"));
    EXPECT_THAT(told("x-ms-error-code: ServerBusy"), ElementsAre("error ServerBusy of an Azure service"));
    EXPECT_THAT(told(R"({"error":"invalid_request","error_description":"Identity not found"})"),
                ElementsAre("error invalid_request of an Azure service"));
    EXPECT_THAT(told(R"({"status": "success", "code": "success", "error": ""})"), IsEmpty());
}

TEST(ReasonsIn, ExitCodesAndSignalsAreReadInEveryForm) {
    for (const auto* line : {"Non-zero exit code: 127", "return code: [127]", "returned non-zero exit status 127",
                             "exit status 127", "status=127/n/a", "exited with status 127", "exitcode=127", "rc: 127",
                             "/bin/sh: 1: openssl: not found", "bash: openssl: command not found"}) {
        EXPECT_THAT(told(line), ElementsAre("exit code 127")) << line;
    }
    EXPECT_THAT(told("waagent.service: Main process exited, code=exited, status=203/EXEC"),
                ElementsAre("exit code 203 (EXEC)"));
    EXPECT_THAT(told("waagent.service: Main process exited, code=killed, status=9/KILL"),
                ElementsAre("signal 9 (SIGKILL)"));
    EXPECT_THAT(told("x.service: Main process exited, code=dumped, status=11/SEGV"),
                ElementsAre("signal 11 (SIGSEGV)"));
    EXPECT_THAT(told("Command 'x' died with <Signals.SIGKILL: 9>."), ElementsAre("signal 9 (SIGKILL)"));
    EXPECT_THAT(told("process was killed by signal 15"), ElementsAre("signal 15 (SIGTERM)"));
    EXPECT_THAT(told("returned non-zero exit status -9"), ElementsAre("signal 9 (SIGKILL)"));
    EXPECT_THAT(told("Mon Nov 18 00:05:10 UTC 2019- 1 returned from handle.py"), ElementsAre("exit code 1"));
}

TEST(ReasonsIn, PythonsExceptionsAreReadWithAndWithoutModules) {
    EXPECT_EQ(reasons_in("ModuleNotFoundError: No module named 'crypt'"),
              (std::vector<Reason>{{Reason::Kind::python, 0, "ModuleNotFoundError", "No module named 'crypt'"}}));
    EXPECT_THAT(told("importlib.metadata.PackageNotFoundError: WALinuxAgent"),
                ElementsAre("Python exception importlib.metadata.PackageNotFoundError"));
    EXPECT_THAT(told("KeyError: 556"), ElementsAre("Python exception KeyError"));
    EXPECT_THAT(told("MemoryError"), ElementsAre("Python exception MemoryError"));
    EXPECT_THAT(told("[InvalidPolicyError] Customer-provided policy file"),
                ElementsAre("Python exception InvalidPolicyError"));
    EXPECT_THAT(told("ERROR: something"), IsEmpty());
    EXPECT_THAT(told("Error: something"), IsEmpty());
    EXPECT_THAT(told("calls GetLastError() and SetError(x)"), IsEmpty());
}

TEST(ReasonsIn, DotnetsExceptionsStandBehindTheNumbersInThem) {
    EXPECT_THAT(
        told("Install provider failed {Exception = System.Runtime.InteropServices.COMException (0x80110401): x"),
        ElementsAre("HRESULT 0x80110401 (COMADMIN_E_OBJECTERRORS)",
                    ".NET exception System.Runtime.InteropServices.COMException"));
    EXPECT_THAT(
        told("failed: Microsoft.X.Cryptography+PInvokeException: PFXImportCertStore failed. Error Code: 86"),
        ElementsAre("Windows error 86 (0x80070056, ERROR_INVALID_PASSWORD)", ".NET exception PInvokeException"));
    EXPECT_THAT(told("Ausnahmeinformationen: System.Configuration.ConfigurationErrorsException\r\n bei X"),
                ElementsAre(".NET exception System.Configuration.ConfigurationErrorsException"));
}

TEST(ReasonsIn, OpensslIsReadPackedInBracketsAndInWords) {
    EXPECT_EQ(
        reasons_in(
            "140:error:0308010C:digital envelope routines:inner_evp_generic_fetch:unsupported:../evp_fetch.c:373:x"),
        (std::vector<Reason>{{Reason::Kind::openssl, 0x0308010C, "unsupported", "digital envelope routines"}}));
    EXPECT_THAT(told("error:0308010C:digital envelope routines::unsupported"),
                ElementsAre("OpenSSL error unsupported"));
    EXPECT_THAT(told("ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1123)"),
                ElementsAre("OpenSSL error WRONG_VERSION_NUMBER", "Python exception ssl.SSLError"));
    EXPECT_THAT(told("Unable to load certificate"), ElementsAre("OpenSSL error unable to load certificate"));
}

TEST(ReasonsIn, SqlNumbersAreReadAndTheWrapperIsLast) {
    EXPECT_THAT(
        told("hr = 0x80040e14. SQLSTATE: 42000, Native Error: 3013 Error message: x SQLSTATE: 42000, Native "
             "Error: 3267 Error message: Insufficient resources"),
        ElementsAre("SQL Server error 3267", "HRESULT 0x80040E14 (DB_E_ERRORSINCOMMAND)", "SQL Server error 3013"));
    EXPECT_THAT(told("Error: 18456, Severity: 14, State: 58."), ElementsAre("SQL Server error 18456"));
    EXPECT_THAT(told("Msg 3041, Level 16, State 1"), ElementsAre("SQL Server error 3041"));
}

TEST(ReasonsIn, CodesOfTheExtensionAndTheAgentAreReadInTheirStatus) {
    EXPECT_THAT(told(R"([{\"status\": {\"status\": \"success\", \"code\": \"121\"}}])"),
                ElementsAre("result of the Linux backup extension: 121 (FailedRetryableFsFreezeFailed)"));
    EXPECT_THAT(told(R"({"name": "X", "status": "NotReady", "code": 1009, "message": "x"})"),
                ElementsAre("guest agent's code 1009 (PluginEnableProcessingFailed)"));
    EXPECT_THAT(told("T:S Enable failed with FailedSnapshotLimitReached errror"),
                ElementsAre("result of the Linux backup extension: 85 (FailedSnapshotLimitReached)"));
    EXPECT_THAT(told("job failed: UserErrorFsFreezeFailed"), ElementsAre("backup job's error UserErrorFsFreezeFailed"));
    EXPECT_THAT(told("Error code: 400001"), ElementsAre("backup job's error 400001"));
}

TEST(ReasonsIn, TheInnermostIsFirstAndTheAgentsClassesLast) {
    EXPECT_THAT(
        told(
            "message=Failed to download artifacts: [ExtensionDownloadError] Failed to download X from all URIs. Last "
            "error: [HttpError] Download failed both on the primary and fallback channels. Primary: [[HttpError] [HTTP "
            "Retry] GET https://x.blob.core.windows.net/1.0.9235.0.zip -- Status Code 403 -- 25 attempts made] "
            "Fallback: [[InvalidContainerError] [HTTP Failed] [400: Bad Request] b'{ \"errorCode\": "
            "\"InvalidContainerConfiguration\", \"message\": \"VM is not provisioned\" }']"),
        ElementsAre("error InvalidContainerConfiguration of an Azure service", "HTTP status 400 (Bad Request)",
                    "HTTP status 403 (Forbidden)", "Python exception InvalidContainerError",
                    "Python exception HttpError", "Python exception ExtensionDownloadError"));
    EXPECT_THAT(
        told("[ExtensionOperationError] Non-zero exit code: 1, /x/handle.sh enable [stderr] "
             "ModuleNotFoundError: No module named 'crypt'"),
        ElementsAre("Python exception ModuleNotFoundError", "exit code 1", "Python exception ExtensionOperationError"));
    EXPECT_THAT(told("Failed to send DHCP request: [DhcpError] Failed: [Errno 1] Operation not permitted"),
                ElementsAre("Linux error 1 (EPERM)", "Python exception DhcpError"));
    EXPECT_THAT(told("azurelinuxagent.common.exception.ProtocolError: [ProtocolError] [HttpError] GET x -- Status Code "
                     "500 -- 6 attempts made"),
                ElementsAre("HTTP status 500 (Internal Server Error)", "Python exception HttpError",
                            "Python exception azurelinuxagent.common.exception.ProtocolError"));
}

TEST(ReasonsIn, WhatIsNoErrorIsNoReason) {
    for (const auto* line : {
             "",
             "2026-11-30T09:12:10.403431Z INFO ExtHandler ExtHandler [HEARTBEAT] Agent is running",
             "HTTP/1.1 200 OK",
             "status: 201",
             "StatusCode:200",
             "exit code: 0",
             "return code: [0]",
             "errno 0",
             "0x00000000, The operation completed successfully.",
             "hr = 0x00000000",
             "status=0/SUCCESS",
             "4. Freeze Completed (Signal=1 received)",
             "9. Binary Process completed (Signal=2 received)",
             "Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.404.0",
             "168.63.129.16:443 port 500",
             "Context: {80042308-0000-4000-8000-000000000000}",
             "at 0x7f3a80042306",
             "[mem 0x80040000-0x8004ffff]",
             "RegOpenKeyExW(-2147483646,SYSTEM\\CurrentControlSet\\Services\\VSS\\Diag,...)",
             R"("code": "1", "status": "success")",
             R"("code": "4", "status": "success")",
             "because of error code StatusCode.FailedPrepostPluginConfigNotFound,",
             "/dev/sda1 on / type ext4 (rw,relatime,discard,errors=remount-ro)",
             "Command: [systemctl show], took 404 ms",
             "line 404 of file 500",
             "pid 409 thread 500",
             "taskId 2147942405 of 4294967295",
             "timed-out=false",
             "SIGTERM_HANDLER set",
             "native error: 0",
             "returned -1",
             "Failed to open: /x with error: -1 and",
             "is size computation failed : False",
             "HTTP/1.0 302 Found",
         }) {
        EXPECT_THAT(told(line), IsEmpty()) << line;
    }
}

TEST(ReasonsIn, EachIsThereOnceAndNoMoreThanTheBound) {
    std::string line;
    for (int number = 1; number < 134; ++number) line += "[Errno " + std::to_string(number) + "] x, ";
    EXPECT_EQ(reasons_in(line).size(), most_reasons);
    EXPECT_EQ(description_of(reasons_in(line).front()), "Linux error 133 (EHWPOISON)");
    EXPECT_EQ(reasons_in("[Errno 2] a [Errno 2] b [Errno 2] c").size(), 1);
}

TEST(ReasonsIn, TextsAreUtf8AndBounded) {
    const auto reasons = reasons_in("[Errno 5] \xFF\xC3" + std::string(10000, 'x'));
    ASSERT_EQ(reasons.size(), 1);
    EXPECT_LE(reasons[0].text.size(), 200);
    EXPECT_EQ(reasons[0].text.find('\xFF'), std::string::npos);
}

TEST(ReasonsIn, HostileLinesCostNoMoreThanTheirLength) {
    std::vector<std::string> lines(8);
    for (std::size_t size = 0; size < 8192; ++size) {
        lines[0] += "(((((((1";
        lines[1] += "Error: ";
        lines[2] += "E_X VSS_";
        lines[3] += "no such ";
        lines[4] += "[[[Errno";
        lines[5] += "UserErrX";
        lines[6] += "\"code\":\"";
        lines[7] += "error:0a";
    }
    lines.push_back(std::string(65536, '9'));
    lines.push_back(std::string(65536, 'E'));
    lines.push_back(std::string(65536, '%'));
    for (const auto& line : lines) {
        const auto start = std::chrono::steady_clock::now();
        EXPECT_LE(reasons_in(line).size(), most_reasons);
        const auto took = std::chrono::steady_clock::now() - start;
        EXPECT_LT(took, std::chrono::seconds(2)) << line.substr(0, 8);  // milliseconds, on an idle machine
    }
}

}  // namespace
}  // namespace remediations::reasons_in_test
