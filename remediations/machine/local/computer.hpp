#pragma once

#include <chrono>
#include <string>

namespace machine::local {

/// Which computer this is, and for how long it has been up.
struct Computer {
    std::string id;    ///< SMBIOS UUID, in Azure that of the VM: a restored or cloned VM has another; empty: not known
    std::string boot;  ///< another one after each start; empty where the system has none (Windows)
    std::chrono::seconds uptime{0};

    friend bool operator==(const Computer&, const Computer&) = default;
};

/// In well below a millisecond, without a subprocess.
Computer this_computer();

}  // namespace machine::local
