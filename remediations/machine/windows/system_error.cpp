#include "remediations/machine/windows/system_error.hpp"

#include <fmt/format.h>

#include <string>

#include "remediations/machine/windows/text.hpp"

namespace machine::windows {

namespace {

ErrorKind kind_of(DWORD code) {
    switch (code) {
        case ERROR_FILE_NOT_FOUND:
        case ERROR_PATH_NOT_FOUND:
        case ERROR_INVALID_DRIVE:
        case ERROR_BAD_NETPATH:
        case ERROR_BAD_NET_NAME:
        case ERROR_SERVICE_DOES_NOT_EXIST:
        case ERROR_EVT_CHANNEL_NOT_FOUND:
            return ErrorKind::not_found;
        case ERROR_ACCESS_DENIED:
        case ERROR_PRIVILEGE_NOT_HELD:
            return ErrorKind::access_denied;
        case ERROR_SERVICE_REQUEST_TIMEOUT:
        case ERROR_TIMEOUT:
        case WAIT_TIMEOUT:
            return ErrorKind::timed_out;
        case ERROR_SERVICE_DISABLED:
        case ERROR_SERVICE_MARKED_FOR_DELETE:
        case ERROR_SERVICE_LOGON_FAILED:
        case ERROR_SERVICE_DEPENDENCY_FAIL:
        case ERROR_SERVICE_DEPENDENCY_DELETED:
        case ERROR_SERVICE_CANNOT_ACCEPT_CTRL:
        case ERROR_DEPENDENT_SERVICES_RUNNING:
        case ERROR_INVALID_SERVICE_CONTROL:
        case ERROR_INVALID_SERVICE_ACCOUNT:
            return ErrorKind::refused;
        case ERROR_EVT_INVALID_QUERY:
            return ErrorKind::invalid;
        case ERROR_NOT_SUPPORTED:
        case ERROR_CALL_NOT_IMPLEMENTED:
            return ErrorKind::unsupported;
        default:
            return ErrorKind::failed;
    }
}

/// Returns the text in English where Windows has it, because it becomes part of English reports; else in the system's
/// language.
std::string system_text(DWORD code) {
    constexpr DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
    wchar_t text[512];
    DWORD length =
        FormatMessageW(flags, nullptr, code, MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), text, 512, nullptr);
    if (length == 0) length = FormatMessageW(flags, nullptr, code, 0, text, 512, nullptr);
    while (length > 0 && (text[length - 1] <= L' ' || text[length - 1] == L'.')) --length;
    return length > 0 ? to_utf8({text, length}) : "unknown error";
}

}  // namespace

Error windows_error(DWORD code, std::string_view action, std::string_view object) {
    const bool is_hresult = code > 0xFFFF;
    return {kind_of(code),
            fmt::format("cannot {} {}: {} (error {})", action, object, system_text(code),
                        is_hresult ? fmt::format("{:#010x}", code) : std::to_string(code)),
            static_cast<long>(code)};
}

Error last_error(std::string_view action, std::string_view object) {
    return windows_error(GetLastError(), action, object);
}

}  // namespace machine::windows
