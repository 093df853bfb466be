#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/script_framework.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::freeze_switched_off {

namespace {

Finding diagnose(const machine::Machine& machine) {
    const auto host = read_plugin_host(machine);
    const auto file = host ? host->script_configuration : machine::Path(usual_script_configuration);
    const auto scripts = read_scripts(machine, file);
    if (!scripts) {
        if (scripts.error().kind != machine::ErrorKind::not_found) return Finding::unknown(file, scripts.error());
        return Finding::healthy("Nothing switches the freeze of the file systems off.");
    }
    if (!scripts->configuration || scripts->configuration->freezes) {
        return Finding::healthy("The freeze of the file systems is on.", {{file, "fsFreezeEnabled is true", "true"}});
    }
    std::vector<Evidence> evidence{
        {file, "\"fsFreezeEnabled\": false", "true, unless the scripts make the data consistent"}};
    constexpr auto summary =
        "The file systems are not frozen for the snapshot, and a script that fails makes the backup fail.";
    if (last_backup_succeeded(machine)) return Finding::healthy(summary, std::move(evidence));
    return Finding::needs_operator(summary, std::move(evidence),
                                   "Set \"fsFreezeEnabled\" to true in " + file +
                                       ", unless the scripts themselves make all data consistent.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "freeze-switched-off",
        .title = "The freeze of the file systems is switched off",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"Pre-ScriptExecutionFailed", "Post-ScriptExecutionFailed", "300", "301"},
        .explanation =
            "fsFreezeEnabled in VMSnapshotScriptPluginConfig.json is the only switch of the freeze that has an effect; "
            "fsfreeze in vmbackup.conf has none. Without the freeze the scripts alone make data consistent, and the "
            "extension then fails the backup with them.",
        .source = "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/handle.py",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::freeze_switched_off
