#include <fmt/format.h>

#include <array>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::snapshot_from_host {

namespace {

constexpr auto code = "ExtensionFailedTimeoutVMNetworkUnresponsive";
constexpr auto key = R"(HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys)";

struct Setting {
    const char* name;
    const char* wanted;
};
constexpr std::array settings = {Setting{"SnapshotMethod", "firstHostThenGuest"},
                                 Setting{"CalculateSnapshotTimeFromHost", "True"}};

Finding diagnose(const machine::Machine& machine, const Question& question) {
    std::vector<Evidence> evidence;
    bool is_set = true;
    for (const auto& setting : settings) {
        const auto where = fmt::format("{}\\{}", key, setting.name);
        const auto value = registry_text(machine, key, setting.name);
        if (!value) return Finding::unknown(where, value.error());
        evidence.push_back({where, value->value_or("not set"), setting.wanted});
        is_set = is_set && *value && boost::iequals(**value, setting.wanted);
    }
    if (is_set) return Finding::healthy("The extension asks the host for the snapshot first.", std::move(evidence));
    const auto& last = machine.derived<LastRun>();
    const bool is_in_log = !boost::algorithm::ifind_first(last.failure_text(), "VMNetworkUnresponsive").empty();
    const bool is_asked = boost::iequals(question.error_code, code) || question.named;
    if (!is_asked && !is_in_log) {
        return Finding::healthy("No snapshot failed because the VM's network was too slow for it.");
    }
    if (is_in_log) evidence.insert(evidence.begin(), last.evidence().begin(), last.evidence().end());
    return Finding::broken(
        "The VM's own network was too slow to ask for the snapshot, and the extension does not ask the host first.",
        std::move(evidence),
        fmt::format("Set {} to {} and {} to {} (REG_SZ) in {}. Move the backup to a quieter time if it happens again.",
                    settings[0].name, settings[0].wanted, settings[1].name, settings[1].wanted, key));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    for (const auto& setting : settings) {
        const machine::RegistryValue value{machine::RegistryType::string, std::string(setting.wanted)};
        if (auto set = changes.set_registry_value(key, setting.name, value); !set) return set;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "snapshot-from-host",
        .title = "The extension asks for the snapshot through a network that is too slow",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {code},
        .disruption = Disruption::none,
        .explanation =
            "A snapshot of the disks can be asked of the Azure host, or of storage through the VM's own network. Where "
            "the latter is too slow the extension gives up. The fix lets it ask the host first and take the snapshot's "
            "time from there; it is made where the error code, or the extension's log, says so.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::snapshot_from_host
