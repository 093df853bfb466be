#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/script_framework.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::plugin_host_configuration {

namespace {

constexpr std::uint32_t wanted_mode = 0644;
constexpr std::uint32_t writable_by_others = 022;

Finding diagnose(const machine::Machine& machine) {
    const auto host = read_plugin_host(machine);
    if (!host) return Finding::unknown("VMSnapshotPluginHost.conf", host.error());
    const bool has_scripts = machine.files().status(host->script_configuration).has_value();
    if (!host->is_own_of_machine && !has_scripts) {
        return Finding::not_applicable("No scripts are to run before and after the snapshot.");
    }
    if (host->file.empty()) {
        return weighed_as_script_fault(
            Finding::needs_operator(
                "Scripts are configured, but VMSnapshotPluginHost.conf, which leads to them, is missing.",
                {{"main/VMSnapshotPluginHost.conf of the extension", "missing", "there"}},
                "Have the backup extension installed again: see backup-extension-state."),
            std::nullopt, machine);
    }
    if (host->faults.empty()) {
        return Finding::healthy("The extension can read VMSnapshotPluginHost.conf.",
                                {{host->file, "mode " + mode_digits(host->status.mode), "readable, of root"}});
    }
    std::vector<Evidence> evidence;
    bool only_mode = true;
    for (const auto& fault : host->faults) {
        evidence.push_back(fault.evidence);
        only_mode = only_mode && fault.code == 314;
    }
    const auto summary =
        fmt::format("The extension refuses {}, so the scripts before and after the snapshot do not run.", host->file);
    // Whoever could write it decides what root runs, so a person must read such a file first.
    if (only_mode && host->status.uid == 0 && (host->status.mode & writable_by_others) == 0) {
        return weighed_as_script_fault(
            Finding::broken(summary, std::move(evidence), fmt::format("Run `chmod {:o} {}`.", wanted_mode, host->file)),
            std::nullopt, machine);
    }
    const auto action = !only_mode && !host->is_own_of_machine
                            ? std::string("Have the backup extension installed again: see backup-extension-state.")
                            : fmt::format("Read {} and correct it, then run `chown root {}` and `chmod 644 {}`.",
                                          host->file, host->file, host->file);
    return weighed_as_script_fault(Finding::needs_operator(summary, std::move(evidence), action), std::nullopt,
                                   machine);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto host = read_plugin_host(changes.machine());
    if (!host) return host.error();
    return changes.set_permissions(host->file, {wanted_mode, host->status.uid, host->status.gid});
}

}  // namespace

Remediation remediation() {
    return {
        .id = "plugin-host-configuration",
        .title = "VMSnapshotPluginHost.conf cannot be used",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"IncorrectPluginhostFile", "304", "313", "314", "315"},
        .disruption = Disruption::none,
        .explanation =
            "VMSnapshotPluginHost.conf, in /etc/azure or in the extension's folder, says where the scripts before and "
            "after the snapshot are configured. It must belong to root and not be writable or executable for others. "
            "The fix corrects the mode where nobody but root could write the file; another one is for a person to read "
            "first, because root runs what it leads to.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-linux-app-consistent",
        .consequences = {"script-configuration", "script-failed"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::plugin_host_configuration
