#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

/// Returns the path with the prefix "\\?\": it has no limit of 260 characters, and no name has a special meaning.
/// Resolves "." and "..". ErrorKind::invalid where the path is not absolute.
Result<std::wstring> native_path(std::string_view path);

/// Returns a native path as a person writes it, for messages.
std::string display(std::wstring_view native);

/// Opens an existing file or directory. ErrorKind::refused where the last component is a symbolic link or junction,
/// unless `may_be_link` is set: then the link itself is opened.
Result<KernelHandle> open_existing(const std::wstring& native, DWORD access, bool may_be_link = false);

/// Returns true if this open file is a symbolic link or junction. Other reparse points (such as deduplicated or
/// compressed files) are ordinary files here.
bool is_link(HANDLE file);

/// Reads from the current position to the end; ErrorKind::too_large above `limit` bytes. `name` is for messages.
Result<std::string> read_all(HANDLE file, std::size_t limit, std::string_view name);

/// Returns at most `length` bytes from `offset`; fewer at the end of the file.
Result<std::string> read_part(HANDLE file, std::uint64_t offset, std::size_t length, std::string_view name);

Result<void> write_all(HANDLE file, std::string_view content, std::string_view name);

/// Creates a directory and its missing parents with these security attributes (null: inherited).
Result<void> create_directories(const std::wstring& native, SECURITY_ATTRIBUTES* security);

std::wstring parent_of(const std::wstring& native);

/// temporary_name_beside() returns an unused name beside `target`, for a file that is renamed once it is complete;
/// is_temporary_of() returns true for such a name.
std::wstring temporary_name_beside(const std::wstring& target);
bool is_temporary_of(std::wstring_view name, std::wstring_view target_name);

/// Writes a new file beside `target`, flushes it to disk and returns its path.
Result<std::wstring> write_temporary_beside(const std::wstring& target, std::string_view content);

/// Repeats `action` (which returns like a Win32 function) for a second while another program, such as a virus scanner,
/// keeps the file open. Returns the last error, or ERROR_SUCCESS.
template <class Action>
DWORD retry_while_in_use(Action action) {
    for (int attempt = 0;; ++attempt) {
        if (action()) return ERROR_SUCCESS;
        const auto code = GetLastError();
        const bool in_use =
            code == ERROR_SHARING_VIOLATION || code == ERROR_ACCESS_DENIED || code == ERROR_LOCK_VIOLATION;
        if (!in_use || attempt == 20) return code;
        Sleep(50);
    }
}

}  // namespace machine::windows
