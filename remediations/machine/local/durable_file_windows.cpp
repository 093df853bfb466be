#include "remediations/machine/local/durable_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/windows/file_access.hpp"
#include "remediations/machine/windows/privileges.hpp"
#include "remediations/machine/windows/security.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <shlobj.h>

namespace machine::local {

using namespace machine::windows;

namespace {

/// The limit for one name. If somebody creates more of them, a person has to stop that.
constexpr unsigned most_set_aside = 100;

Result<std::wstring> native(const std::filesystem::path& path) {
    return native_path(to_utf8(path.native()));
}

/// Refuses a directory, and a link that somebody put in the file's place.
Result<void> require_file_or_nothing(const std::wstring& path) {
    const auto file = open_existing(path, FILE_READ_ATTRIBUTES);
    if (!file) return file.error().kind == ErrorKind::not_found ? Result<void>{} : file.error();
    FILE_STANDARD_INFO info{};
    if (!GetFileInformationByHandleEx(file->get(), FileStandardInfo, &info, sizeof info)) {
        return last_error("query", display(path));
    }
    if (info.Directory) return Error::invalid(display(path) + " is a directory, expected a file");
    return {};
}

/// Leaves the file pointer at the end of the file.
Result<void> cut_torn_line(HANDLE file, const std::string& name) {
    LARGE_INTEGER size{};
    if (!GetFileSizeEx(file, &size)) return last_error("query", name);
    auto end = size.QuadPart;
    for (bool torn = end > 0; torn;) {
        char piece[4096];
        const auto begin = std::max<LONGLONG>(0, end - static_cast<LONGLONG>(sizeof piece));
        const auto wanted = static_cast<DWORD>(end - begin);
        DWORD count = 0;
        if (!SetFilePointerEx(file, LARGE_INTEGER{.QuadPart = begin}, nullptr, FILE_BEGIN) ||
            !ReadFile(file, piece, wanted, &count, nullptr) || count != wanted) {
            return last_error("read", name);
        }
        const auto line_feed = std::string_view(piece, count).rfind('\n');
        torn = line_feed == std::string_view::npos && begin > 0;
        end = line_feed == std::string_view::npos ? begin : begin + static_cast<LONGLONG>(line_feed) + 1;
    }
    if (!SetFilePointerEx(file, LARGE_INTEGER{.QuadPart = end}, nullptr, FILE_BEGIN)) return last_error("read", name);
    if (end < size.QuadPart && !SetEndOfFile(file)) return last_error("cut the torn last line off", name);
    return {};
}

}  // namespace

Result<void> write_durably(const std::filesystem::path& path, std::string_view content, bool) {
    const auto target = native(path);
    if (!target) return target.error();
    if (const auto usable = require_file_or_nothing(*target); !usable) return usable;
    const auto temporary = write_temporary_beside(*target, content);
    if (!temporary) return temporary.error();
    const auto code = retry_while_in_use([&] {
        return MoveFileExW(temporary->c_str(), target->c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
    });
    if (code == ERROR_SUCCESS) return {};
    DeleteFileW(temporary->c_str());
    return windows_error(code, "replace", display(*target));
}

Result<void> write_program_durably(const std::filesystem::path& path, std::string_view content) {
    // A program that runs cannot be replaced, but renamed.
    auto aside = path;
    aside += L".old";
    std::error_code ignored;
    std::filesystem::remove(aside, ignored);
    auto written = write_durably(path, content);
    if (written) return written;
    std::error_code code;
    std::filesystem::rename(path, aside, code);
    if (code) return written;
    auto again = write_durably(path, content);
    if (!again) std::filesystem::rename(aside, path, ignored);
    return again;
}

Result<void> remove_leftovers(const std::filesystem::path& folder) {
    std::error_code code;
    for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
        const auto name = entry->path().filename();
        // name.1234-5.tmp
        if (!is_temporary_of(name.native(), name.stem().stem().native())) continue;
        if (!DeleteFileW(entry->path().c_str())) return last_error("remove", to_utf8(entry->path().native()));
    }
    return {};
}

Result<void> append_line_durably(const std::filesystem::path& path, std::string_view line) {
    const auto target = native(path);
    if (!target) return target.error();
    if (const auto usable = require_file_or_nothing(*target); !usable) return usable;
    const auto name = display(*target);
    const KernelHandle file(CreateFileW(target->c_str(), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, nullptr,
                                        OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, nullptr));
    if (!file) return last_error("open", name);
    if (const auto cut = cut_torn_line(file.get(), name); !cut) return cut;
    if (const auto written = write_all(file.get(), line, name); !written) return written;
    if (!FlushFileBuffers(file.get())) return last_error("flush", name);
    return {};
}

namespace {

Result<void> require_folder(const std::filesystem::path& folder) {
    std::error_code code;
    if (std::filesystem::is_directory(folder, code)) return {};
    return Error::not_found(to_utf8(folder.native()) + " is not a directory");
}

}  // namespace

Result<void> check_only_we_write_to(const std::filesystem::path& folder) {
    if (const auto found = require_folder(folder); !found) return found.error();
    const auto target = native(folder);
    return target ? require_private(*target) : target.error();
}

Result<PinnedFolder> PinnedFolder::open(const std::filesystem::path& folder) {
    if (const auto found = require_folder(folder); !found) return found.error();
    PinnedFolder pinned;
    pinned.path_ = folder;
    return pinned;
}

Result<bool> PinnedFolder::drop_what_is_not_ours(const std::string& name) const {
    const auto target = native(path_ / std::filesystem::path(std::u8string(name.begin(), name.end())));
    if (!target) return target.error();
    const auto attributes = GetFileAttributesW(target->c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES || !(attributes & FILE_ATTRIBUTE_REPARSE_POINT)) return false;
    if (!DeleteFileW(target->c_str())) return last_error("remove", display(*target));
    return true;
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
    const auto source = native(path);
    if (!source) return source.error();
    const auto usable = require_file_or_nothing(*source);
    if (!usable) return usable.error();
    const auto file = open_existing(*source, GENERIC_READ);
    if (!file) return file.error();
    return read_all(file->get(), limit, display(*source));
}

namespace {

/// Renames what somebody put there, whatever its access control list says. The new name lies beside it.
Result<std::filesystem::path> set_aside(const std::filesystem::path& folder, const std::wstring& target) {
    const Privileges whatever_it_allows{SE_BACKUP_NAME, SE_RESTORE_NAME};
    for (unsigned number = 1; number <= most_set_aside; ++number) {
        const auto ending = L".not-ours-" + std::to_wstring(number);
        if (MoveFileExW(target.c_str(), (target + ending).c_str(), MOVEFILE_WRITE_THROUGH)) {
            return folder.native() + ending;
        }
        if (GetLastError() != ERROR_ALREADY_EXISTS && GetLastError() != ERROR_FILE_EXISTS) break;
    }
    return last_error("rename", display(target));
}

}  // namespace

Result<std::filesystem::path> make_private_folder(const std::filesystem::path& folder) {
    const auto target = native(folder);
    if (!target) return target.error();
    const auto security = PrivateSecurity::create();
    if (!security) return security.error();
    auto attributes = security->attributes();
    if (const auto created = create_directories(*target, &attributes); !created) return created.error();
    auto is_private = require_private(*target);
    if (is_private || !is_owned_by_somebody_else(*target)) {
        return is_private ? Result<std::filesystem::path>(std::filesystem::path()) : is_private.error();
    }
    auto moved = set_aside(folder, *target);
    if (!moved) return moved;
    if (const auto created = create_directories(*target, &attributes); !created) return created.error();
    is_private = require_private(*target);
    return is_private ? moved : is_private.error();
}

std::filesystem::path state_folder() {
    constexpr auto variable = L"BACKUP_REMEDIATION_STATE";
    const auto size = GetEnvironmentVariableW(variable, nullptr, 0);
    if (size > 1 && !is_privileged()) {
        std::wstring value(size, L'\0');
        value.resize(GetEnvironmentVariableW(variable, value.data(), size));
        return value;
    }
    wchar_t* program_data = nullptr;
    const bool known = SUCCEEDED(SHGetKnownFolderPath(FOLDERID_ProgramData, KF_FLAG_DEFAULT, nullptr, &program_data));
    std::filesystem::path parent = known ? program_data : L"C:\\ProgramData";
    CoTaskMemFree(program_data);
    return parent / L"BackupRemediation";
}

}  // namespace machine::local
