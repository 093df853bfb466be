#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_log_folder {

using machine::ErrorKind;
using machine::FileKind;
using machine::Machine;
using machine::Path;

namespace {

constexpr auto not_a_folder_line = "Not a directory: '";

Path log_folder(const Machine& machine) {
    constexpr auto usual = "/var/log/azure";
    const auto& configuration = AgentConfiguration::of(machine);
    return configuration ? configuration->text_of("Extension.LogDir", usual) : usual;
}

/// Returns the files where folders should be: the folder of all extensions' logs, and in it one folder for each
/// extension.
machine::Result<std::vector<Path>> files_in_place_of_folders(const Machine& machine, const Path& folder) {
    std::vector<Path> files;
    const auto status = machine.files().status(folder);
    if (!status) return status.error();
    if (status->kind == FileKind::regular) return std::vector<Path>{folder};
    const auto names = machine.files().list(folder);
    if (!names) return names.error();
    for (const auto& name : *names) {
        // Extensions are named Publisher.Type; some keep files of other names here.
        if (!name.starts_with("Microsoft.") || name.ends_with(".log")) continue;
        const auto inside = machine.files().status(folder + "/" + name);
        if (inside && inside->kind == FileKind::regular) files.push_back(folder + "/" + name);
    }
    return files;
}

/// The backup extension keeps its settings and the lock of its freeze below /etc/azure. It creates that folder itself.
constexpr auto settings_folder = "/etc/azure";

/// Returns a finding where a file has the name of the folder.
std::optional<Finding> settings_folder_is_a_file(const Machine& machine) {
    const auto status = machine.files().status(settings_folder);
    if (!status || status->kind != FileKind::regular) return std::nullopt;
    auto finding = Finding::broken(
        "A file stands in the place of the folder /etc/azure, where the backup extension keeps its settings.",
        {{settings_folder, "a file", "a folder, or nothing"}},
        "Move the file /etc/azure away and back up again: the extension makes the folder itself.");
    finding.subjects = {settings_folder};
    return finding;
}

Finding diagnose(const Machine& machine) {
    if (auto finding = settings_folder_is_a_file(machine)) return std::move(*finding);
    const auto folder = log_folder(machine);
    const auto files = files_in_place_of_folders(machine, folder);
    if (!files && files.error().kind == ErrorKind::not_found) {
        return Finding::healthy("The agent makes the folder for logs of extensions itself.", {{folder, "missing", ""}});
    }
    if (!files) return Finding::unknown(folder, files.error());
    if (files->empty()) {
        return Finding::healthy("The folders for logs of extensions are folders.", {{folder, "a folder", ""}});
    }
    std::vector<Evidence> evidence;
    for (const auto& file : *files) evidence.push_back({file, "a file", "a folder, or nothing"});
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, not_a_folder_line)) {
        evidence.push_back(line->newest.evidence(""));
    }
    const bool stops_backup = files->front() == folder || files->front().find("VMSnapshotLinux") != Path::npos ||
                              evidence.size() > files->size();
    auto finding =
        Finding::broken("A file stands where the agent or an extension wants its folder for logs.", std::move(evidence),
                        fmt::format("Move {} away and restart the guest agent.", fmt::join(*files, ", ")));
    finding.subjects = *files;
    return stops_backup ? finding : std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& file : finding.subjects) {
        if (auto moved = changes.quarantine(file); !moved) return moved;
    }
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-log-folder",
        .title = "A file stands in place of a folder for logs",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "A careless clean-up of /var/log can leave a file where /var/log/azure, or the folder of an extension in "
            "it, was. The extension cannot log and fails, and old agents crash over it again and again. The fix moves "
            "the file into quarantine and restarts the agent, which makes the folder.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/812",
        .signals = {judged(Log::agent, not_a_folder_line), proof(Log::agent, "Not a directory: '/var/log/azure")},
        .consequences = {"agent-crash-looping", "agent-hung", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_log_folder
