#pragma once

#include <cerrno>
#include <string>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// Returns the error of a failed system call. `what` says what failed: "cannot open /etc/fstab".
Error system_error(const std::string& what, int code = errno);

}  // namespace machine::local
