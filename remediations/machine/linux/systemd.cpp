#include "remediations/machine/linux/systemd.hpp"

#include <system_error>

namespace machine::local {

bool systemd_runs() {
    std::error_code ignored;
    return std::filesystem::is_directory("/run/systemd/system", ignored);
}

std::filesystem::path first_existing(std::initializer_list<const char*> candidates) {
    for (const char* candidate : candidates) {
        std::error_code ignored;
        if (std::filesystem::exists(candidate, ignored)) {
            return candidate;
        }
    }
    return {};
}

}  // namespace machine::local
