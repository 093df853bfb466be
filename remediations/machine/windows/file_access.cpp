#include "remediations/machine/windows/file_access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"

namespace machine::windows {

namespace {

constexpr std::wstring_view verbatim = L"\\\\?\\";
constexpr std::wstring_view verbatim_share = L"\\\\?\\UNC\\";
constexpr DWORD share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

bool is_absolute(std::wstring_view path) {
    const auto is_separator = [](wchar_t c) { return c == L'\\' || c == L'/'; };
    const bool has_drive = path.size() >= 3 && path[1] == L':' && is_separator(path[2]);
    const bool is_share = path.size() >= 3 && is_separator(path[0]) && is_separator(path[1]);
    return has_drive || is_share;
}

}  // namespace

Result<std::wstring> native_path(std::string_view path) {
    const auto wide = to_wide_name(path);
    if (!wide) return wide.error();
    if (wide->starts_with(verbatim)) return *wide;
    if (!is_absolute(*wide)) return Error::invalid(fmt::format("\"{}\" is not an absolute path", path));

    std::wstring full(GetFullPathNameW(wide->c_str(), 0, nullptr, nullptr), L'\0');
    full.resize(GetFullPathNameW(wide->c_str(), static_cast<DWORD>(full.size()), full.data(), nullptr));
    if (full.empty()) return last_error("resolve", path);
    if (full.starts_with(L"\\\\")) return std::wstring(verbatim_share) + full.substr(2);
    return std::wstring(verbatim) + full;
}

std::string display(std::wstring_view native) {
    if (native.starts_with(verbatim_share)) return "\\\\" + to_utf8(native.substr(verbatim_share.size()));
    if (native.starts_with(verbatim)) native.remove_prefix(verbatim.size());
    return to_utf8(native);
}

bool is_link(HANDLE file) {
    FILE_ATTRIBUTE_TAG_INFO info{};
    return GetFileInformationByHandleEx(file, FileAttributeTagInfo, &info, sizeof info) &&
           (info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 && IsReparseTagNameSurrogate(info.ReparseTag);
}

Result<KernelHandle> open_existing(const std::wstring& native, DWORD access, bool may_be_link) {
    const auto open = [&](DWORD flags) {
        return KernelHandle(CreateFileW(native.c_str(), access, share_all, nullptr, OPEN_EXISTING,
                                        FILE_FLAG_BACKUP_SEMANTICS | flags, nullptr));
    };
    auto file = open(FILE_FLAG_OPEN_REPARSE_POINT);
    if (!file) return last_error("open", display(native));
    if (is_link(file.get())) {
        if (may_be_link) return file;
        return Error::refused(display(native) + " is a symbolic link or junction, which is not followed");
    }
    BY_HANDLE_FILE_INFORMATION info{};
    if (!GetFileInformationByHandle(file.get(), &info)) return last_error("query", display(native));
    if ((info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
        file = open(0);  // for its content, not for what its file system driver keeps in its place
        if (!file) return last_error("open", display(native));
    }
    return file;
}

Result<std::string> read_all(HANDLE file, std::size_t limit, std::string_view name) {
    LARGE_INTEGER size{};
    if (!GetFileSizeEx(file, &size)) return last_error("read", name);
    const Error too_large = Error::too_large(fmt::format("{} has more than {} bytes", name, limit));
    if (static_cast<std::uint64_t>(size.QuadPart) > limit) return too_large;

    std::string content;
    for (;;) {
        char buffer[64 * 1024];
        DWORD count = 0;
        if (!ReadFile(file, buffer, sizeof buffer, &count, nullptr)) return last_error("read", name);
        if (count == 0) return content;
        if (content.size() + count > limit) return too_large;  // it grew meanwhile
        content.append(buffer, count);
    }
}

Result<std::string> read_part(HANDLE file, std::uint64_t offset, std::size_t length, std::string_view name) {
    LARGE_INTEGER size{};
    if (!GetFileSizeEx(file, &size)) return last_error("read", name);
    if (offset >= static_cast<std::uint64_t>(size.QuadPart)) return std::string();
    LARGE_INTEGER start{};
    start.QuadPart = static_cast<LONGLONG>(offset);
    if (!SetFilePointerEx(file, start, nullptr, FILE_BEGIN)) return last_error("read", name);
    std::string content;
    while (content.size() < length) {
        char buffer[64 * 1024];
        DWORD count = 0;
        const auto wanted = static_cast<DWORD>(std::min(sizeof buffer, length - content.size()));
        if (!ReadFile(file, buffer, wanted, &count, nullptr)) return last_error("read", name);
        if (count == 0) break;
        content.append(buffer, count);
    }
    return content;
}

Result<void> write_all(HANDLE file, std::string_view content, std::string_view name) {
    while (!content.empty()) {
        const auto chunk = static_cast<DWORD>(std::min(content.size(), std::size_t{1} << 20));
        DWORD count = 0;
        if (!WriteFile(file, content.data(), chunk, &count, nullptr)) return last_error("write", name);
        content.remove_prefix(count);
    }
    return {};
}

std::wstring parent_of(const std::wstring& native) {
    auto parent = native.substr(0, native.find_last_of(L'\\'));
    if (parent.ends_with(L':')) parent += L'\\';  // "C:" alone is no directory
    return parent;
}

Result<void> create_directories(const std::wstring& native, SECURITY_ATTRIBUTES* security) {
    const auto exists = [&] {
        const auto attributes = GetFileAttributesW(native.c_str());
        return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    };
    if (exists()) return {};
    const auto parent = parent_of(native);
    if (parent.size() < native.size()) {
        if (const auto created = create_directories(parent, security); !created) return created;
    }
    if (!CreateDirectoryW(native.c_str(), security)) {
        const auto code = GetLastError();
        if (!exists()) return windows_error(code, "create directory", display(native));
    }
    return {};
}

std::wstring temporary_name_beside(const std::wstring& target) {
    static std::atomic<unsigned> counter{0};
    return target + L'.' + std::to_wstring(GetCurrentProcessId()) + L'-' + std::to_wstring(++counter) + L".tmp";
}

bool is_temporary_of(std::wstring_view name, std::wstring_view target_name) {
    constexpr std::wstring_view ending = L".tmp";
    if (!name.starts_with(target_name) || !name.ends_with(ending)) return false;
    name.remove_prefix(target_name.size());
    name.remove_suffix(std::min(ending.size(), name.size()));
    const auto dash = name.find(L'-');
    return name.starts_with(L'.') && dash != name.npos && dash > 1 && dash + 1 < name.size() &&
           name.find_first_not_of(L"0123456789-", 1) == name.npos && name.find(L'-', dash + 1) == name.npos;
}

Result<std::wstring> write_temporary_beside(const std::wstring& target, std::string_view content) {
    const auto temporary = temporary_name_beside(target);
    const auto name = display(temporary);
    // FILE_SHARE_DELETE: a scanner that opens the new file at once would otherwise keep us from renaming it.
    KernelHandle file(CreateFileW(temporary.c_str(), GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                                  CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr));
    if (!file) return last_error("create", name);
    auto written = write_all(file.get(), content, name);
    if (written && !FlushFileBuffers(file.get())) written = last_error("flush", name);
    file.reset();
    if (!written) {
        DeleteFileW(temporary.c_str());
        return written.error();
    }
    return temporary;
}

}  // namespace machine::windows
