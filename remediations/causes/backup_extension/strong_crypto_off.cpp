#include <fmt/format.h>

#include <array>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations::causes::strong_crypto_off {

using machine::Machine;

namespace {

constexpr auto code = "ExtensionSnapshotFailedNoSecureNetwork";
constexpr auto name = "SchUseStrongCrypto";
constexpr std::array keys = {R"(HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319)",
                             R"(HKLM\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v4.0.30319)",
                             R"(HKLM\SOFTWARE\Microsoft\.NETFramework\v2.0.50727)",
                             R"(HKLM\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v2.0.50727)"};
/// .NET's own name for the error, which is never translated, and its English sentence.
constexpr std::array marks = {"SecureChannelFailure", "Could not create SSL/TLS secure channel"};

/// Returns evidence that a secure connection of the extension failed since the last good backup.
std::vector<Evidence> failed_connections(const Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto* mark : marks) {
        if (const auto* match = machine.derived<LogEvidence>().find_current(Log::extension, mark)) {
            evidence.push_back(match->newest.evidence("a secure connection"));
        }
    }
    const auto& last = machine.derived<LastRun>();
    if (evidence.empty() && !boost::algorithm::ifind_first(last.failure_text(), "NoSecureNetwork").empty()) {
        evidence = last.evidence();
    }
    return evidence;
}

Finding diagnose(const Machine& machine, const Question& question) {
    auto evidence = failed_connections(machine);
    const bool failed = !evidence.empty() || boost::iequals(question.error_code, code);
    std::vector<std::string> off;
    for (const auto* key : keys) {
        const auto exists = registry_key_exists(machine, key);
        if (!exists) {
            return Finding::unknown(key, machine::Error::failed("it cannot be told whether it exists"));
        }
        if (!*exists) continue;
        const auto value = registry_number(machine, key, name);
        if (!value) return Finding::unknown(std::string(key) + "\\" + name, value.error());
        const bool is_on = *value && **value != 0;
        // Unset is what Windows comes with, and newer programs of .NET do not need it.
        const bool is_off = failed ? !is_on : *value == std::uint64_t{0};
        evidence.push_back({std::string(key) + "\\" + name, *value ? std::to_string(**value) : "not set", "1"});
        if (is_off) off.emplace_back(key);
    }
    if (off.empty()) {
        return Finding::healthy(failed
                                    ? ".NET is told to use TLS 1.2 everywhere; a secure connection failed for another "
                                      "reason."
                                    : "Nothing keeps .NET from using TLS 1.2.",
                                std::move(evidence));
    }
    auto finding =
        Finding::broken(failed ? "The extension could not make a secure connection, and .NET is not told to use "
                                 "TLS 1.2."
                               : ".NET is told to use old versions of TLS, which Azure does not accept.",
                        std::move(evidence), fmt::format("Set {} to 1 (REG_DWORD) for every version of .NET.", name));
    finding.subjects = std::move(off);
    finding.changes_security = true;
    return failed ? finding : std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& key : finding.subjects) {
        const machine::RegistryValue on{machine::RegistryType::dword, std::uint64_t{1}};
        if (auto set = changes.set_registry_value(key, name, on); !set) return set;
    }
    return {};
}

std::vector<LogPattern> patterns() {
    std::vector<LogPattern> all;
    for (const auto* mark : marks) all.push_back({Log::extension, mark});
    return all;
}

std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto* mark : marks) {
        all.push_back({.role = Role::proof, .line = {Log::extension, mark}, .heals_unsaid = true});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "strong-crypto-off",
        .title = ".NET is not told to use TLS 1.2",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {code},
        .disruption = Disruption::none,
        .explanation =
            "Programs built for .NET before 4.6 use TLS 1.2 only where SchUseStrongCrypto says so, and Azure accepts "
            "nothing older. The fix sets it for every .NET that is there, in the 64- and the 32-bit registry; programs "
            "read it when they start. Unset is what Windows comes with, and counts only where a secure connection "
            "failed.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = joined({all_judged(patterns()), proofs()}),
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::strong_crypto_off
