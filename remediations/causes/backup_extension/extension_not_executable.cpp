#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/safefreeze.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_not_executable {

namespace {

constexpr std::uint32_t owner_may_execute = 0100;

Finding diagnose(const machine::Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto* folder = version_in_use(*installed);
    if (!folder) return Finding::not_applicable("The backup extension is not installed yet.");
    std::vector<Evidence> evidence;
    std::vector<std::string> locked;
    for (const auto& name : {machine::Path("main/handle.sh"), safefreeze_of(machine.facts())}) {
        const auto path = folder->path + "/" + name;
        const auto status = machine.files().status(path);
        if (!status) {
            // A missing file is another cause.
            if (status.error().kind == machine::ErrorKind::not_found) continue;
            return Finding::unknown(path, status.error());
        }
        if (status->kind != machine::FileKind::regular) continue;
        evidence.push_back({path, fmt::format("mode {:04o}", status->mode), "executable for its owner, mode 0700"});
        if ((status->mode & owner_may_execute) == 0) locked.push_back(path);
    }
    if (locked.empty()) {
        return Finding::healthy("The programs of the backup extension may be executed.", std::move(evidence));
    }
    auto finding = Finding::broken(
        fmt::format("The backup extension's {} may not be executed.", fmt::join(locked, " and ")), std::move(evidence),
        fmt::format("Make them executable: chmod u+x {}. Find out what took the permission away, for instance a "
                    "hardening script that runs over /var.",
                    fmt::join(locked, " ")));
    finding.subjects = std::move(locked);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& path : finding.subjects) {
        const auto status = changes.machine().files().status(path);
        if (!status) return status.error();
        const machine::FilePermissions permissions{status->mode | owner_may_execute, status->uid, status->gid};
        if (auto set = changes.set_permissions(path, permissions); !set) return set;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-not-executable",
        .title = "Programs of the backup extension lost their execute permission",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "UserErrorVmProvisioningStateFailed",
                        "VMExtensionProvisioningError", "ExtensionOperationFailed",
                        "ExtensionOperationFailedForManagedDisks", "UserErrorFsFreezeTimeout", "122", "124", "1007",
                        "1009"},
        .disruption = Disruption::none,
        .explanation =
            "The agent makes everything it unpacks executable, once. When main/handle.sh loses that permission, every "
            "command of the agent ends with exit code 126; when safefreeze loses it, the freeze is reported as timed "
            "out. The fix gives the owner the permission back and leaves the rest of the mode as it is.",
        .source = "https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/ga/exthandlers.py",
        .consequences = {"extension-error", "backup-extension-state", "freeze-failed", "freeze-timeout-too-short"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::extension_not_executable
