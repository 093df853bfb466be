#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "remediations/knowledge/agent/crash_log.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/machine/mounts.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::file_system_full {

using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

constexpr auto no_space_line = "No space left on device";
constexpr auto disk_full_code = "0x80070070";  // ERROR_DISK_FULL

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t gibibyte = 1024 * mebibyte;

/// A folder to which the agent and the extension write, and the space that they need: the library folder gets goal
/// states, packages of some MiB and their unpacked content.
struct Need {
    Path folder;
    std::uint64_t bytes;
    std::uint64_t inodes;
    std::uint64_t comfortable_bytes = 0;  ///< with less, a backup may still succeed
};

bool is_windows(const Machine& machine) {
    return machine.facts().platform == machine::Platform::windows;
}

std::vector<Need> needs(const Machine& machine) {
    if (is_windows(machine)) return {{machine.facts().system_drive + "\\", 100 * mebibyte, 0, gibibyte}};
    return {{agent_library_folder(machine), 100 * mebibyte, 1000},
            {"/var/log", 10 * mebibyte, 100},
            {"/etc", 2 * mebibyte, 20}};
}

std::string size_text(std::uint64_t bytes) {
    if (bytes < 10 * gibibyte) return fmt::format("{} MiB", bytes / mebibyte);
    return fmt::format("{} GiB", bytes / gibibyte);
}

/// The size of a folder without its subfolders: a rough measure that finds a folder that grows too much.
struct Content {
    std::size_t entries = 0;
    std::uint64_t bytes = 0;
    bool bytes_are_partial = false;
};

Result<Content> content_of(const Machine& machine, const Path& folder) {
    constexpr std::size_t most_looked_at = 2000;
    const auto names = machine.files().list(folder);
    if (!names) return names.error();
    Content content{.entries = names->size(), .bytes_are_partial = names->size() > most_looked_at};
    for (std::size_t index = 0; index < std::min(names->size(), most_looked_at); ++index) {
        const auto status = machine.files().status(folder + (is_windows(machine) ? "\\" : "/") + (*names)[index]);
        if (status && status->kind == machine::FileKind::regular) content.bytes += status->size;
    }
    return content;
}

/// Returns the largest of the folders that the agent fills: its history and events, folders of extensions, and the
/// logs.
std::vector<Evidence> consumers(const Machine& machine) {
    constexpr std::size_t most_shown = 5;
    std::vector<Path> folders;
    std::vector<Path> with_subfolders;
    if (is_windows(machine)) {
        const auto agent = windows_agent_folder(machine);
        folders = {agent, agent + R"(\Logs)", windows_folder(machine) + R"(\Temp)"};
        with_subfolders = {agent + R"(\Logs\Plugins)", machine.facts().system_drive + R"(\Packages\Plugins)"};
    } else {
        folders = {agent_library_folder(machine), "/var/log", "/var/log/azure"};
        with_subfolders = {agent_library_folder(machine)};
    }
    for (const auto& parent : with_subfolders) {
        const auto names = machine.files().list(parent);
        if (!names) continue;
        for (std::size_t index = 0; index < std::min<std::size_t>(names->size(), 200); ++index) {
            folders.push_back(parent + (is_windows(machine) ? "\\" : "/") + (*names)[index]);
        }
    }
    std::vector<std::pair<Path, Content>> found;
    for (const auto& folder : folders) {
        if (const auto content = content_of(machine, folder)) found.emplace_back(folder, *content);
    }
    const auto weight = [](const auto& entry) { return entry.second.bytes + entry.second.entries * 4096; };
    std::ranges::sort(found, std::greater<>(), weight);
    std::vector<Evidence> evidence;
    for (const auto& [folder, content] : found) {
        if (evidence.size() == most_shown || content.entries == 0) break;
        evidence.push_back({folder,
                            fmt::format("{} entries, {}{} in the files directly in it", content.entries,
                                        content.bytes_are_partial ? "at least " : "", size_text(content.bytes)),
                            ""});
    }
    return evidence;
}

Finding diagnose(const Machine& machine) {
    const auto mounts = machine.mounts().list();
    std::optional<machine::Error> unseen;
    std::vector<Evidence> evidence;
    std::vector<std::string> faults;
    std::vector<std::string> seen_before;
    bool is_tight = false;
    for (const auto& need : needs(machine)) {
        const auto* mount = mounts ? mount_holding(*mounts, need.folder) : nullptr;
        if (mount && is_remote(*mount)) {
            evidence.push_back({need.folder, fmt::format("on {} ({}): not looked at", mount->target, mount->type), ""});
            continue;
        }
        auto space = machine.files().space(need.folder);
        auto target = mount ? mount->target : need.folder;
        if (!space && space.error().kind == machine::ErrorKind::not_captured) {
            // Where it lies is all that is known of it, or that it may lie on the root file system.
            target = mount ? target : "/";
            if (auto of_mount = machine.files().space(target)) space = std::move(of_mount);
        }
        if (!space && space.error().kind == machine::ErrorKind::not_found) {
            continue;  // agent-library-folder tells of it
        }
        if (!space) {
            unseen = space.error();
            continue;
        }
        const bool no_bytes = space->free_bytes < need.bytes;
        const bool no_inodes = space->total_inodes != 0 && space->free_inodes < need.inodes;
        const auto fault = no_bytes && no_inodes ? "space and inodes" : no_bytes ? "space" : "inodes";
        if ((no_bytes || no_inodes) && std::ranges::find(seen_before, target) == seen_before.end()) {
            faults.push_back(fmt::format("{} has no {} left", target, fault));
            seen_before.push_back(target);
        }
        is_tight = is_tight || space->free_bytes < need.comfortable_bytes;
        const auto free_bytes = fmt::format("{} of {}", size_text(space->free_bytes), size_text(space->total_bytes));
        evidence.push_back(
            {target == need.folder ? need.folder : fmt::format("{} (on {})", need.folder, target),
             space->total_inodes == 0
                 ? free_bytes + " free"
                 : fmt::format("{} and {} of {} inodes free", free_bytes, space->free_inodes, space->total_inodes),
             need.inodes == 0 ? fmt::format("at least {}", size_text(std::max(need.bytes, need.comfortable_bytes)))
                              : fmt::format("at least {} and {} inodes", size_text(need.bytes), need.inodes)});
    }
    if (faults.empty() && !is_tight && !mounts) return Finding::unknown("the mount table", mounts.error());
    if (faults.empty() && !is_tight && unseen) return Finding::unknown("the free space", *unseen);
    if (faults.empty() && !is_tight) {
        return Finding::healthy("There is room where the agent and the extension write.", std::move(evidence));
    }
    if (const auto crash = is_windows(machine) ? std::nullopt : crash_that_fills_the_log(machine)) {
        evidence.push_back(crash->log);
        evidence.push_back(crash->line);
        return Finding::needs_operator(
                   fmt::format("{}: the log of a guest agent that crashes again and again takes the room.",
                               faults.empty() ? "Little room is left" : fmt::format("{}", fmt::join(faults, "; "))),
                   std::move(evidence),
                   fmt::format("Mend the guest agent first, then delete {}: it fills the disk again otherwise.",
                               crash->log.where))
            .as_risk();
    }
    for (auto& consumer : consumers(machine)) evidence.push_back(std::move(consumer));
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, no_space_line)) {
        evidence.push_back(line->newest.evidence(""));
    }
    if (is_windows(machine)) {
        auto finding = Finding::needs_operator(
            faults.empty() ? "The system drive has little room left."
                           : fmt::format("{}: the agent and the extension cannot work.", fmt::join(faults, "; ")),
            std::move(evidence),
            "Make room on the system drive: Disk Cleanup, old logs below WindowsAzure\\Logs, temporary files, memory "
            "dumps; or enlarge the disk in Azure and extend the volume. Nothing was deleted here.");
        return faults.empty() ? std::move(finding).as_risk() : finding;
    }
    const auto library = agent_library_folder(machine);
    return Finding::needs_operator(
        fmt::format("{}: the agent can store no goal state and the extension cannot work.", fmt::join(faults, "; ")),
        std::move(evidence),
        fmt::format("Make room: see df -h and df -i. Old logs, package caches and, with the agent stopped, the content "
                    "of {0}/history and {0}/events can be deleted; nothing was deleted here. An agent that filled "
                    "them must also be updated.",
                    library));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "file-system-full",
        .title = "A file system that the guest agent writes to is full",
        .layer = Layer::guest_agent,
        .scope = Scope::both,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "GuestAgentSnapshotTaskStatusErrorLin",
                        "GuestAgentSnapshotTaskStatusErrorWin", "UserErrorGuestAgentStatusUnavailable",
                        "GuestAgentPluginInstallCommandProcessingFailed"},
        .explanation =
            "Without room for data, or without free inodes (df -i, while df still shows space), the agent fetches no "
            "goal state, reports nothing, and the extension cannot be unpacked or write its status. Linux agents "
            "before 2.3 could fill history and events themselves. On Windows less than 100 MiB on the system drive is "
            "a fault, less than 1 GiB a risk. Only a person can say what may be deleted.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/2619",
        .signals = {judged(Log::agent, crash_log_line), proof(Log::agent, no_space_line),
                    proof(Log::extension, no_space_line), proof(Log::commands, no_space_line),
                    proof(Log::agent, disk_full_code), proof(Log::extension, disk_full_code),
                    proof(Log::commands, disk_full_code)},
        .consequences = {"agent-hung", "agent-crash-looping", "agent-not-running", "agent-restart-policy",
                         "agent-status-not-reported", "agent-update-failed", "transport-certificate-missing",
                         "agent-service-crashes", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::file_system_full
