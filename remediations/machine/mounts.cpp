#include "remediations/machine/mounts.hpp"

#include <array>

namespace machine {

std::string opposite_option(const std::string& option) {
    if (option == "ro") return "rw";
    if (option == "rw") return "ro";
    for (const std::string allowed : {"exec", "suid", "dev"}) {
        if (option == allowed) return "no" + allowed;
        if (option == "no" + allowed) return allowed;
    }
    return {};
}

}  // namespace machine
