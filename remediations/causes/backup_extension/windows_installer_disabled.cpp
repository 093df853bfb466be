#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/visual_cpp_runtime.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"

namespace remediations::causes::windows_installer_disabled {

namespace {

constexpr auto installer = "msiserver";

Finding diagnose(const machine::Machine& machine, const Question& question) {
    const auto where = std::string("service ") + installer;
    const auto service = machine.services().find(installer);
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("Windows Installer is not known here.");
    }
    if (!service) return Finding::unknown(where, service.error());
    std::vector<Evidence> evidence{{where, describe(*service), "start type manual"}};
    if (service->start != machine::StartType::disabled) {
        return Finding::healthy("Windows Installer can be started.", std::move(evidence));
    }
    const auto runtime = visual_cpp_runtime_of(machine);
    const bool is_installed = runtime && runtime->is_installed;
    if (runtime) evidence.insert(evidence.end(), runtime->evidence.begin(), runtime->evidence.end());
    if (is_installed && machine.derived<LastRun>().end() == LastRun::End::succeeded && question.error_code.empty()) {
        return Finding::healthy("Windows Installer is disabled; the backup extension has what it needs of it already.",
                                std::move(evidence));
    }
    auto finding = Finding::broken(
        is_installed ? "Windows Installer is disabled; the backup extension needs it for its Visual C++ runtime."
                     : "Windows Installer is disabled, so the backup extension cannot install its Visual C++ runtime.",
        std::move(evidence),
        fmt::format("Find out who disabled it. To set it back: {}.",
                    enable_command(installer, machine::StartType::manual, false)));
    finding.changes_security = true;
    return is_installed && !runtime_is_to_blame(machine, question) ? std::move(finding).as_risk() : finding;
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return changes.set_service_start(installer, machine::StartType::manual);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "windows-installer-disabled",
        .title = "Windows Installer is disabled",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"ExtensionVCRedistInstallationFailure", "ExtensionInstallationFailure"},
        .disruption = Disruption::none,
        .explanation =
            "The backup extension installs the Visual C++ 2013 runtime through Windows Installer. That service starts "
            "on demand; disabled, it makes the installation fail. The fix sets it back to manual.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = service_start_failures(installer),
        .consequences = {"visual-cpp-runtime", "provider-flags", "backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::windows_installer_disabled
