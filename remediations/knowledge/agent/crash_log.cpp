#include "remediations/knowledge/agent/crash_log.hpp"
#include "remediations/machine/mounts.hpp"

#include <fmt/format.h>

namespace remediations {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

/// Returns the space of the log's file system; nullopt where that is not known.
std::optional<machine::Space> space_of_log(const machine::Machine& machine) {
    if (const auto space = machine.files().space("/var/log")) return *space;
    const auto mounts = machine.mounts().list();
    const auto* mount = mounts ? mount_holding(*mounts, "/var/log") : nullptr;
    const auto space = machine.files().space(mount ? mount->target : "/");
    return space ? std::optional(*space) : std::nullopt;
}

}  // namespace

std::optional<FillingCrash> crash_that_fills_the_log(const machine::Machine& machine) {
    constexpr auto log = "/var/log/waagent.log";
    /// The log of an agent has some MiB; a crash adds less than one KiB.
    constexpr std::uint64_t far_too_large = 512 * mebibyte;
    constexpr std::uint64_t many_crashes = 50;
    constexpr std::uint64_t full = 10 * mebibyte;
    const auto* crash = machine.derived<LogEvidence>().find_current(Log::agent, crash_log_line);
    if (!crash || crash->count < many_crashes) return std::nullopt;
    const auto& text = crash->newest.text;
    if (text.find("Errno 28") != std::string::npos || text.find("No space left") != std::string::npos) {
        return std::nullopt;
    }
    const auto space = space_of_log(machine);
    const auto status = machine.files().status(log);
    const bool is_full = space && space->free_bytes < full;
    const bool is_large = status && status->size >= far_too_large;
    if (!is_full && !is_large) return std::nullopt;
    return FillingCrash{{log,
                         is_large ? fmt::format("{} MiB, {} crashes", status->size / mebibyte, crash->count)
                                  : fmt::format("{} crashes, and no room left where it lies", crash->count),
                         "some MiB, no crash"},
                        crash->newest.evidence("no such line")};
}

}  // namespace remediations
