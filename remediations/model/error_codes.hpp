#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace remediations {

/// Who reports a code, and so where a person meets it.
enum class CodeOrigin {
    backup_job,       ///< error code of a backup job in the vault
    restore_job,      ///< of a restore; no reason why a backup fails
    restore_point,    ///< of a restore point in the compute API; backup jobs quote it
    linux_extension,  ///< result code that VMSnapshotLinux writes into its status file
    guest_agent,      ///< handler code that the Linux guest agent reports for an extension
};

std::string_view to_string(CodeOrigin origin);

/// The meaning of an error code. Remediations list the codes that they can explain themselves.
struct ErrorCode {
    CodeOrigin origin = CodeOrigin::backup_job;
    /// The first name is the current one; the rest are older spellings and names of the same code. A name that ends
    /// with * stands for a family of codes.
    std::vector<std::string_view> names;
    std::string_view meaning;
    std::vector<std::string_view> causes;  ///< likeliest first
};

/// Returns every code of this program's table, grouped by origin.
std::span<const ErrorCode> error_codes();

/// Compares without case. Returns nullptr for a code that is not in the table.
const ErrorCode* find_error_code(std::string_view name);

/// Returns the code that belongs to a message of the portal in English, such as "Could not communicate with the VM
/// agent for snapshot status"; nullptr for any other text. The text may be cut, or say more, as long as it has the part
/// by which the message differs from all others.
const ErrorCode* find_code_by_message(std::string_view text);
/// Either of them.
const ErrorCode* find_code(std::string_view name_or_message);

}  // namespace remediations
