#pragma once

#include <windows.h>

#include <string_view>

#include "remediations/machine/result.hpp"

namespace machine::windows {

/// Returns "cannot open C:\x: Access is denied (error 5)", with the kind that fits the code. `code` is a Win32 error or
/// an HRESULT.
Error windows_error(DWORD code, std::string_view action, std::string_view object);

/// Does the same with GetLastError(). Takes views, so that nothing between the failed call and this one changes the
/// code.
Error last_error(std::string_view action, std::string_view object);

}  // namespace machine::windows
