#pragma once

#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// UTF-16 of a UTF-8 text; ErrorKind::invalid where it is not UTF-8.
Result<std::wstring> to_wide(std::string_view text);

/// The same for a name that is handed to the API as a C string: a NUL inside, which would cut it
/// short there, is ErrorKind::invalid too.
Result<std::wstring> to_wide_name(std::string_view name);

/// UTF-8 for a person; an unpaired surrogate becomes U+FFFD.
std::string to_utf8(std::wstring_view text);

/// UTF-8 that turns back into the same UTF-16; ErrorKind::invalid on an unpaired surrogate.
Result<std::string> to_utf8_exact(std::wstring_view text);

}  // namespace machine::windows
