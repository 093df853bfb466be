#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::reboot_pending {

namespace {

/// The files of Debian and Ubuntu, and of SUSE.
constexpr const char* marks[] = {"/run/reboot-required", "/run/reboot-needed"};

/// Keys that exist while a restart is due: of Windows' components, and of Windows Update.
constexpr const char* marks_of_windows[] = {
    R"(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending)",
    R"(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired)"};

std::vector<Evidence> marks_on_windows(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto* key : marks_of_windows) {
        if (registry_key_exists(machine, key) == true) evidence.push_back({key, "there", "not there"});
    }
    return evidence;
}

/// Adds files that will be replaced at the next start. Programs often leave such files; alone they mean nothing.
void add_files_to_replace(const machine::Machine& machine, std::vector<Evidence>& evidence) {
    constexpr auto key = R"(HKLM\SYSTEM\CurrentControlSet\Control\Session Manager)";
    constexpr auto name = "PendingFileRenameOperations";
    const auto value = machine.registry().value(key, name);
    const auto* files = value ? std::get_if<std::vector<std::string>>(&value->data) : nullptr;
    if (files && !files->empty()) {
        evidence.push_back({std::string(key) + "\\" + name, std::to_string(files->size() / 2) + " files", "none"});
    }
}

Finding diagnose_windows(const machine::Machine& machine) {
    auto evidence = marks_on_windows(machine);
    if (evidence.empty()) return Finding::healthy("No restart is pending.");
    add_files_to_replace(machine, evidence);
    constexpr auto summary = "Windows waits for a restart to finish its updates.";
    if (!machine.derived<LastRun>().is_failure()) return Finding::healthy(summary, std::move(evidence));
    return Finding::needs_operator(summary, std::move(evidence), "Restart the VM at the next occasion.").as_risk();
}

Finding diagnose(const machine::Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_windows(machine);
    std::vector<Evidence> evidence;
    for (const auto* mark : marks) {
        const auto status = machine.files().status(mark);
        if (status) evidence.push_back({mark, "there", "not there"});
    }
    // A kernel whose package is gone cannot load modules any more.
    const auto release = machine.files().read("/proc/sys/kernel/osrelease");
    if (release) {
        const auto modules = "/lib/modules/" + boost::algorithm::trim_copy(*release);
        const auto all = machine.files().list("/lib/modules");
        const auto own = machine.files().status(modules);
        const bool is_gone = all && !all->empty() && !own && own.error().kind == machine::ErrorKind::not_found;
        if (is_gone) evidence.push_back({modules, "not there: the running kernel was removed by an update", "there"});
    }
    if (evidence.empty()) return Finding::healthy("No restart is pending.");
    constexpr auto summary = "Updates wait for a restart of this VM.";
    const auto* failed = last_failed_backup(machine);
    if (failed == nullptr) return Finding::healthy(summary, std::move(evidence));
    return Finding::needs_operator(summary, std::move(evidence), "Restart the VM at the next occasion.").as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "reboot-pending",
        .title = "Updates wait for a restart",
        .layer = Layer::os_snapshot,
        .scope = Scope::both,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "ExtensionVCRedistInstallationFailure"},
        .explanation =
            "Files were replaced while the old ones are still in use, or wait for a restart to be replaced. That is "
            "normal for a while, but can disturb agent and extension. This program never restarts a VM.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::reboot_pending
