#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::vss_access_control {

namespace {

constexpr auto key = R"(HKLM\SYSTEM\CurrentControlSet\Services\VSS\VssAccessControl)";
/// Setup writes this name in every language; a localized one may be there too.
constexpr auto network_service = R"(NT Authority\NetworkService)";
/// The spelling in Microsoft's article.
constexpr auto network_service_with_blank = R"(NT AUTHORITY\NETWORK SERVICE)";

/// VSS 8213: a writer runs under an account that may not be a writer.
EventPattern writer_without_rights() {
    return {"Application", "VSS", {8213}};
}

/// Judges only the value of Network Service. The account in the event is "NT AUTHORITY\NETWORK SERVICE" in the system's
/// language, so it is not compared.
Finding diagnose(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    bool is_denied = false;
    bool is_allowed = false;
    for (const auto* name : {network_service, network_service_with_blank}) {
        const auto where = fmt::format("{}\\{}", key, name);
        const auto value = registry_number(machine, key, name);
        if (!value) return Finding::unknown(where, value.error());
        if (!*value) continue;
        evidence.push_back({where, std::to_string(**value), "1"});
        (**value == 1 ? is_allowed : is_denied) = true;
    }
    const auto& last = machine.derived<LastRun>();
    const machine::Event* refused = nullptr;
    for (const auto* event : machine.derived<EventEvidence>().find(writer_without_rights())) {
        if (refused == nullptr && last.bearing_of(event->time) == LastRun::Bearing::current) refused = event;
    }
    if (refused) evidence.push_back(evidence_of(*refused, "no writer without rights"));
    if (is_denied) {
        return Finding::broken(
            "VSS denies its writers that run as Network Service, the System Writer among them.", std::move(evidence),
            fmt::format("Set {} in {} to 1 (REG_DWORD) and restart Cryptographic Services.", network_service, key));
    }
    const auto missing = [&] {
        return Finding::broken("The list of accounts that may be VSS writers has no entry for Network Service.",
                               evidence,
                               fmt::format("Set {} in {} to 1 (REG_DWORD) and restart Cryptographic Services, where "
                                           "the System Writer lives.",
                                           network_service, key));
    };
    if (!is_allowed && !refused && registry_key_exists(machine, key) == true) {
        evidence.push_back({fmt::format("{}\\{}", key, network_service), "missing", "1"});
        return last.is_failure() ? missing() : missing().as_risk();
    }
    if (refused && !is_allowed) {
        return Finding::broken(
            "A VSS writer runs under an account that VSS does not let be a writer.", std::move(evidence),
            fmt::format("Set {} in {} to 1 (REG_DWORD) and restart the writer's service.", network_service, key));
    }
    return Finding::healthy("VSS lets the writers that run as Network Service take part.", std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const machine::RegistryValue allowed{machine::RegistryType::dword, std::uint64_t{1}};
    bool is_set = false;
    for (const auto* name : {network_service, network_service_with_blank}) {
        const auto value = registry_number(changes.machine(), key, name);
        if (!value) return value.error();
        if (!*value) continue;
        is_set = true;
        if (auto set = changes.set_registry_value(key, name, allowed); !set) return set;
    }
    if (!is_set) {
        if (auto set = changes.set_registry_value(key, network_service_with_blank, allowed); !set) return set;
    }
    // The home of the System Writer, which asks for its rights when it starts.
    constexpr auto writer_service = "CryptSvc";
    const auto service = changes.machine().services().find(writer_service);
    const bool runs = service && service->state == machine::ServiceState::running;
    return runs ? changes.restart_service(writer_service) : machine::Result<void>();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-access-control",
        .title = "VSS denies the writers of Network Service",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed", "VMRestorePointClientError"},
        .disruption = Disruption::service_restart,
        .explanation =
            "A list in the registry says which accounts may be VSS writers. Where Network Service is not in it, or "
            "with another value than 1, the System Writer and others disappear (event VSS 8213). The fix sets it to 1 "
            "and restarts Cryptographic Services, where the System Writer lives.",
        .source =
            "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/"
            "system-writer-not-found-in-backup",
        .signals = {judged(writer_without_rights()), proof(writer_without_rights())},
        .consequences = {"vss-writers-not-reached", "vss-writer-missing", "vss-writer-failed", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::vss_access_control
