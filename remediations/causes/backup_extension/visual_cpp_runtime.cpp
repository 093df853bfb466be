#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/visual_cpp_runtime.hpp"
#include "remediations/knowledge/extension/windows_installer.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations::causes::visual_cpp_runtime {

using machine::Machine;

namespace {

/// A part of its name in the list of installed programs, in every language.
constexpr auto product = "Visual C++ 2013 x64";
constexpr auto installer_timeout = std::chrono::minutes(5);

/// Returns the installer in the extension's folder; empty where it does not exist.
machine::Path installer_of(const Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    const auto* folder = installed ? version_in_use(*installed) : nullptr;
    if (folder == nullptr) return {};
    const auto is_installer = [](const std::string& name) {
        return boost::istarts_with(name, "vcredist2013_x64") && boost::iends_with(name, ".exe");
    };
    const auto found = std::ranges::find_if(folder->names, is_installer);
    return found == folder->names.end() ? machine::Path() : folder->path + '\\' + *found;
}

/// Returns true if Windows has it registered as installed, even without its files. Then only a repair restores them.
bool is_registered(const Machine& machine) {
    constexpr const char* keys[] = {R"(HKLM\SOFTWARE\Microsoft\VisualStudio\12.0\VC\Runtimes\x64)",
                                    R"(HKLM\SOFTWARE\WOW6432Node\Microsoft\VisualStudio\12.0\VC\Runtimes\x64)"};
    return std::ranges::any_of(keys, [&](const char* key) {
        const auto installed = registry_number(machine, key, "Installed");
        return installed && *installed == 1U;
    });
}

/// Returns the option for the installer.
std::string verb_for(const VisualCppRuntime& runtime, const Machine& machine) {
    return runtime.is_installed || is_registered(machine) ? "/repair" : "/install";
}

constexpr auto install_by_hand =
    "Install or repair the Visual C++ 2013 Redistributable (x64) 12.0.40660 from Microsoft, then back up again.";

Finding diagnose(const Machine& machine, const Question& question) {
    const auto failed = failed_installation(machine, product);
    const auto installed = installed_backup_extension(machine);
    auto runtime = visual_cpp_runtime_of(machine);
    if (!installed || !runtime) {
        if (!failed && stopped_at_runtime(machine)) {
            return Finding::needs_operator(
                "The last backup did not get beyond the Visual C++ 2013 runtime. Whether it is there could not be "
                "looked at.",
                machine.derived<LastRun>().evidence_of_end(), std::string(install_by_hand));
        }
        return installed ? Finding::unknown("the Visual C++ 2013 runtime", runtime.error())
                         : Finding::unknown("the folders of the backup extension", installed.error());
    }
    const bool to_blame = failed || runtime_is_to_blame(machine, question);
    if (runtime->is_installed && !runtime->is_mixed) {
        return Finding::healthy("The Visual C++ 2013 x64 runtime is installed.", runtime->evidence);
    }
    const auto installer = installer_of(machine);
    if (!runtime->is_installed && !to_blame) {
        return Finding::healthy(
            "The Visual C++ 2013 x64 runtime is not installed; the extension installs it when it runs.",
            runtime->evidence);
    }
    if (failed) runtime->evidence.insert(runtime->evidence.end(), failed->evidence.begin(), failed->evidence.end());
    const std::string summary = runtime->is_installed
                                    ? "The libraries of the Visual C++ 2013 x64 runtime are of different builds."
                                    : fmt::format(
                                          "The Visual C++ 2013 x64 runtime, which the backup extension needs, is not "
                                          "installed{}.",
                                          failed ? ": its installation ended with " + failed->reason : "");
    const auto first = failed ? failed->action + " " : std::string();
    if (installer.empty()) {
        auto finding = Finding::needs_operator(summary, runtime->evidence, first + install_by_hand);
        return to_blame ? finding : std::move(finding).as_risk();
    }
    const auto verb = verb_for(*runtime, machine);
    auto finding =
        Finding::broken(summary, runtime->evidence,
                        fmt::format("{}Run {} {} /quiet /norestart as administrator.", first, installer, verb));
    return to_blame ? finding : std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    constexpr long restart_required = 3010;  // ERROR_SUCCESS_REBOOT_REQUIRED: installed, in full only after a restart
    const auto runtime = visual_cpp_runtime_of(changes.machine());
    if (!runtime) return runtime.error();
    const auto installer = installer_of(changes.machine());
    if (installer.empty()) return machine::Error::not_found("the installer is gone");
    const auto ran = changes.run_tool(
        {installer, {verb_for(*runtime, changes.machine()), "/quiet", "/norestart"}, installer_timeout},
        "installs the Visual C++ 2013 x64 runtime");
    return !ran && ran.error().code == restart_required ? machine::Result<void>() : ran;
}

std::vector<Signal> proofs() {
    auto all = installation_failures(product);
    // COM+ has the code for other damage too.
    all.push_back({.role = Role::proof, .line = {Log::extension, "0x80110401"}, .heals_unsaid = true});
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "visual-cpp-runtime",
        .title = "The Visual C++ 2013 runtime is missing or damaged",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"ExtensionVCRedistInstallationFailure", "ExtensionInstallationFailure",
                        "VMRestorePointClientError", "BackUpOperationFailed", "BackUpOperationFailedV2",
                        "ExtensionSnapshotFailedCOM"},
        .disruption = Disruption::service_restart,
        .explanation =
            "The extension and its VSS provider need the Visual C++ 2013 x64 runtime and install it themselves. Where "
            "that fails, or another program replaced one of its two libraries, the extension cannot start or COM+ "
            "refuses the provider with 0x80110401. The fix runs the installer that the extension brings, quietly and "
            "without a restart of the VM.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = joined({all_judged(installer_events()), proofs()}),
        .consequences = {"provider-flags", "extension-crashed", "backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::visual_cpp_runtime
