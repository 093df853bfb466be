#pragma once

#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// Converts UTF-8 to UTF-16; ErrorKind::invalid where the text is not UTF-8.
Result<std::wstring> to_wide(std::string_view text);

/// Does the same for a name that the API takes as a C string. ErrorKind::invalid also for a NUL inside, which would cut
/// the name short.
Result<std::wstring> to_wide_name(std::string_view name);

/// Converts UTF-16 to UTF-8 for a person; an unpaired surrogate becomes U+FFFD.
std::string to_utf8(std::wstring_view text);

/// Converts UTF-16 to UTF-8 that converts back to the same UTF-16; ErrorKind::invalid on an unpaired surrogate.
Result<std::string> to_utf8_exact(std::wstring_view text);

}  // namespace machine::windows
