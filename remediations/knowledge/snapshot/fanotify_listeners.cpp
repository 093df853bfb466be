#include "remediations/knowledge/snapshot/fanotify_listeners.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "remediations/machine/process_list.hpp"

namespace remediations {

std::vector<std::string> fanotify_listeners(const machine::Machine& machine) {
    // By the names of their executables: RHEL's allow-listing daemon, ClamAV on access, Defender for Endpoint, Trend
    // Micro, Symantec, McAfee/Trellix, Sophos, ESET, Kaspersky, F-Secure.
    constexpr std::string_view known[] = {"fapolicyd",      "clamonacc", "wdavdaemon",      "ds_am",      "rtvscand",
                                          "mfetpd",         "mfeespd",   "sophos-fanotify", "oaeventd",   "savd",
                                          "on_access_scan", "kesl",      "fsavd",           "sav-protect"};
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    std::vector<std::string> found;
    if (!processes) return found;
    for (const auto& process : *processes) {
        if (std::ranges::find(known, std::string_view(process.name)) == std::end(known)) continue;
        found.push_back(fmt::format("{} (pid {})", process.name, process.pid));
        if (found.size() == 5) break;
    }
    return found;
}

}  // namespace remediations
