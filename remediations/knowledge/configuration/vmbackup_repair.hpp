#pragma once

#include <optional>
#include <string>

namespace remediations {

/// The content of a vmbackup.conf that the extension cannot read, made readable: plain text with LF;
/// a missing section header added, one in another case corrected; of an option that appears twice the
/// last one kept; what is no option made a comment. No setting is invented or lost. nullopt where that
/// would be a guess, and for a file of more than 1000 lines.
std::optional<std::string> repaired_vmbackup_configuration(const std::string& bytes);

}  // namespace remediations
