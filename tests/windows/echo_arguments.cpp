// echo_arguments FILE EXIT_CODE ARGUMENT...: writes all its arguments, one a line in UTF-8, to FILE and to its
// standard output, and the same with environment variables expanded to FILE.expanded.

#include <windows.h>

#include <fcntl.h>
#include <io.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

std::string utf8(const std::wstring& text) {
    const auto encoded = std::filesystem::path(text).u8string();
    return {encoded.begin(), encoded.end()};
}

/// The file appears whole: a test waits for it.
void write(const std::filesystem::path& path, const std::string& content) {
    const auto temporary = std::filesystem::path(path) += L".tmp";
    std::ofstream(temporary, std::ios::binary) << content;
    std::filesystem::rename(temporary, path);
}

}  // namespace

int wmain(int argc, wchar_t** argv) {
    if (argc < 3) return 2;
    std::string plain;
    std::string expanded;
    for (int i = 1; i < argc; ++i) {
        wchar_t text[4096];
        ExpandEnvironmentStringsW(argv[i], text, 4096);
        plain += utf8(argv[i]) + '\n';
        expanded += utf8(text) + '\n';
    }
    _setmode(_fileno(stdout), _O_BINARY);
    std::fwrite(plain.data(), 1, plain.size(), stdout);
    write(argv[1], plain);
    write(std::wstring(argv[1]) + L".expanded", expanded);
    return static_cast<int>(std::wcstol(argv[2], nullptr, 10));
}
