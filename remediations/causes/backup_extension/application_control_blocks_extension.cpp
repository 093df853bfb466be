#include <fmt/format.h>

#include "remediations/knowledge/extension/blocked_program.hpp"

namespace remediations::causes::application_control_blocks_extension {

namespace {

/// Programs that AppLocker blocks (not those that it only would block), that code integrity blocks, which enforces App
/// Control (WDAC), and what software restriction policies block.
std::vector<EventPattern> blocks() {
    return {{"Microsoft-Windows-AppLocker/EXE and DLL", "Microsoft-Windows-AppLocker", {8004}},
            {"Microsoft-Windows-AppLocker/MSI and Script", "Microsoft-Windows-AppLocker", {8007}},
            {"Microsoft-Windows-CodeIntegrity/Operational", "Microsoft-Windows-CodeIntegrity", {3033, 3077}},
            {"Application", "Microsoft-Windows-SoftwareRestrictionPolicies", {865, 866, 867, 868, 882}}};
}

Finding diagnose(const machine::Machine& machine) {
    const auto* event = newest_about_extension(machine, blocks());
    if (event == nullptr) return Finding::healthy("No application control blocked the backup extension.");
    const auto& drive = machine.facts().system_drive;
    return Finding::needs_operator(
        "Application control blocks a program of the backup extension.",
        {evidence_of(*event, "the backup extension is allowed")},
        fmt::format(
            "Allow Microsoft's publisher, or the paths {}\\Packages\\Plugins\\* and {}\\WindowsAzure\\*, in the policy "
            "that the event names (AppLocker: Computer Configuration, Windows Settings, Security Settings, Application "
            "Control Policies; App Control: the policy with that id). If it was allowed since then, back up again.",
            drive, drive));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "application-control-blocks-extension",
        .title = "Application control blocks the backup extension",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "UserErrorVmProvisioningStateFailed",
                        "VMExtensionProvisioningError", "VMRestorePointInternalError", "ExtensionInstallationFailure",
                        "ExtensionVCRedistInstallationFailure", "InternalError"},
        .explanation =
            "AppLocker, App Control for Business (WDAC) and software restriction policies let only programs run that "
            "their rules allow. One that blocks IaaSBcdrExtension.exe or its libraries stops every backup, and the "
            "portal only says that no status came back. Policies are never changed from here.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .signals = all_judged(blocks()),
        .consequences = {"extension-crashed", "visual-cpp-runtime", "provider-flags", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::application_control_blocks_extension
