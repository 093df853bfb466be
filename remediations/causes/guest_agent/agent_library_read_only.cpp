#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/machine/mounts.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_library_read_only {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto library = agent_library_folder(machine);
    const auto mounts = machine.mounts().list();
    if (!mounts) return Finding::unknown("the mount table", mounts.error());
    std::vector<Evidence> evidence;
    std::vector<Evidence> faults;
    for (const auto& folder : {library, machine::Path("/var/log")}) {
        const auto* mount = mount_holding(*mounts, folder);
        if (!mount) continue;
        const bool read_only = std::ranges::find(mount->options, "ro") != mount->options.end();
        (read_only ? faults : evidence)
            .push_back({"mount " + mount->target,
                        fmt::format("{} ({}), {}", mount->source, mount->type, read_only ? "ro" : "rw"),
                        fmt::format("rw, because the agent writes to {}", folder)});
    }
    if (faults.empty()) {
        return Finding::healthy("What the agent writes to is not mounted read-only.", std::move(evidence));
    }
    const auto target = faults.front().where.substr(std::string_view("mount ").size());
    return Finding::needs_operator(
        fmt::format("{} is mounted read-only, so the agent can store nothing.", target), std::move(faults),
        fmt::format("Find out why with dmesg: the kernel does so after errors of the disk or of the file system. "
                    "Check and repair the file system (fsck or xfs_repair, from a rescue VM where it is the system "
                    "disk), then: mount -o remount,rw {}",
                    target));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-library-read-only",
        .title = "A file system that the guest agent writes to is read-only",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "UserErrorGuestAgentStatusUnavailable",
                        "UserErrorFsFreezeFailed"},
        .explanation =
            "The kernel makes a file system read-only after errors of its disk or of its structures "
            "(errors=remount-ro). The agent then stores no goal state and writes no log, and the extension fails. "
            "Making it writable again without a check could lose data.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/linux/linux-azure-guest-agent",
        .signals = {proof(Log::agent, "Read-only file system: '"), proof(Log::extension, "Read-only file system: '"),
                    proof(Log::commands, "Read-only file system: '")},
        .consequences = {"agent-hung", "agent-crash-looping", "agent-not-running", "agent-restart-policy",
                         "agent-status-not-reported", "transport-certificate-missing", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_library_read_only
