#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::sql_copy_backup {

namespace {

constexpr auto key = R"(HKLM\SOFTWARE\Microsoft\BcdrAgent)";
constexpr auto name = "USEVSSCOPYBACKUP";

Finding diagnose(const machine::Machine& machine) {
    const auto writer = machine.services().find("SQLWriter");
    if (!writer && writer.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("SQL Server's VSS writer is not installed.");
    }
    if (!writer) return Finding::unknown("service SQLWriter", writer.error());
    const auto where = fmt::format("{}\\{}", key, name);
    const auto value = registry_text(machine, key, name);
    if (!value) return Finding::unknown(where, value.error());
    std::vector<Evidence> evidence{{where, value->value_or("not set"), "TRUE"}};
    if (*value && boost::iequals(**value, "TRUE")) {
        return Finding::healthy("The extension is told to take copy-only backups of databases.", std::move(evidence));
    }
    return Finding::broken("The extension is not told to take copy-only backups of SQL Server's databases.",
                           std::move(evidence), fmt::format("Set {} to TRUE (REG_SZ).", where))
        .as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return changes.set_registry_value(key, name, {machine::RegistryType::string, std::string("TRUE")});
}

}  // namespace

Remediation remediation() {
    return {
        .id = "sql-copy-backup",
        .title = "VM backups are full backups of SQL Server's databases",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {},
        .disruption = Disruption::none,
        .explanation =
            "A full VSS backup cuts SQL Server's chain of differential and log backups and can delay the snapshot. "
            "Microsoft's pages contradict one another: by the older ones full is the default and this value makes it "
            "copy-only, by the newer ones copy-only is. Look in msdb.dbo.backupset whether the VM's backups have "
            "is_copy_only = 0, and set it only then; so it is done where it is asked for by name alone.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .on_request = true,
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::sql_copy_backup
