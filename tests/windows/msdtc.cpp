// Stands in for %SystemRoot%\System32\msdtc.exe, which Wine does not have. What the real one does to the service
// and to the registry:
//   msdtc -uninstall   removes the service, and the settings below HKLM\SOFTWARE\Microsoft\MSDTC
//   msdtc -install     creates the service, running as Network Service, and the settings with their defaults
//   msdtc              is the service
// -install leaves the file <executable>.installed, so that a test service can refuse to work before it.

#include "service_program.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

wchar_t service_name[] = L"MSDTC";
constexpr auto settings = L"SOFTWARE\\Microsoft\\MSDTC";
constexpr auto security_settings = L"SOFTWARE\\Microsoft\\MSDTC\\Security";

std::wstring executable() {
    wchar_t path[MAX_PATH];
    return {path, GetModuleFileNameW(nullptr, path, MAX_PATH)};
}

void WINAPI service_main(DWORD, wchar_t**) {
    service_program::begin(service_name);
    service_program::run();
}

int uninstall() {
    const auto manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT);
    const auto service = OpenServiceW(manager, service_name, SERVICE_STOP | DELETE);
    if (!service) return static_cast<int>(GetLastError());
    SERVICE_STATUS status{};
    ControlService(service, SERVICE_CONTROL_STOP, &status);
    if (!DeleteService(service)) return static_cast<int>(GetLastError());
    CloseServiceHandle(service);
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, settings);
    return 0;
}

int install() {
    const auto manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CREATE_SERVICE);
    SC_HANDLE service = nullptr;
    // Until the one that was deleted is really gone.
    for (int attempt = 0; attempt < 100 && !service; ++attempt) {
        service = CreateServiceW(manager, service_name, L"Distributed Transaction Coordinator", SERVICE_ALL_ACCESS,
                                 SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
                                 executable().c_str(), nullptr, nullptr, nullptr, L"NT AUTHORITY\\NetworkService", L"");
        if (!service && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE) break;
        if (!service) Sleep(100);
    }
    if (!service) return static_cast<int>(GetLastError());
    CloseServiceHandle(service);
    HKEY key = nullptr;
    RegCreateKeyExW(HKEY_LOCAL_MACHINE, security_settings, 0, nullptr, 0, KEY_SET_VALUE, nullptr, &key, nullptr);
    for (const auto* value : {L"NetworkDtcAccess", L"NetworkDtcAccessInbound", L"NetworkDtcAccessOutbound"}) {
        const DWORD off = 0;
        RegSetValueExW(key, value, 0, REG_DWORD, reinterpret_cast<const BYTE*>(&off), sizeof off);
    }
    std::ofstream(std::filesystem::path(executable() + L".installed")) << "yes\n";
    return 0;
}

}  // namespace

int wmain(int argc, wchar_t** argv) {
    const std::wstring verb = argc > 1 ? argv[1] : L"";
    if (verb == L"-uninstall") return uninstall();
    if (verb == L"-install") return install();
    return service_program::dispatch(service_name, service_main);
}
