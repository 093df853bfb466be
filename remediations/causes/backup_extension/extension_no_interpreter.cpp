#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/python_interpreters.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_no_interpreter {

using machine::Machine;

namespace {

constexpr auto unknown_version_line = "python version unknown";
constexpr auto exit_3_line = "3 returned from handle.py";

PythonSearch search_of(const Machine& machine, const InstalledExtension& installed) {
    const auto* folder = version_in_use(installed);
    const auto script =
        folder ? machine.files().read(folder->path + "/main/handle.sh") : machine::Result<std::string>("");
    return python_search_of(script ? *script : std::string());
}

Finding diagnose(const Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto search = search_of(machine, *installed);
    const auto places = fmt::format("{} in {}", fmt::join(search.names, " "), fmt::join(search.folders, " or "));
    const auto found = find_pythons(machine, search);
    if (!found) return Finding::unknown(places, found.error());
    if (!found->empty()) {
        return Finding::healthy(fmt::format("The backup extension finds a Python: {}.", found->front().path));
    }
    std::vector<Evidence> evidence{{fmt::format("{}", fmt::join(search.folders, " ")),
                                    "none of " + fmt::format("{}", fmt::join(search.names, " ")), "one of them"}};
    const auto& logs = machine.derived<LogEvidence>();
    for (const auto* text : {unknown_version_line, exit_3_line}) {
        if (const auto* line = logs.find_current(Log::extension_shell, text)) {
            evidence.push_back(line->newest.evidence("0 returned from handle.py"));
        }
    }
    constexpr auto summary =
        "The backup extension finds no Python: it looks for certain names in certain folders only.";
    const auto other = newest_installed_python(machine);
    if (!other) {
        return Finding::needs_operator(
            summary, std::move(evidence),
            "Install Python 3 from the distribution: apt install python3, dnf install python3 or zypper install "
            "python3. If it is installed in another folder, link it: ln -s <interpreter> /usr/bin/python3.");
    }
    evidence.push_back({*other, "there, under a name that is not tried", ""});
    return Finding::broken(summary, std::move(evidence),
                           fmt::format("Make {} known as {}/python3.", *other, search.folders.back()));
}

/// Creates a script instead of a link, because a script can be undone like any other file.
machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto installed = installed_backup_extension(changes.machine());
    if (!installed) return installed.error();
    const auto python = newest_installed_python(changes.machine());
    if (!python) return machine::Error::not_found("there is no Python to point to any more");
    return changes.write_file(search_of(changes.machine(), *installed).folders.back() + "/python3",
                              script_that_runs(*python), 0755);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-no-interpreter",
        .title = "The backup extension finds no Python",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentPluginInstallCommandProcessingFailed", "GuestAgentSnapshotTaskStatusError",
                        "UserErrorVmProvisioningStateFailed", "VMExtensionProvisioningError", "1009"},
        .disruption = Disruption::none,
        .explanation =
            "The extension's start script tries a fixed list of names, python3.8 down to python, in /usr/bin and, "
            "since November 2024, in /usr/local/bin, and then the interpreter that runs the guest agent. Where Python "
            "is installed under another name only, it ends with exit code 3. The fix adds a small python3 script that "
            "calls the interpreter that is there.",
        .source = "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/handle.sh",
        .signals = {judged(Log::extension_shell, exit_3_line), proof(Log::extension_shell, unknown_version_line),
                    proof(Log::extension_shell, "- 3 returned from handle.py")},
        .consequences = {"extension-error", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::extension_no_interpreter
