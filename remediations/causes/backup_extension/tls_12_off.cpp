#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::tls_12_off {

namespace {

constexpr auto key = R"(HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Client)";
constexpr auto enabled = "Enabled";
constexpr auto off_by_default = "DisabledByDefault";

Finding diagnose(const machine::Machine& machine) {
    const auto is_enabled = registry_number(machine, key, enabled);
    if (!is_enabled) return Finding::unknown(std::string(key) + "\\" + enabled, is_enabled.error());
    const auto is_off = registry_number(machine, key, off_by_default);
    if (!is_off) return Finding::unknown(std::string(key) + "\\" + off_by_default, is_off.error());
    std::vector<Evidence> evidence;
    if (*is_enabled == std::uint64_t{0}) {
        evidence.push_back({std::string(key) + "\\" + enabled, "0", "1, or not set"});
    }
    if (is_off->value_or(0) != 0) {
        evidence.push_back({std::string(key) + "\\" + off_by_default, std::to_string(**is_off), "0, or not set"});
    }
    if (evidence.empty()) return Finding::healthy("Windows uses TLS 1.2 for connections that it makes.");
    auto finding = Finding::broken(
        "TLS 1.2 is switched off for connections that Windows makes, and Azure accepts nothing older.",
        std::move(evidence),
        fmt::format("Set {} to 1 and {} to 0 in {}, and restart the VM.", enabled, off_by_default, key));
    finding.changes_security = true;
    // A snapshot that is asked of the host needs no secure connection.
    return machine.derived<LastRun>().end() == LastRun::End::succeeded ? std::move(finding).as_risk() : finding;
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const machine::RegistryValue on{machine::RegistryType::dword, std::uint64_t{1}};
    const machine::RegistryValue off{machine::RegistryType::dword, std::uint64_t{0}};
    if (auto set = changes.set_registry_value(key, enabled, on); !set) return set;
    return changes.set_registry_value(key, off_by_default, off);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "tls-12-off",
        .title = "TLS 1.2 is switched off for connections that Windows makes",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedNoSecureNetwork"},
        .disruption = Disruption::workload,
        .explanation =
            "Windows' own TLS (Schannel) can be told which versions it uses. With TLS 1.2 off, no program of Windows "
            "reaches Azure's storage. The fix switches it on, where the settings allow it, because other programs' "
            "connections change with it; it counts from the next start of the VM.",
        .source = "https://learn.microsoft.com/windows-server/security/tls/tls-registry-settings",
        .consequences = {"strong-crypto-off", "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::tls_12_off
