#include <fmt/format.h>
#include <fmt/ranges.h>

#include "remediations/formats/python_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_not_installed_yet {

namespace {

constexpr auto database_configuration = "/etc/azure/workload.conf";
constexpr auto script_configuration = "/etc/azure/VMSnapshotScriptPluginConfig.json";

/// Returns the files that an administrator prepared for the extension.
std::vector<Evidence> prepared(const machine::Machine& machine) {
    std::vector<Evidence> found;
    if (const auto text = machine.files().read(database_configuration, std::size_t{1} << 16)) {
        const auto name = PythonConfiguration(*text).get("workload", "workload_name").value_or("");
        if (!name.empty()) found.push_back({database_configuration, "workload_name = " + name, ""});
    }
    if (machine.files().status(script_configuration)) found.push_back({script_configuration, "there", ""});
    return found;
}

Finding diagnose(const machine::Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    if (!installed->folders.empty()) return Finding::healthy("The backup extension is installed.");
    auto evidence = prepared(machine);
    if (evidence.empty()) {
        return Finding::healthy("The backup extension is not installed; the agent installs it at the next backup.");
    }
    evidence.push_back({"folders of " + backup_extension_name(machine::Platform::linux), "none",
                        "one, which the first backup brings"});
    return Finding::needs_operator(
        "Steps before and after the snapshot are configured, but the extension that runs them is not installed yet.",
        std::move(evidence),
        "Back up the VM once (az backup protection backup-now, or Backup now in the portal): that installs the "
        "extension with the scripts for databases. Then check the configuration against its templates, and back up "
        "again.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-not-installed-yet",
        .title = "Scripts or a database are configured for a backup extension that is not installed yet",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {},
        .disruption = Disruption::none,
        .explanation =
            "The backup extension comes with the first backup, and with it the scripts that bring a database to rest. "
            "Before that nothing reads what is configured in /etc/azure. A VM without such a configuration and without "
            "the extension is simply one that was not backed up yet.",
        .source = "https://github.com/MicrosoftDocs/azure-docs/issues/72571",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_not_installed_yet
