#include "remediations/machine/windows/version_resource.hpp"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "remediations/machine/windows/file_access.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"

namespace machine::windows {

namespace {

constexpr DWORD largest_resource = DWORD{1} << 20;

struct Language {
    WORD language;
    WORD code_page;
};

/// A part of the version resource; a null pointer where it does not exist.
struct Block {
    const void* data = nullptr;
    UINT size = 0;  ///< of a text, in UTF-16 units
};

Block block(const std::vector<BYTE>& resource, const std::string& path) {
    const std::wstring wide(path.begin(), path.end());  // ASCII
    void* data = nullptr;
    UINT size = 0;
    return VerQueryValueW(resource.data(), wide.c_str(), &data, &size) ? Block{data, size} : Block{};
}

/// Returns the first text in the languages that the resource names and in the usual ones.
std::string text(const std::vector<BYTE>& resource, const char* name) {
    std::vector<Language> languages;
    const auto named = block(resource, "\\VarFileInfo\\Translation");
    for (UINT offset = 0; named.data && offset + sizeof(Language) <= named.size; offset += sizeof(Language)) {
        Language language{};
        std::memcpy(&language, static_cast<const BYTE*>(named.data) + offset, sizeof language);
        languages.push_back(language);
    }
    for (const auto& usual : {Language{0x0409, 1200}, Language{0x0409, 1252}, Language{0, 1200}}) {
        languages.push_back(usual);
    }
    for (const auto& [language, code_page] : languages) {
        const auto found =
            block(resource, fmt::format("\\StringFileInfo\\{:04x}{:04x}\\{}", language, code_page, name));
        if (!found.data || found.size == 0) continue;
        std::wstring_view value(static_cast<const wchar_t*>(found.data), found.size);
        value = value.substr(0, value.find(L'\0'));
        if (!value.empty()) return to_utf8(value);
    }
    return {};
}

}  // namespace

Result<FileVersion> version_of(const std::wstring& native) {
    const auto name = display(native);
    DWORD unused = 0;
    const auto size = GetFileVersionInfoSizeExW(FILE_VER_GET_NEUTRAL, native.c_str(), &unused);
    if (size == 0) {
        auto error = last_error("read the version of", name);
        switch (error.code) {
            case ERROR_BAD_FORMAT:
            case ERROR_BAD_EXE_FORMAT:
            case ERROR_FILE_INVALID:
            case ERROR_RESOURCE_DATA_NOT_FOUND:
            case ERROR_RESOURCE_TYPE_NOT_FOUND:
            case ERROR_RESOURCE_NAME_NOT_FOUND:
            case ERROR_RESOURCE_LANG_NOT_FOUND:
                return Error::invalid(name + " has no version resource", error.code);
            default:
                return error;
        }
    }
    if (size > largest_resource) {
        return Error::too_large(fmt::format("{} has a version resource of {} bytes", name, size));
    }
    std::vector<BYTE> resource(size);
    if (!GetFileVersionInfoExW(FILE_VER_GET_NEUTRAL, native.c_str(), 0, size, resource.data())) {
        return last_error("read the version of", name);
    }
    const auto fixed = block(resource, "\\");
    if (!fixed.data || fixed.size < sizeof(VS_FIXEDFILEINFO)) {
        return Error::invalid(name + " has a damaged version resource");
    }
    VS_FIXEDFILEINFO info{};
    std::memcpy(&info, fixed.data, sizeof info);
    return FileVersion{{HIWORD(info.dwFileVersionMS), LOWORD(info.dwFileVersionMS), HIWORD(info.dwFileVersionLS),
                        LOWORD(info.dwFileVersionLS)},
                       text(resource, "CompanyName"),
                       text(resource, "ProductName")};
}

}  // namespace machine::windows
