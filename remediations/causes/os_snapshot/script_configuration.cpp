#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/script_framework.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::script_configuration {

namespace {

machine::Path scripts_file(const machine::Machine& machine) {
    const auto host = read_plugin_host(machine);
    return host ? host->script_configuration : usual_script_configuration;
}

/// Returns evidence of a missing script; nullopt where it is a file.
std::optional<Evidence> missing_script(const machine::Machine& machine, const std::string& role,
                                       const std::string& path) {
    if (path.empty()) return Evidence{role + " script", "no path", "the path of a script"};
    const auto status = machine.files().status(path);
    if (!status) {
        if (status.error().kind != machine::ErrorKind::not_found) return std::nullopt;
        return Evidence{role + " script", path + " does not exist", "a file"};
    }
    if (status->kind == machine::FileKind::directory) {
        return Evidence{role + " script", path + " is a folder", "a file"};
    }
    return std::nullopt;
}

Finding diagnose(const machine::Machine& machine) {
    const auto file = scripts_file(machine);
    const auto scripts = read_scripts(machine, file);
    if (!scripts) {
        if (scripts.error().kind != machine::ErrorKind::not_found) return Finding::unknown(file, scripts.error());
        return Finding::healthy("No scripts are to run before and after the snapshot.");
    }
    if (!scripts->configuration) {
        return weighed_as_script_fault(
            Finding::needs_operator(
                fmt::format("The extension cannot use {} (code {}), so no script runs.", file, scripts->fault->code),
                {scripts->fault->evidence},
                fmt::format("Correct {} at this place; the template is tempPlugin/"
                            "VMSnapshotScriptPluginConfig.json in the extension's folder.",
                            file)),
            std::nullopt, machine);
    }
    const auto& configuration = *scripts->configuration;
    auto evidence = configuration.oddities;
    if (configuration.pre_script.empty() && configuration.post_script.empty()) {
        evidence.push_back({file, "both script paths are empty, as in the template", "paths, or no such file"});
        const auto summary = fmt::format(
            "{} is the template with no script in it: every backup reports that the script is missing.", file);
        if (!configuration.freezes) {
            // Without the file the freeze would be on again.
            return Finding::needs_operator(
                summary, std::move(evidence),
                fmt::format("Enter the paths of the scripts, or remove {}, which also switches the freeze on again.",
                            file));
        }
        return weighed_as_script_fault(
            Finding::broken(summary, std::move(evidence),
                            fmt::format("Enter the paths of the scripts, or remove {}.", file)),
            scripts->configuration, machine);
    }
    const auto sound = evidence.size();
    for (const auto& [role, path] :
         {std::pair{"pre", &configuration.pre_script}, std::pair{"post", &configuration.post_script}}) {
        if (auto missing = missing_script(machine, role, *path)) evidence.push_back(std::move(*missing));
    }
    if (evidence.size() > sound) {
        return weighed_as_script_fault(
            Finding::needs_operator(
                fmt::format("A script that {} names is not there.", file), std::move(evidence),
                fmt::format("Put both scripts where {} says, owned by root with mode 700, or correct the "
                            "paths. A script that does nothing is one line: exit 0.",
                            file)),
            scripts->configuration, machine);
    }
    if (!configuration.oddities.empty()) {
        return Finding::needs_operator(fmt::format("{} has values that do not mean what they say.", file),
                                       std::move(evidence), "Write true and false without quotes.")
            .as_risk();
    }
    return Finding::healthy(
        "The scripts before and after the snapshot are configured and there.",
        {{file, fmt::format("{} and {}", configuration.pre_script, configuration.post_script), "both there"}});
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return changes.quarantine(scripts_file(changes.machine()));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "script-configuration",
        .title = "The scripts before and after the snapshot are configured wrongly",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"IncorrectJSONConfigFile", "Pre-ScriptNotFound", "Post-ScriptNotFound", "302", "303", "305"},
        .disruption = Disruption::none,
        .explanation =
            "VMSnapshotScriptPluginConfig.json names the scripts that make a backup consistent for applications. The "
            "extension needs valid JSON, both paths, and numbers and booleans without quotes. The template copied "
            "unchanged has no paths, so that every backup reports a missing script: the fix moves such a file to "
            "quarantine, which changes nothing else. What is wrong in a file that names scripts is for its author.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-linux-app-consistent",
        .consequences = {"script-failed"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::script_configuration
