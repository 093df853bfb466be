#pragma once

#include "remediations/machine/files.hpp"

namespace machine::windows {

/// Implements Files::version for a file that is not a link.
Result<FileVersion> version_of(const std::wstring& native);

}  // namespace machine::windows
