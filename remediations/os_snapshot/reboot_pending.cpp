#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>

#include "remediations/os_snapshot/freeze_failures.hpp"
#include "remediations/remediation.hpp"

namespace remediations {

namespace {

/// Debian and Ubuntu; SUSE.
constexpr const char* marks[] = {"/run/reboot-required", "/run/reboot-needed"};

Finding diagnose(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto* mark : marks) {
        const auto status = machine.files().status(mark);
        if (status) evidence.push_back({mark, "there", "not there"});
    }
    // A kernel whose package is gone cannot load modules any more.
    const auto release = machine.files().read("/proc/sys/kernel/osrelease");
    if (release) {
        const auto modules = "/lib/modules/" + boost::algorithm::trim_copy(*release);
        const auto all = machine.files().list("/lib/modules");
        const auto own = machine.files().status(modules);
        const bool is_gone = all && !all->empty() && !own && own.error().kind == machine::ErrorKind::not_found;
        if (is_gone) evidence.push_back({modules, "not there: the running kernel was removed by an update", "there"});
    }
    if (evidence.empty()) return Finding::healthy("No restart is pending.");
    constexpr auto summary = "Updates wait for a restart of this VM.";
    const auto* failed = last_failed_backup(machine);
    if (failed == nullptr) return Finding::healthy(summary, std::move(evidence));
    return Finding::needs_operator(summary, std::move(evidence), "Restart the VM at the next occasion.").as_risk();
}

}  // namespace

extern const Remediation reboot_pending{
    .id = "reboot-pending",
    .title = "Updates wait for a restart",
    .layer = Layer::os_snapshot,
    .scope = Scope::linux,
    .error_codes = {"UserErrorGuestAgentStatusUnavailable"},
    .explanation =
        "Libraries and kernel were replaced while the old ones are still in use. That is normal for a while, but can "
        "disturb agent and extension. This program never restarts a VM.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .diagnose = diagnose,
};

}  // namespace remediations
