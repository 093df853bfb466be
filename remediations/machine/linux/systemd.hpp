#pragma once

#include <filesystem>
#include <initializer_list>

namespace machine::local {

/// Whether systemd is this computer's init now (sd_booted(3)), not merely installed.
bool systemd_runs();

/// The first of these that exists, or an empty path.
std::filesystem::path first_existing(std::initializer_list<const char*> candidates);

}  // namespace machine::local
