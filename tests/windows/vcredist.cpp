// Stands in for the installer of the Visual C++ runtime that the backup extension brings: "/install /quiet /norestart"
// puts what lies in the folder "libraries" beside it into %SystemRoot%\System32 where it is missing, "/repair ..." in
// any case.

#include <windows.h>

#include <filesystem>
#include <string>

int wmain(int argc, wchar_t** argv) {
    namespace fs = std::filesystem;
    if (argc != 4 || std::wstring(argv[2]) != L"/quiet" || std::wstring(argv[3]) != L"/norestart") return 2;
    const std::wstring verb = argv[1];
    if (verb != L"/install" && verb != L"/repair") return 2;
    wchar_t path[MAX_PATH];
    const fs::path executable(std::wstring(path, GetModuleFileNameW(nullptr, path, MAX_PATH)));
    const fs::path system32(std::wstring(path, GetSystemDirectoryW(path, MAX_PATH)));
    const BOOL only_missing = verb == L"/install";
    for (const auto& library : fs::directory_iterator(executable.parent_path() / L"libraries")) {
        const auto target = system32 / library.path().filename();
        if (!CopyFileW(library.path().c_str(), target.c_str(), only_missing) && GetLastError() != ERROR_FILE_EXISTS) {
            return ERROR_INSTALL_FAILURE;
        }
    }
    return ERROR_SUCCESS_REBOOT_REQUIRED;
}
