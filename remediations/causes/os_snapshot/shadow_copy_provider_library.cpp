#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::shadow_copy_provider_library {

namespace {

constexpr auto key = R"(HKLM\SYSTEM\CurrentControlSet\Services\swprv\Parameters)";
constexpr auto name = "ServiceDll";
constexpr auto usual = R"(%SystemRoot%\System32\swprv.dll)";

Finding diagnose(const machine::Machine& machine) {
    const auto where = fmt::format("{}\\{}", key, name);
    const auto service = machine.services().find("swprv");
    if (!service && service.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The shadow copy provider's service is not installed.");
    }
    const auto value = registry_text(machine, key, name);
    if (!value) return Finding::unknown(where, value.error());
    const auto library = expand_variables(machine, value->value_or(""));
    const auto expected = expand_variables(machine, usual);
    std::vector<Evidence> evidence{{where, value->value_or("missing"), usual}};
    if (!boost::iequals(library, expected)) {
        return Finding::broken(
            "The Microsoft Software Shadow Copy Provider does not know its library, so it cannot start.",
            std::move(evidence), fmt::format("Set {} to {} (REG_EXPAND_SZ).", where, usual));
    }
    const auto file = machine.files().status(expected);
    if (!file && file.error().kind == machine::ErrorKind::not_found) {
        evidence.push_back({expected, "missing", "a part of Windows"});
        return Finding::needs_operator("The library of the Microsoft Software Shadow Copy Provider is missing.",
                                       std::move(evidence), repair_windows);
    }
    return Finding::healthy("The Microsoft Software Shadow Copy Provider has its library.", std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return changes.set_registry_value(key, name, {machine::RegistryType::expand_string, std::string(usual)});
}

/// VSS could not create the provider's COM class (CO_E_SERVER_EXEC_FAILURE), or the service reports what it did not
/// find.
std::vector<Signal> proofs() {
    std::vector<Signal> all{{.role = Role::proof,
                             .event = {"Application", "VSS", {11, 12292}},
                             .with = {"65ee1dba-8ff4-4a58-ac1c-3470ee2f376a", "0x80080005"}}};
    // ERROR_FILE_NOT_FOUND, ERROR_MOD_NOT_FOUND.
    for (const auto* error : {"2", "126"}) {
        all.push_back({.role = Role::proof,
                       .event = {"System", "Service Control Manager", {7023}},
                       .service = "swprv",
                       .with = {error}});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "shadow-copy-provider-library",
        .title = "The Microsoft Software Shadow Copy Provider does not find its library",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssServiceInBadState", "ExtensionFailedVssWriterInBadState",
                        "ExtensionSnapshotFailed"},
        .disruption = Disruption::none,
        .explanation =
            "The service swprv loads its library from a registry value. Where that is missing or wrong, VSS logs that "
            "the provider's COM class cannot be created (events 11 and 12292), and blames a busy CPU. The fix sets the "
            "value to what Windows has.",
        .source =
            "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/backup-fails-event-12292-11",
        .signals = proofs(),
        .consequences = {"shadow-copy-provider-service", "vss-service", "vss-writer-missing", "vss-writer-failed",
                         "snapshot-set-open", "other-vss-provider", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::shadow_copy_provider_library
