#include "remediations/machine/processes.hpp"

#include <fmt/format.h>

namespace machine {

Result<std::vector<Path>> Processes::modules(std::uint32_t pid) const {
    return Error::unsupported(fmt::format("cannot list the libraries of process {} on this system", pid));
}

Result<void> Processes::end(std::uint32_t pid, std::chrono::system_clock::time_point) {
    return Error::unsupported(fmt::format("cannot end process {} on this system", pid));
}

}  // namespace machine
