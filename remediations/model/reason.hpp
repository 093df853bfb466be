#pragma once

#include <cstdint>
#include <string>

namespace remediations {

/// Why something failed, as the software said it: one code or name out of a line of a log or an event. What it means
/// is in knowledge/reasons.
struct Reason {
    enum class Kind {
        errno_value,     ///< of Linux; negative: an error of getaddrinfo(), such as -2, EAI_NONAME
        win32,           ///< also what an HRESULT of the form 0x8007xxxx wraps
        hresult,         ///< as an unsigned number, 0x80042306
        ntstatus,        ///< as an unsigned number, also the exception a process ended with, 0xC0000005
        http,            ///< a status of 400 or more, or 0 where only the service's own code is named
        exit_code,       ///< of a process; of systemd's own as well, 203 for EXEC
        signal,          ///< that ended a process
        sql,             ///< number of a message of SQL Server
        python,          ///< class of an exception, with its modules as the line has them
        dotnet,          ///< the same of .NET
        openssl,         ///< reason of an error of OpenSSL; the number is its packed code where the line has it
        extension_code,  ///< result of the Linux backup extension, and what it calls the host's answers (555 to 558)
        agent_code,      ///< the guest agent's, for an extension: 1009
        job_code,        ///< of a backup job: a number, or a name such as UserErrorGuestAgentStatusUnavailable
    };

    Kind kind = Kind::errno_value;
    std::int64_t number = 0;
    std::string name;  ///< "ENOSPC", "VSS_E_PROVIDER_VETO", "KeyError", "InvalidContainerConfiguration"; may be empty
    std::string text;  ///< the words behind it in the line, where there are some

    friend bool operator==(const Reason&, const Reason&) = default;
};

}  // namespace remediations
