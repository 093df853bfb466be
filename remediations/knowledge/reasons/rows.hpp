#pragma once

#include <cstdint>
#include <span>

namespace remediations {

/// A code of the tables in this folder. Pointers instead of views: there are many of them.
struct ReasonRow {
    std::int64_t number = 0;
    const char* name = "";        ///< as its source calls it
    const char* meaning = "";     ///< what it says
    const char* for_backup = "";  ///< what it usually means for a backup; empty where nothing is usual
    const char* look_at = "";     ///< what to look at or do first; empty where the kind's own advice is all there is
};

/// A code that software prints as words: the text of strerror().
struct ErrnoRow {
    std::int16_t number = 0;
    bool is_common_english = false;  ///< means the error only where a line sets it off, as in ": File exists"
    const char* name = "";
    const char* text = "";
    const char* for_backup = "";
    const char* look_at = "";
};

/// A name that stands for itself.
struct NameRow {
    const char* name = "";
    const char* meaning = "";
    const char* for_backup = "";
    const char* look_at = "";
};

// Each is sorted by its number, or by its name as bytes; a test says when one is not.

/// Linux: include/uapi/asm-generic/errno*.h, texts of glibc; the same on x86 and arm64. Errors of getaddrinfo() are
/// negative, as Python prints them.
std::span<const ErrnoRow> errno_rows();
/// Those whose text, or another spelling of it (older glibc, musl, the kernel, Go), begins with this small letter; of
/// two with the same beginning the longer first. Of a spelling only number, text and is_common_english.
std::span<const ErrnoRow* const> errno_texts(char letter);
/// winerror.h and winsock2.h.
std::span<const ReasonRow> win32_rows();
/// Names that an HRESULT has of its own, of those that wrap a Win32 error: E_ACCESSDENIED is 5. By number and name
/// only; not sorted.
std::span<const ReasonRow> win32_other_names();
/// winerror.h, vsserror.h, txdtc.h, comadmin.h; without those that wrap a Win32 error.
std::span<const ReasonRow> hresult_rows();
/// ntstatus.h, and codes of exceptions that end a process.
std::span<const ReasonRow> nt_status_rows();
/// RFC 9110, and what the Azure host, storage and the wire server answer.
std::span<const ReasonRow> http_rows();
/// Shells, and systemd.exec(5).
std::span<const ReasonRow> exit_code_rows();
/// signal(7).
std::span<const ReasonRow> signal_rows();
/// Messages of SQL Server.
std::span<const ReasonRow> sql_rows();
/// What an answer of the Azure host, storage or another Azure service calls its error.
std::span<const NameRow> service_code_rows();
/// Exceptions of Python and of the Linux guest agent, without their modules.
std::span<const NameRow> python_rows();
/// Exceptions of .NET, without their namespaces.
std::span<const NameRow> dotnet_rows();
/// Reasons of errors of OpenSSL, in its words and as Python's ssl module calls them.
std::span<const NameRow> openssl_rows();
/// What is worth knowing of a result of the Linux backup extension beyond error_codes.cpp.
std::span<const ReasonRow> extension_rows();
/// The same for the guest agent's codes.
std::span<const ReasonRow> agent_rows();

}  // namespace remediations
