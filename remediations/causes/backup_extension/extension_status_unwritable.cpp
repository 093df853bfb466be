#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/machine/mounts.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_status_unwritable {

using machine::Machine;

namespace {

constexpr auto failed_line = "Status file creation failed with error";
constexpr auto no_file_line =
    "no status file was reported by extension Microsoft.Azure.RecoveryServices.VMSnapshotLinux";

/// Returns why files cannot be written to the folder now; nullopt where no reason is seen.
std::optional<Evidence> obstacle(const Machine& machine, const machine::Path& folder) {
    const auto status = machine.files().status(folder);
    if (status && status->kind != machine::FileKind::directory) {
        return Evidence{folder, "no folder", "a folder that takes files"};
    }
    const auto mounts = machine.mounts().list();
    const auto* mount = mounts ? mount_holding(*mounts, folder) : nullptr;
    // A whole library folder that is read-only has a cause of its own.
    const bool is_its_own = mount && mount->target.size() > agent_library_folder(machine).size();
    const bool is_read_only = is_its_own && std::ranges::find(mount->options, "ro") != mount->options.end();
    if (!is_read_only) return std::nullopt;
    return Evidence{"mount of " + mount->target, fmt::format("{} type {}, read-only", mount->source, mount->type),
                    "read-write"};
}

/// Returns the newest failure to write the status, if it is from the newest run or later.
const LogLine* failure_in_newest_run(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto* match = logs.find(Log::extension, failed_line);
    const auto* attempt = logs.newest_attempt();
    if (!match) return nullptr;
    const bool is_older = attempt && attempt->started && match->newest.time && *match->newest.time < *attempt->started;
    return is_older ? nullptr : &match->newest;
}

Finding diagnose(const Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto* folder = version_in_use(*installed);
    if (!folder) return Finding::not_applicable("The backup extension is not installed yet.");
    const auto place = folder->path + "/status";
    const auto blocked = obstacle(machine, place);
    const auto* line = failure_in_newest_run(machine);
    if (!blocked && !line) return Finding::healthy("The backup extension can write its status.");
    // A status of that run that is there after all was written at a second try.
    const auto* attempt = machine.derived<LogEvidence>().newest_attempt();
    if (!blocked && folder->status && attempt && attempt->ended &&
        folder->status->modified + std::chrono::seconds(5) >= *attempt->ended) {
        return Finding::healthy("The backup extension wrote its status in the end.",
                                {line->evidence("no such line"), {folder->status->file, folder->status->word, ""}});
    }
    std::vector<Evidence> evidence;
    std::string why;
    if (blocked) evidence.push_back(*blocked);
    if (line) {
        evidence.push_back(line->evidence("the status is written"));
        const auto reasons = reasons_in(line->text);
        if (!reasons.empty()) why = fmt::format(" ({})", description_of(reasons.front()));
    }
    if (const auto* told = machine.derived<LogEvidence>().find(Log::agent, no_file_line)) {
        evidence.push_back(told->newest.evidence("the extension's own status"));
    }
    return Finding::needs_operator(
        fmt::format("The backup extension cannot write its status to {}{}: the agent has nothing to report, and the "
                    "vault waits for a status that never comes.",
                    place, why),
        std::move(evidence),
        fmt::format("Make {0} writable for root: unmount what is mounted there (`findmnt -T {0}`), remount it "
                    "read-write (`mount -o remount,rw`), take off the immutable flag (`lsattr -d {0}`, `chattr -i "
                    "{0}`), or put a folder in the place of a file. Then back up again.",
                    place));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-status-unwritable",
        .title = "The backup extension cannot write its status file",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "GuestAgentSnapshotTaskStatusErrorLin",
                        "NoExtensionStatusButStatusBlobAvailable"},
        .disruption = Disruption::none,
        .explanation =
            "The extension tells how a backup went in status/<n>.status below its folder; the agent reads it there and "
            "reports it. Where that folder is read-only, immutable or no folder, the backup runs, but its result is "
            "never heard of.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = {judged(Log::extension, failed_line), judged(Log::agent, no_file_line)},
        .consequences = {"extension-error", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_status_unwritable
