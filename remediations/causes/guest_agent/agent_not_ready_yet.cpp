#include <fmt/format.h>

#include <algorithm>

#include "remediations/formats/duration_text.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_not_ready_yet {

Remediation remediation();

namespace {

/// The longest time of a first boot of Windows with provisioning until the agent reports.
constexpr auto long_enough = std::chrono::minutes(30);

/// Returns the time of the boot: the start of the oldest process; nullopt where no process has a start.
std::optional<std::chrono::system_clock::time_point> boot_of(const std::vector<machine::Process>& processes) {
    std::optional<std::chrono::system_clock::time_point> boot;
    for (const auto& process : processes) {
        const bool has_start = process.started != std::chrono::system_clock::time_point{};
        if (has_start && (!boot || process.started < *boot)) boot = process.started;
    }
    return boot;
}

Finding diagnose(const machine::Machine& machine, const Question& question) {
    if (!explains(remediation(), question.error_code) && !question.named) {
        return Finding::not_applicable("No error code was given that tells of an agent that did not answer.");
    }
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto boot = boot_of(*processes);
    if (!boot) return Finding::not_applicable("No process tells when this VM booted.");
    const auto age = machine.facts().now - *boot;
    const Evidence evidence{"the oldest process", fmt::format("runs for {}", duration_text(age)),
                            fmt::format("longer than {}", duration_text(long_enough))};
    if (age >= long_enough) return Finding::healthy("The VM booted long before it was looked at.", {evidence});
    return Finding::needs_operator(
               fmt::format("The VM booted {} ago; until then the guest agent could not answer.", duration_text(age)),
               {evidence},
               "Back up again in half an hour. Where a template creates a VM and its backup together, let it "
               "wait, or repeat, until the agent reports Ready.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-not-ready-yet",
        .title = "The VM has just booted, and the guest agent could not answer before",
        .layer = Layer::guest_agent,
        .scope = Scope::both,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "VMAgentStatusCommunicationError",
                        "UserErrorVmNotInDesirableState"},
        .explanation =
            "The agent reports for the first time some minutes after a boot, after a first one with provisioning up to "
            "half an hour. A backup that is enabled or started in between fails and needs only to be repeated. It is "
            "looked at only where the error code tells that the agent did not answer.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::agent_not_ready_yet
