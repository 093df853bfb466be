#pragma once

#include <chrono>
#include <string>

namespace machine::local {

/// Identifies this computer and its current boot.
struct Computer {
    std::string id;    ///< SMBIOS UUID; in Azure that of the VM: a restored or cloned VM has another; empty: not known
    std::string boot;  ///< changes with each boot; empty where the system has none (Windows)
    std::chrono::seconds uptime{0};

    friend bool operator==(const Computer&, const Computer&) = default;
};

/// Returns in well below a millisecond; starts no subprocess.
Computer this_computer();

}  // namespace machine::local
