#pragma once

#include <filesystem>
#include <initializer_list>

namespace machine::local {

/// Returns true if systemd is this computer's init now (sd_booted(3)), not merely installed.
bool systemd_runs();

/// Returns the first candidate that exists, or an empty path.
std::filesystem::path first_existing(std::initializer_list<const char*> candidates);

}  // namespace machine::local
