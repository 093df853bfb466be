// Stands in for %SystemRoot%\System32\vssadmin.exe: "vssadmin list writers" prints the file <executable>.after where
// <executable>.marker exists, else <executable>.before, byte for byte. A test service that makes the marker when it
// starts plays the service behind a writer.

#include <windows.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

int wmain(int argc, wchar_t** argv) {
    if (argc != 3 || std::wstring(argv[1]) != L"list" || std::wstring(argv[2]) != L"writers") return 2;
    wchar_t path[MAX_PATH];
    const std::wstring executable(path, GetModuleFileNameW(nullptr, path, MAX_PATH));
    const auto healed = GetFileAttributesW((executable + L".marker").c_str()) != INVALID_FILE_ATTRIBUTES;
    std::ifstream file(std::filesystem::path(executable + (healed ? L".after" : L".before")), std::ios::binary);
    const std::string output((std::istreambuf_iterator<char>(file)), {});
    DWORD written = 0;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), output.data(), static_cast<DWORD>(output.size()), &written, nullptr);
    return output.empty() ? 1 : 0;
}
