#pragma once

#include <cstdint>
#include <span>

namespace remediations {

/// A code of the tables in this folder. It holds pointers instead of views, because there are many rows.
struct ReasonRow {
    std::int64_t number = 0;
    const char* name = "";        ///< its name in its source
    const char* meaning = "";     ///< its meaning
    const char* for_backup = "";  ///< its usual meaning for a backup; empty where there is none
    const char* look_at = "";  ///< what to look at, or to do, first; empty where only the general advice for its kind
                               ///< applies
};

/// A code that software prints as words: those of strerror().
struct ErrnoRow {
    std::int16_t number = 0;
    bool is_common_english = false;  ///< ordinary words that mean the error only where they are set off, as in ": File
                                     ///< exists"
    const char* name = "";
    const char* text = "";
    const char* for_backup = "";
    const char* look_at = "";
};

/// A name that is a code itself.
struct NameRow {
    const char* name = "";
    const char* meaning = "";
    const char* for_backup = "";
    const char* look_at = "";
};

// Each table is sorted by number, or by name (bytes); a test fails where one is not.

/// Linux: include/uapi/asm-generic/errno*.h, texts of glibc; the same on x86 and arm64. Errors of getaddrinfo() are
/// negative, as Python prints them.
std::span<const ErrnoRow> errno_rows();
/// Returns the rows whose text, or another spelling of it (older glibc, musl, the kernel, Go), begins with this
/// lower-case letter. Of two with the same beginning the longer comes first. A row for another spelling has only
/// number, text and is_common_english.
std::span<const ErrnoRow* const> errno_texts(char letter);
/// winerror.h and winsock2.h.
std::span<const ReasonRow> win32_rows();
/// Names of HRESULTs that wrap a Win32 error, but have a name of their own: E_ACCESSDENIED is 5. Only number and name
/// are set; not sorted.
std::span<const ReasonRow> win32_other_names();
/// winerror.h, vsserror.h, txdtc.h, comadmin.h; without HRESULTs that wrap a Win32 error.
std::span<const ReasonRow> hresult_rows();
/// ntstatus.h, and exception codes that end a process.
std::span<const ReasonRow> nt_status_rows();
/// RFC 9110, and the answers of the Azure host, storage and the wire server.
std::span<const ReasonRow> http_rows();
/// Shells, and systemd.exec(5).
std::span<const ReasonRow> exit_code_rows();
/// signal(7).
std::span<const ReasonRow> signal_rows();
/// Messages of SQL Server.
std::span<const ReasonRow> sql_rows();
/// Names of errors in answers of the Azure host, storage and other Azure services.
std::span<const NameRow> service_code_rows();
/// Exceptions of Python and of the Linux guest agent, without their modules.
std::span<const NameRow> python_rows();
/// Exceptions of .NET, without their namespaces.
std::span<const NameRow> dotnet_rows();
/// Reasons of OpenSSL errors, in OpenSSL's words and by the names of Python's ssl module.
std::span<const NameRow> openssl_rows();
/// Results of the Linux backup extension, with what error_codes.cpp does not say.
std::span<const ReasonRow> extension_rows();
/// The same for the codes of the guest agent.
std::span<const ReasonRow> agent_rows();

}  // namespace remediations
