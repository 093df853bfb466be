#pragma once

#include <string_view>

#include "remediations/machine/result.hpp"

namespace remediations {

/// Returns the content of one regular file in a tar archive (POSIX ustar, also as GNU tar writes it) that is in memory;
/// it lies in `archive`. `name` is without the "./" that an archive may have before it. Finds no name of more than 100
/// bytes that GNU tar wrote, and checks no checksums: it is for what a program has just written.
/// ErrorKind::not_found where there is none, ErrorKind::invalid names the offset of what is no tar archive.
machine::Result<std::string_view> file_in_tar(std::string_view archive, std::string_view name);

}  // namespace remediations
