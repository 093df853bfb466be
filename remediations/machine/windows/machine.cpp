#include "remediations/machine/machine.hpp"

#include <fmt/format.h>

#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_library.hpp"
#include "remediations/machine/windows/text.hpp"

namespace machine {

namespace {

constexpr auto version_key = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion";

/// GetVersionExW returns the version that the executable's manifest allows, RtlGetVersion the real one.
std::string os_version() {
    OSVERSIONINFOW version{};
    version.dwOSVersionInfoSize = sizeof version;
    const auto get_version =
        windows::SystemLibrary(L"ntdll.dll").function<LONG WINAPI(OSVERSIONINFOW*)>("RtlGetVersion");
    if (!get_version || get_version(&version) != 0) return {};
    return fmt::format("{}.{}.{}", version.dwMajorVersion, version.dwMinorVersion, version.dwBuildNumber);
}

std::string architecture() {
    // On arm64 only this tells an emulated x64 process the truth; systems before Windows 10 lack it.
    USHORT process_machine = 0;
    USHORT native_machine = 0;
    const auto is_wow64 =
        windows::SystemLibrary(L"kernel32.dll").function<BOOL WINAPI(HANDLE, USHORT*, USHORT*)>("IsWow64Process2");
    if (is_wow64 && is_wow64(GetCurrentProcess(), &process_machine, &native_machine)) {
        return native_machine == IMAGE_FILE_MACHINE_ARM64 ? "aarch64" : "x86_64";
    }
    return "x86_64";
}

std::string host_name() {
    wchar_t name[256];
    DWORD length = 256;
    return GetComputerNameExW(ComputerNamePhysicalDnsHostname, name, &length) ? windows::to_utf8({name, length})
                                                                              : std::string{};
}

/// Not from the environment, which the parent process controls.
std::string system_drive() {
    wchar_t directory[MAX_PATH];
    const auto length = GetSystemWindowsDirectoryW(directory, MAX_PATH);
    return length >= 2 && length < MAX_PATH ? windows::to_utf8({directory, 2}) : "C:";
}

}  // namespace

Machine local_machine() {
    MachineParts parts;
    parts.files = windows::make_files();
    parts.services = windows::make_services();
    parts.registry = windows::make_registry();
    parts.processes = windows::make_processes();
    parts.mounts = windows::make_mounts();
    parts.network = windows::make_network();
    parts.events = windows::make_event_log();
    parts.certificates = windows::make_certificate_store();
    parts.wmi = windows::make_wmi();

    auto& facts = parts.facts;
    facts.platform = Platform::windows;
    if (const auto name = parts.registry->value(version_key, "ProductName")) {
        if (const auto* text = std::get_if<std::string>(&name->data)) facts.os_name = *text;
    }
    facts.os_version = os_version();
    facts.architecture = architecture();
    facts.host_name = host_name();
    facts.system_drive = system_drive();
    facts.now = std::chrono::system_clock::now();
    return Machine(std::move(parts));
}

}  // namespace machine
