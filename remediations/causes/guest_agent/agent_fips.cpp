#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>

#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_fips {

namespace {

constexpr auto kernel_switch = "/proc/sys/crypto/fips_enabled";
constexpr const char* decryption_lines[] = {"Error in transport decryption", "Error converting PFX to PEM",
                                            "Cannot convert PFX to PEM"};

/// FIPS mode alone is no fault: with AES on Azure's side it works. Only a decryption that failed shows one.
Finding diagnose(const machine::Machine& machine) {
    const auto kernel = machine.files().read(kernel_switch, 64);
    if (!kernel && kernel.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The kernel has no FIPS mode.");
    }
    if (!kernel) return Finding::unknown(kernel_switch, kernel.error());
    const auto value = boost::algorithm::trim_copy(*kernel);
    std::vector<Evidence> evidence{{kernel_switch, value, ""}};
    if (value != "1") return Finding::healthy("The kernel is not in FIPS mode.", std::move(evidence));
    const LogMatch* failure = nullptr;
    for (const auto* text : decryption_lines) {
        if (!failure) failure = machine.derived<LogEvidence>().find_current(Log::agent, text);
    }
    const bool is_over = failure && failure->newest.time && agent_started_since(machine, *failure->newest.time);
    if (!failure || is_over) {
        return Finding::healthy("The kernel is in FIPS mode, and the agent decrypts its certificates.",
                                std::move(evidence));
    }
    evidence.push_back(failure->newest.evidence("certificates are decrypted"));
    return Finding::needs_operator(
        "The kernel is in FIPS mode, and the agent cannot decrypt the certificates that Azure sends.",
        std::move(evidence),
        "Let Azure encrypt them with AES: update the guest agent, set additionalCapabilities.enableFips1403Encryption "
        "of the VM to true (https://aka.ms/linuxagentfipssupport), and restart the agent. Or take the VM out of FIPS "
        "mode.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-fips",
        .title = "In FIPS mode the guest agent cannot decrypt its certificates",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentCertificateNotFound", "GuestAgentSnapshotTaskStatusError"},
        .disruption = Disruption::none,
        .explanation =
            "Azure sends the certificates for extensions encrypted with triple DES, which openssl refuses under FIPS "
            "140-3. The VM has to opt in to AES in Azure, and needs an agent that knows it. OS.EnableFIPS of "
            "waagent.conf does not help there: it only sets OPENSSL_FIPS=1, with which openssl may refuse everything.",
        .source = "https://aka.ms/linuxagentfipssupport",
        .signals = {judged(Log::agent, decryption_lines[0]), judged(Log::agent, decryption_lines[1]),
                    judged(Log::agent, decryption_lines[2])},
        .consequences = {"transport-certificate-missing"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_fips
