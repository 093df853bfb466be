#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/machine/mounts.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_library_noexec {

namespace {

constexpr auto exit_line = "Non-zero exit code: 126";

Finding diagnose(const machine::Machine& machine) {
    const auto library = agent_library_folder(machine);
    const auto mounts = machine.mounts().list();
    if (!mounts) return Finding::unknown("the mount table", mounts.error());
    const auto* mount = mount_holding(*mounts, library);
    if (!mount) return Finding::not_applicable("The mount table has no mount above the agent's library folder.");
    const bool noexec = std::ranges::find(mount->options, "noexec") != mount->options.end();
    std::vector<Evidence> evidence{{"mount " + mount->target,
                                    fmt::format("{} on {}{}", mount->source, mount->type, noexec ? ", noexec" : ""),
                                    fmt::format("exec, because {} lies there", library)}};
    if (!noexec) return Finding::healthy("Programs may be run from the agent's library folder.", std::move(evidence));
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, exit_line)) {
        evidence.push_back(line->newest.evidence("exit code 0"));
    }
    auto finding = Finding::broken(
        fmt::format("{} is mounted noexec, so no extension in {} can be run.", mount->target, library),
        std::move(evidence),
        fmt::format("Run: mount -o remount,exec {0} and take noexec from the options of {0} in /etc/fstab (or its "
                    "systemd mount unit); otherwise the next boot brings it back. Or give {1} a file system of its "
                    "own without noexec.",
                    mount->target, library));
    finding.subjects = {mount->target};
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    return changes.remount(finding.subjects.front(), "exec");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-library-noexec",
        .title = "Extensions lie on a file system that forbids running programs",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "GuestAgentPluginInstallCommandProcessingFailed",
                        "VMExtensionProvisioningError"},
        .disruption = Disruption::workload,
        .explanation =
            "Hardening guides mount /var with noexec. The agent itself still runs, because Python reads it, but every "
            "command of an extension ends with exit code 126. The fix mounts it again with exec, until the next boot: "
            "/etc/fstab is left to whoever hardened the machine.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/1388",
        .signals = {judged(Log::agent, exit_line), proof(Log::agent, "The noexec flag is set on "),
                    proof(Log::agent, "is mounted with the noexec flag")},
        .consequences = {"backup-extension-state", "agent-library-folder", "agent-status-not-reported"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_library_noexec
