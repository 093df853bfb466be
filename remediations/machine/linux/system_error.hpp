#pragma once

#include <cerrno>
#include <string>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// The error of a failed system call. `what` says what was tried: "cannot open /etc/fstab".
Error system_error(const std::string& what, int code = errno);

}  // namespace machine::local
