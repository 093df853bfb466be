#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_disk_listing {

using machine::Machine;
using machine::Process;

namespace {

/// The extension waits at most five minutes for df; lsblk and mount answer in seconds.
constexpr auto hangs_after = std::chrono::minutes(10);

constexpr const char* failed_lines[] = {
    "Failed to retrieve mount points, Exception",
    "Exception in lsblk command, error",
    "Exception in mount command, error",
};
constexpr auto listing_line = "getting the blk info from";
constexpr auto freeze_line = "T:S freeze, timeout value ";
/// The extension's line for an lsblk from before 2011, which does not know -P.
constexpr auto old_lsblk_line = "get_device_items_from_lsblk_list : getting the blk info";

bool lists_disks(const Process& process) {
    return process.name == "lsblk" || process.name == "df" || process.name == "mount" || process.name == "lsscsi";
}

bool is_of_the_extension(const Process& process) {
    return std::ranges::any_of(process.command_line, [](const std::string& word) {
        return word.ends_with("main/handle.py") || word.find("VMSnapshotLinux-") != std::string::npos;
    });
}

/// Returns the tools of a running backup that hang.
std::vector<Process> hanging_tools(const std::vector<Process>& processes, std::chrono::system_clock::time_point now) {
    std::map<std::uint32_t, const Process*> by_id;
    for (const auto& process : processes) by_id[process.pid] = &process;
    const auto started_by_extension = [&](const Process& process) {
        // sudo and su may stand between the two.
        const auto* ancestor = &process;
        for (int generation = 0; generation < 4; ++generation) {
            const auto parent = by_id.find(ancestor->parent);
            if (parent == by_id.end()) return false;
            ancestor = parent->second;
            if (is_of_the_extension(*ancestor)) return true;
        }
        return false;
    };
    std::vector<Process> hanging;
    for (const auto& process : processes) {
        const bool has_start = process.started != std::chrono::system_clock::time_point{};
        if (!lists_disks(process) || !has_start || now - process.started < hangs_after) continue;
        if (started_by_extension(process)) hanging.push_back(process);
    }
    return hanging;
}

/// Lines that a run writes after it has its list.
constexpr const char* behind_listing[] = {"FreezeSnapshotter : ", "snapshotMethodConfigValue : ", "Calling do snapshot",
                                          freeze_line, "start calling the presnapshot"};

/// Returns true if the log stopped long ago at the place where the extension asks for the list of disks.
bool broke_off_while_listing(const LogEvidence& logs, const LogMatch* listing,
                             std::chrono::system_clock::time_point now) {
    const auto* attempt = logs.newest_attempt();
    if (!attempt || !listing || attempt->succeeded || attempt->last_step != 0) return false;
    for (const auto* text : behind_listing) {
        const auto* later = logs.find(Log::extension, text);
        if (!later || later->newest.file != listing->newest.file) continue;
        if (later->newest.number > listing->newest.number) return false;
    }
    const auto last = logs.newest_line(Log::extension);
    return last && listing->newest.time && *last - *listing->newest.time < std::chrono::seconds(5) &&
           now - *last > std::chrono::hours(3);
}

Finding diagnose(const Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto now = machine.facts().now;
    const auto& logs = machine.derived<LogEvidence>();
    std::vector<Evidence> evidence;
    for (const auto& tool : hanging_tools(*processes, now)) {
        const auto age = std::chrono::duration_cast<std::chrono::minutes>(now - tool.started);
        evidence.push_back({fmt::format("process {} ({})", tool.pid, fmt::join(tool.command_line, " ")),
                            fmt::format("runs for {} minutes{}", age.count(),
                                        tool.blocked_in.empty() ? std::string() : ", blocked in " + tool.blocked_in),
                            "an answer within seconds"});
    }
    if (!evidence.empty()) {
        return Finding::needs_operator(
            "A tool with which the backup extension lists disks and mounts does not return.", std::move(evidence),
            "Find the disk or network file system that does not answer (findmnt; a dead NFS or CIFS server is the "
            "usual one) and repair or unmount it (umount -l <mount point>). To keep df away from network file systems, "
            "set onlyLocalFilesystems = True in section [SnapshotThread] of /etc/azure/vmbackup.conf. Where lsblk "
            "hangs for root alone, name another user: section [lsblkUser], username = <user>.");
    }
    const auto* attempt = logs.newest_attempt();
    const bool last_one_failed = attempt && !attempt->succeeded.value_or(false);
    if (last_one_failed) {
        for (const auto* text : failed_lines) {
            if (const auto* line = logs.find_current(Log::extension, text)) {
                evidence.push_back(line->newest.evidence("no such line"));
            }
        }
        const auto* listing = logs.find_current(Log::extension, listing_line);
        if (broke_off_while_listing(logs, listing, now)) {
            evidence.push_back(listing->newest.evidence("a line that follows it"));
        }
    }
    if (evidence.empty()) return Finding::healthy("The backup extension could list disks and mounts.");
    if (const auto* line = logs.find_current(Log::extension, old_lsblk_line)) {
        evidence.push_back(line->newest.evidence("lsblk that knows -P"));
    }
    return Finding::needs_operator(
        "The backup extension could not list the disks and mounts of this machine.", std::move(evidence),
        "Run lsblk -P -o NAME,TYPE,FSTYPE,MOUNTPOINT and mount as root: both must answer at once and without an error. "
        "Install util-linux if lsblk is missing, update it if it does not know -P, and repair the device or mount they "
        "stop at. Then back up again.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-disk-listing",
        .title = "The backup extension cannot list disks and mounts",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "121", "GuestAgentSnapshotTaskStatusError", "2"},
        .disruption = Disruption::none,
        .explanation =
            "Before it freezes anything, the extension asks lsblk and mount what there is, and df how much of it is "
            "used. A disk or network file system that does not answer makes one of them hang, and the backup with it; "
            "an lsblk that is missing or too old gives a list with which the freeze fails.",
        .source = "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/Utils/DiskUtil.py",
        .signals = {judged(Log::extension, listing_line), judged(Log::extension, behind_listing[0]),
                    judged(Log::extension, behind_listing[1]), judged(Log::extension, behind_listing[2]),
                    judged(Log::extension, behind_listing[3]), judged(Log::extension, behind_listing[4]),
                    judged(Log::extension, old_lsblk_line), proof(Log::extension, failed_lines[0]),
                    proof(Log::extension, failed_lines[1]), proof(Log::extension, failed_lines[2])},
        .consequences = {"extension-error", "extension-stuck-process", "freeze-failed", "extension-run-broke-off"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_disk_listing
