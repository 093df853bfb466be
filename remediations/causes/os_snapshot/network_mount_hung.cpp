#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::network_mount_hung {

namespace {

constexpr auto local_only = "onlyLocalFilesystems";

constexpr auto nfs_silent = "not responding, still trying";
constexpr auto nfs_given_up = "not responding, timed out";
constexpr auto smb_silent = "has not responded in";

/// Parts of the names of kernel functions in which a process waits for a file server, or for the process that serves a
/// FUSE file system.
constexpr std::array<std::string_view, 11> remote_waits = {
    "rpc_wait",          "rpc_execute",         "nfs",  "smb2",      "cifs",  "ceph",
    "wait_for_response", "request_wait_answer", "fuse", "p9_client", "autofs"};

/// Programs that look at every mount. The extension itself starts df.
constexpr std::array<std::string_view, 5> mount_walkers = {"df", "lsof", "updatedb", "updatedb.mlocat", "findmnt"};

struct Waiting {
    std::vector<Evidence> evidence;
    bool walks_mounts = false;
    std::chrono::system_clock::time_point since = {};  ///< start of the newest of them
};

Waiting processes_waiting_for_servers(const std::vector<machine::Process>& processes) {
    constexpr std::uint32_t kernel_thread_parent = 2;
    Waiting waiting;
    for (const auto& process : processes) {
        const bool waits = std::ranges::any_of(
            remote_waits, [&](auto part) { return process.blocked_in.find(part) != std::string::npos; });
        if (!waits || process.parent == kernel_thread_parent) continue;
        waiting.evidence.push_back({fmt::format("process {} (pid {})", process.name, process.pid),
                                    "cannot be interrupted, waits in " + process.blocked_in,
                                    "not waiting for a file server"});
        waiting.since = std::max(waiting.since, process.started);
        waiting.walks_mounts =
            waiting.walks_mounts || std::ranges::find(mount_walkers, process.name) != mount_walkers.end();
    }
    return waiting;
}

bool limits_df_to_local(const machine::Machine& machine) {
    const auto configuration = VmBackupConfiguration::read(machine);
    if (!configuration) return false;
    const auto value = configuration->text_of(local_only, "False");
    return value == "True" || value == "true";
}

Finding diagnose(const machine::Machine& machine) {
    const auto mounts = machine.mounts().list();
    if (!mounts) return Finding::unknown("the mount table", mounts.error());
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return Finding::unknown("the processes", processes.error());
    auto [evidence, walks_mounts, since] = processes_waiting_for_servers(*processes);
    std::vector<std::string> remote;
    for (const auto& mount : *mounts) {
        if (is_remote(mount.type) && mount.type != "autofs") {
            remote.push_back(fmt::format("{} ({})", mount.target, mount.type));
        }
    }
    if (remote.empty() && evidence.empty()) return Finding::not_applicable("No network file system is mounted.");
    const auto waiting = evidence.size();
    bool is_logged = false;
    for (const auto* text : {nfs_silent, nfs_given_up, smb_silent}) {
        const auto* line = machine.derived<LogEvidence>().find_current(Log::kernel, text);
        if (line == nullptr) continue;
        evidence.push_back(line->newest.evidence("the server answers"));
        is_logged = true;
    }
    // A single busy process does not show if it waits for ever.
    const bool hangs = waiting > 0 && (is_logged || walks_mounts || waiting >= 3);
    evidence.push_back({"network mounts",
                        remote.empty() ? "none (any more)" : fmt::format("{}", fmt::join(remote, ", ")),
                        "all answer (they were not touched)"});
    if (!hangs) return Finding::healthy("No process hangs in a network file system.", std::move(evidence));
    if (limits_df_to_local(machine)) {
        evidence.push_back({VmBackupConfiguration::path, std::string(local_only) + " = True", "True"});
        return Finding::healthy("A network file system hangs, but the backup does not look at it.",
                                std::move(evidence));
    }
    auto finding = Finding::broken(
        "A network file system does not answer; the backup hangs in df, with which it counts the used space.",
        std::move(evidence),
        fmt::format("Bring the file server back, or unmount it (`umount -l MOUNTPOINT`). Set {} = True in "
                    "section [SnapshotThread] of {}, so that backups do not look at network mounts.",
                    local_only, VmBackupConfiguration::path));
    const auto* last = machine.derived<LogEvidence>().newest_attempt();
    const bool began_later = last && last->ended && since > *last->ended;
    return began_later ? finding : weighed_by_last_backup(std::move(finding), machine);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return set_vmbackup_setting(changes, local_only, "True");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "network-mount-hung",
        .title = "A network file system hangs, and the backup with it",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "GuestAgentSnapshotTaskStatusErrorLin",
                        "UserErrorFsFreezeTimeout", "ExtensionSnapshotFailed", "122"},
        .disruption = Disruption::none,
        .explanation =
            "The extension runs df over all mounts to count what is used. A server of NFS, SMB or FUSE that does not "
            "answer blocks df, and everything else that touches the mount, for minutes or for ever. It is judged by "
            "processes that wait in the kernel and by the kernel's messages; the mount itself is never touched. The "
            "fix sets onlyLocalFilesystems in vmbackup.conf; network mounts are not in the snapshot anyway.",
        .source = "https://github.com/Azure/azure-linux-extensions/issues/1237",
        .signals = {{.role = Role::proof, .line = {Log::kernel, nfs_silent}, .heals_unsaid = true},
                    {.role = Role::proof, .line = {Log::kernel, nfs_given_up}, .heals_unsaid = true},
                    {.role = Role::proof, .line = {Log::kernel, smb_silent}, .heals_unsaid = true}},
        .consequences = {"extension-disk-listing", "extension-stuck-process", "freeze-failed",
                         "freeze-timeout-too-short"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::network_mount_hung
