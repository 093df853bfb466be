#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_log_folder {

using machine::ErrorKind;
using machine::Machine;
using machine::Path;

namespace {

/// Python's text for errno 2, with the folder's name.
constexpr auto no_folder_line = "No such file or directory: '/var/log/azure";

Path log_folder(const Machine& machine) {
    Path logs = "/var/log/azure";
    if (const auto& configuration = AgentConfiguration::of(machine)) {
        logs = configuration->text_of("Extension.LogDir", logs);
    }
    return logs + "/" + backup_extension_name(machine::Platform::linux);
}

Path parent_of(const Path& path) {
    return path.substr(0, path.rfind('/'));
}

Finding diagnose(const Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    if (installed->folders.empty()) return Finding::not_applicable("The backup extension is not installed yet.");
    const auto folder = log_folder(machine);
    const auto status = machine.files().status(folder);
    // A file in its place is a fault of the agent's log folder.
    if (status) return Finding::healthy("The log folder of the backup extension is there.");
    if (status.error().kind != ErrorKind::not_found) return Finding::unknown(folder, status.error());
    std::vector<Evidence> evidence{{folder, "missing", "a folder"}};
    const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, no_folder_line);
    if (!line) {
        return Finding::healthy("The log folder of the backup extension is missing; the agent makes it again.",
                                std::move(evidence));
    }
    evidence.push_back(line->newest.evidence("no such error"));
    auto finding = Finding::broken(
        "The log folder of the backup extension is missing, and the agent does not make it again.", std::move(evidence),
        fmt::format("Make it: mkdir -p -m 0755 {}. Whatever cleans up /var/log must leave folders alone.", folder));
    if (!machine.files().status(parent_of(folder))) finding.subjects.push_back(parent_of(folder));
    finding.subjects.push_back(folder);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& path : finding.subjects) {
        if (auto made = changes.create_folder(path, 0755); !made) return made;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-log-folder",
        .title = "The log folder of the backup extension is missing",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "UserErrorGuestAgentStatusUnavailable",
                        "UserErrorVmProvisioningStateFailed"},
        .disruption = Disruption::none,
        .explanation =
            "Agent and extension log to /var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux. Current "
            "agents make the folder again when a cleanup took it away; older ones crash again and again. The fix makes "
            "the folder.",
        .source = "https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/ga/exthandlers.py",
        .signals = {proof(Log::agent, no_folder_line)},
        .consequences = {"extension-error", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::extension_log_folder
