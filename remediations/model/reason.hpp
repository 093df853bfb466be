#pragma once

#include <cstdint>
#include <string>

namespace remediations {

/// One code or name out of a log line or an event: the reason of a failure in the software's own terms.
/// knowledge/reasons says what it means.
struct Reason {
    enum class Kind {
        errno_value,     ///< of Linux; negative: an error of getaddrinfo(), such as -2, EAI_NONAME
        win32,           ///< also the code inside an HRESULT of the form 0x8007xxxx
        hresult,         ///< as an unsigned number, 0x80042306
        ntstatus,        ///< as an unsigned number, also the exception a process ended with, 0xC0000005
        http,            ///< a status of 400 or more, or 0 where only the service's own code is known
        exit_code,       ///< of a process; also systemd's own, 203 for EXEC
        signal,          ///< the signal that ended a process
        sql,             ///< number of a message of SQL Server
        python,          ///< the class of an exception, with its modules as in the line
        dotnet,          ///< the class of a .NET exception
        openssl,         ///< the reason of an OpenSSL error; the number is its packed code where the line has one
        extension_code,  ///< a result of the Linux backup extension; also its codes for the host's answers (555 to 558)
        agent_code,      ///< the guest agent's code for an extension: 1009
        job_code,        ///< of a backup job: a number, or a name such as UserErrorGuestAgentStatusUnavailable
    };

    Kind kind = Kind::errno_value;
    std::int64_t number = 0;
    std::string name;  ///< "ENOSPC", "VSS_E_PROVIDER_VETO", "KeyError", "InvalidContainerConfiguration"; may be empty
    std::string text;  ///< the words after the code in the line; may be empty

    friend bool operator==(const Reason&, const Reason&) = default;
};

}  // namespace remediations
