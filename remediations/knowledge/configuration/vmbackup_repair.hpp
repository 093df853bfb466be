#pragma once

#include <optional>
#include <string>

namespace remediations {

/// Repairs the content of a vmbackup.conf that the extension cannot read: converts it to plain text with LF, adds a
/// missing section header, corrects the case of one, keeps the last of an option that appears twice, and makes a
/// comment of a line that is not an option. Neither invents nor loses a setting. Returns nullopt where that would be a
/// guess, and for a file of more than 1000 lines.
std::optional<std::string> repaired_vmbackup_configuration(const std::string& bytes);

}  // namespace remediations
