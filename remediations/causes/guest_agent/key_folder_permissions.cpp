#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/system_access.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::key_folder_permissions {

using machine::Machine;
using machine::Path;

namespace {

constexpr auto import_failed = "PFXImportCertStore failed";

/// SYSTEM lists, creates and replaces the keys.
constexpr auto needed = machine::file_read | machine::file_write;

std::vector<Path> key_folders(const Machine& machine) {
    const auto crypto = expand_variables(machine, R"(%ProgramData%\Microsoft\Crypto\)");
    return {crypto + "Keys", crypto + R"(RSA\MachineKeys)", crypto + "SystemKeys"};
}

Finding diagnose(const Machine& machine) {
    // Defaults differ between versions of Windows and of products; what matters is what SYSTEM can do.
    auto access = folder_access(machine, key_folders(machine), needed, "SYSTEM (S-1-5-18) may read and write");
    if (!access) return Finding::unknown("the folders of private keys", access.error());
    if (access->closed.empty()) {
        return Finding::healthy("SYSTEM may use the folders of private keys.", std::move(access->evidence));
    }
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, import_failed)) {
        access->evidence.push_back(line->newest.evidence("certificates are imported"));
    }
    const auto closed = fmt::format("{}", fmt::join(access->closed, " and "));
    auto finding = Finding::broken(
        fmt::format("SYSTEM may not use {}, where Windows keeps private keys: the extension's settings cannot be "
                    "decrypted.",
                    closed),
        std::move(access->evidence),
        fmt::format("Give SYSTEM full control of {}, of the folder alone and not of the key files in it, and restart "
                    "the guest agent.",
                    closed));
    finding.subjects = std::move(access->closed);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto opened = open_to_system(finding.subjects, false, changes);
    return opened ? restart_agent(changes) : opened;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "key-folder-permissions",
        .title = "SYSTEM may not use the folders of private keys",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"ExtensionConfigParsingFailure", "GuestAgentCertificateNotFound",
                        "UserErrorGuestAgentStatusUnavailable", "BackUpOperationFailed", "BackUpOperationFailedV2"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The guest agent and the extension run as SYSTEM and keep their keys in MachineKeys, Keys and SystemKeys "
            "below ProgramData\\Microsoft\\Crypto. Hardening scripts take the right to these folders away; then "
            "certificates cannot be imported and settings not decrypted. The fix adds full control for SYSTEM to the "
            "folder, leaves out denials that take it away again, changes nothing else and no key file, and restarts "
            "the agent.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = {proof(Log::agent, import_failed)},
        .consequences = {"certificate-key-unreadable", "extension-certificate-unusable", "backup-attempt-failed",
                         "backup-extension-state", "agent-hung"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::key_folder_permissions
