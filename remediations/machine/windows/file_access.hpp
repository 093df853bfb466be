#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

/// The path with "\\?\" before it: no limit of 260 characters, and no name has a special meaning.
/// "." and ".." are resolved. ErrorKind::invalid unless it is absolute.
Result<std::wstring> native_path(std::string_view path);

/// A native path as a person writes it, for messages.
std::string display(std::wstring_view native);

/// Opens a file or directory that exists. A symbolic link or junction as the last component is
/// ErrorKind::refused unless `may_be_link`, which opens the link itself.
Result<KernelHandle> open_existing(const std::wstring& native, DWORD access, bool may_be_link = false);

/// Whether this open file is a symbolic link or junction. Other reparse points (deduplicated or
/// compressed files, say) are files like any other.
bool is_link(HANDLE file);

/// From the current position on; ErrorKind::too_large above `limit` bytes. `name` is for messages.
Result<std::string> read_all(HANDLE file, std::size_t limit, std::string_view name);

/// At most `length` bytes from `offset`; fewer at the end of the file.
Result<std::string> read_part(HANDLE file, std::uint64_t offset, std::size_t length, std::string_view name);

Result<void> write_all(HANDLE file, std::string_view content, std::string_view name);

/// Creates a directory and its missing parents with these security attributes (null: inherited).
Result<void> create_directories(const std::wstring& native, SECURITY_ATTRIBUTES* security);

std::wstring parent_of(const std::wstring& native);

/// A name nothing has yet beside `target`, for what is renamed once it is whole; and whether a name is such a one.
std::wstring temporary_name_beside(const std::wstring& target);
bool is_temporary_of(std::wstring_view name, std::wstring_view target_name);

/// A new file beside `target`, written and flushed to disk; answers its path.
Result<std::wstring> write_temporary_beside(const std::wstring& target, std::string_view content);

/// Repeats `action` (which answers as a Win32 function does) for a second while somebody else,
/// such as a virus scanner, holds the file open. Answers the last error, or ERROR_SUCCESS.
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
