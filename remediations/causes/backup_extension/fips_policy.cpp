#include <fmt/format.h>

#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::fips_policy {

using machine::Machine;

namespace {

constexpr auto key = R"(HKLM\SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy)";
constexpr auto name = "Enabled";
/// .NET's sentence is translated, but neither this word in it nor the exception's name.
constexpr auto mark = "FIPS";
constexpr auto exception = "InvalidOperationException";

Finding diagnose(const Machine& machine) {
    const auto enabled = registry_number(machine, key, name);
    if (!enabled) return Finding::unknown(fmt::format("{}\\{}", key, name), enabled.error());
    if (enabled->value_or(0) == 0) return Finding::healthy("Windows is not in FIPS mode.");
    std::vector<Evidence> evidence{{fmt::format("{}\\{}", key, name), std::to_string(**enabled), ""}};
    const auto* match = machine.derived<LogEvidence>().find_current(Log::extension, mark);
    if (!match || match->newest.text.find(exception) == std::string::npos) {
        return Finding::healthy("Windows is in FIPS mode, and the extension does not complain.", std::move(evidence));
    }
    evidence.push_back(match->newest.evidence("every algorithm of the program is allowed"));
    return Finding::needs_operator(
        "Windows is in FIPS mode, which forbids an algorithm that the program uses.", std::move(evidence),
        fmt::format(
            R"(Let Azure install the newest version of the extension. If it fails again, decide with whoever is )"
            R"(responsible for security whether this VM needs FIPS mode: the policy "System cryptography: Use )"
            R"(FIPS compliant algorithms" sets {}\{}; 0 switches it off at the next restart.)",
            key, name));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "windows-fips-policy",
        .title = "Windows' FIPS mode forbids an algorithm that backup uses",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailed", "ExtensionConfigParsingFailure"},
        .explanation =
            "In FIPS mode .NET Framework refuses every implementation of an algorithm that was not validated, and the "
            "program that uses one ends with InvalidOperationException. Programs that use validated ones work in FIPS "
            "mode, so it counts only where one failed. It protects the machine: nothing is changed from here.",
        .source = "https://learn.microsoft.com/dotnet/standard/security/fips-compliance",
        .signals = {judged(Log::extension, mark),
                    {.role = Role::proof, .line = {Log::extension, mark}, .with = {exception}, .heals_unsaid = true}},
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::fips_policy
