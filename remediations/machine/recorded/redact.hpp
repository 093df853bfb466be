#pragma once

#include <string>
#include <string_view>

namespace machine::recorded {

/// The text without secrets: protectedSettings, signatures of SAS URLs, account keys, passwords and
/// PEM private keys are replaced by "REDACTED". What surrounds them stays.
std::string redact(std::string_view text);

/// Whether a file is a secret as a whole (private keys, by its name).
bool is_secret_file(std::string_view path);

}  // namespace machine::recorded
