#pragma once

#include "remediations/machine/files.hpp"

namespace machine::windows {

/// Files::version of a file that is no link.
Result<FileVersion> version_of(const std::wstring& native);

}  // namespace machine::windows
