// A service that behaves as its command line says, registered by the tests under whatever name they need:
//   test_service NAME normal
//   test_service NAME refuse EXIT_CODE         stops at once
//   test_service NAME refuse-unless FILE       stops at once with exit code 1068 while FILE does not exist
//   test_service NAME touch FILE               makes an empty file when it starts
//   test_service NAME slow-start MILLISECONDS
//   test_service NAME hang-start               stays in START_PENDING
//   test_service NAME hang-stop                stays in STOP_PENDING once it is told to stop
//   test_service NAME delete-itself            is deleted while it starts, and ends
//   test_service NAME after PROGRAM...         runs a program to its end before it reports that it runs
// and, as an ordinary program:
//   test_service install NAME ACCOUNT BEHAVIOUR...   registers it, to be started on demand ("" is LocalSystem)
//   test_service start NAME                          exit code 0, or why it did not start
//   test_service disable NAME
//   test_service show NAME                           prints STATE START EXIT_CODE ACCOUNT, or "absent"
//   test_service remove NAME                         ends and deletes it
//   test_service hold                                prints "ready", and keeps a Wine prefix alive until it is ended

#include "service_program.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

std::vector<std::wstring> arguments;

/// Long enough for every test, and then it is gone.
constexpr DWORD hang_ms = 120'000;

SC_HANDLE manager() {
    return OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS);
}

void delete_service(const std::wstring& name) {
    const auto opened_manager = manager();
    const auto service = OpenServiceW(opened_manager, name.c_str(), DELETE);
    DeleteService(service);
    CloseServiceHandle(service);
    CloseServiceHandle(opened_manager);
}

/// The arguments from the fourth on are the program and its own; none of them has a blank.
void run_program() {
    std::wstring command;
    for (std::size_t i = 3; i < arguments.size(); ++i) command += arguments[i] + L' ';
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    PROCESS_INFORMATION process{};
    if (!CreateProcessW(nullptr, command.data(), nullptr, nullptr, FALSE, 0, nullptr, nullptr, &startup, &process)) {
        return;
    }
    WaitForSingleObject(process.hProcess, hang_ms);
    CloseHandle(process.hProcess);
    CloseHandle(process.hThread);
}

void WINAPI service_main(DWORD, wchar_t**) {
    using namespace service_program;
    begin(arguments[1].c_str());
    const auto& behaviour = arguments[2];
    if (behaviour == L"refuse") {
        report(SERVICE_STOPPED, static_cast<DWORD>(std::stoul(arguments.at(3))));
    } else if (behaviour == L"refuse-unless" &&
               GetFileAttributesW(arguments.at(3).c_str()) == INVALID_FILE_ATTRIBUTES) {
        report(SERVICE_STOPPED, ERROR_SERVICE_DEPENDENCY_FAIL);
    } else if (behaviour == L"hang-start") {
        Sleep(hang_ms);
        report(SERVICE_STOPPED);
    } else if (behaviour == L"hang-stop") {
        report(SERVICE_RUNNING);
        WaitForSingleObject(stop_requested, INFINITE);
        Sleep(hang_ms);
        report(SERVICE_STOPPED);
    } else if (behaviour == L"delete-itself") {
        delete_service(arguments[1]);
        report(SERVICE_STOPPED);
    } else {
        if (behaviour == L"after") run_program();
        if (behaviour == L"slow-start") Sleep(static_cast<DWORD>(std::stoul(arguments.at(3))));
        if (behaviour == L"touch") {
            CloseHandle(CreateFileW(arguments.at(3).c_str(), GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, 0, nullptr));
        }
        run();
    }
}

int install(const std::wstring& name, const std::wstring& account) {
    wchar_t executable[MAX_PATH];
    GetModuleFileNameW(nullptr, executable, MAX_PATH);
    auto command = L'"' + std::wstring(executable) + L"\" " + name;
    for (std::size_t i = 4; i < arguments.size(); ++i) command += L' ' + arguments[i];
    // Until one of the same name that was deleted is really gone.
    for (int attempt = 0; attempt < 200; ++attempt) {
        const auto service =
            CreateServiceW(manager(), name.c_str(), nullptr, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                           SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, command.c_str(), nullptr, nullptr, nullptr,
                           account.empty() ? nullptr : account.c_str(), L"");
        if (service) return CloseServiceHandle(service) ? 0 : 1;
        if (GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE && GetLastError() != ERROR_SERVICE_EXISTS) break;
        Sleep(100);
    }
    return static_cast<int>(GetLastError());
}

int start(SC_HANDLE service) {
    if (!StartServiceW(service, 0, nullptr)) return static_cast<int>(GetLastError());
    SERVICE_STATUS status{};
    while (QueryServiceStatus(service, &status) && status.dwCurrentState == SERVICE_START_PENDING) Sleep(20);
    return status.dwCurrentState == SERVICE_RUNNING ? 0 : static_cast<int>(status.dwWin32ExitCode);
}

int disable(SC_HANDLE service) {
    const auto changed = ChangeServiceConfigW(service, SERVICE_NO_CHANGE, SERVICE_DISABLED, SERVICE_NO_CHANGE, nullptr,
                                              nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    return changed ? 0 : static_cast<int>(GetLastError());
}

int show(SC_HANDLE service) {
    SERVICE_STATUS status{};
    alignas(QUERY_SERVICE_CONFIGW) BYTE buffer[8192];
    auto& config = *reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer);
    DWORD needed = 0;
    QueryServiceStatus(service, &status);
    if (!QueryServiceConfigW(service, &config, sizeof buffer, &needed)) return static_cast<int>(GetLastError());
    std::printf("%lu %lu %lu %ls\n", status.dwCurrentState, config.dwStartType, status.dwWin32ExitCode,
                config.lpServiceStartName);
    return 0;
}

int remove(SC_HANDLE service) {
    SERVICE_STATUS_PROCESS status{};
    DWORD needed = 0;
    QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status), sizeof status, &needed);
    if (const auto process = OpenProcess(PROCESS_TERMINATE, FALSE, status.dwProcessId)) TerminateProcess(process, 0);
    return DeleteService(service) ? 0 : static_cast<int>(GetLastError());
}

int administer(const std::wstring& verb, const std::wstring& name) {
    if (verb == L"install" && arguments.size() >= 5) return install(name, arguments[3]);
    const auto service = OpenServiceW(manager(), name.c_str(), SERVICE_ALL_ACCESS);
    if (!service && verb == L"show") return std::printf("absent\n"), 0;
    if (!service) return static_cast<int>(GetLastError());
    const int result = verb == L"start"     ? start(service)
                       : verb == L"disable" ? disable(service)
                       : verb == L"show"    ? show(service)
                                            : remove(service);
    CloseServiceHandle(service);  // one that was deleted stays as long as somebody has it open
    return result;
}

}  // namespace

int wmain(int argc, wchar_t** argv) {
    arguments.assign(argv, argv + argc);
    if (argc == 2 && arguments[1] == L"hold") {
        std::puts("ready");
        std::fflush(stdout);
        Sleep(INFINITE);
    }
    if (argc < 3) return 2;
    for (const auto* verb : {L"install", L"start", L"disable", L"show", L"remove"}) {
        if (arguments[1] != verb) continue;
        const int code = administer(arguments[1], arguments[2]);
        // Whoever started us from Linux sees its lowest eight bits.
        if (code != 0) std::fprintf(stderr, "%ls %ls: error %d\n", verb, arguments[2].c_str(), code);
        return code;
    }
    const int code = service_program::dispatch(arguments[1].data(), service_main);
    Sleep(500);  // Wine's service manager forgets the exit code of one that is gone before it looks
    return code;
}
