#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/extension_certificate.hpp"
#include "remediations/knowledge/agent/system_access.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::certificate_key_unreadable {

using machine::ErrorKind;
using machine::Machine;

namespace {

/// .NET's English sentence; also NTE_BAD_KEYSET.
constexpr auto no_keyset = "Keyset does not exist";
constexpr auto no_keyset_code = "0x80090016";

Finding diagnose(const Machine& machine) {
    const auto& known = machine.derived<ExtensionCertificate>();
    if (known.error()) return Finding::unknown("the certificate of the extensions' settings", *known.error());
    const auto* certificate = known.certificate();
    if (!certificate || certificate->key_file.empty()) {
        return Finding::not_applicable("No file with the private key of the extensions' certificate is known.");
    }
    const auto sddl = machine.files().security(certificate->key_file);
    if (!sddl && sddl.error().kind == ErrorKind::not_found) {
        return Finding::not_applicable(
            "The file with the private key is missing; extension-certificate-unusable speaks of that.");
    }
    if (!sddl) return Finding::unknown(certificate->key_file, sddl.error());
    const auto descriptor = machine::parse_security_descriptor(*sddl);
    if (!descriptor) return Finding::unknown(certificate->key_file, descriptor.error());
    std::vector<Evidence> evidence{{fmt::format("certificate {}", certificate->thumbprint), certificate->subject, ""},
                                   {certificate->key_file, *sddl, "SYSTEM (S-1-5-18) may read"}};
    if ((rights_of_system(*descriptor) & machine::file_read) == machine::file_read) {
        return Finding::healthy("SYSTEM can read the private key of the extensions' certificate.", std::move(evidence));
    }
    for (const auto log : {Log::extension, Log::commands}) {
        if (const auto* line = machine.derived<LogEvidence>().find_current(log, no_keyset)) {
            evidence.push_back(line->newest.evidence("the settings are decrypted"));
        }
    }
    auto finding = Finding::broken(
        "SYSTEM may not read the private key of the certificate that the extension's settings are encrypted to.",
        std::move(evidence),
        fmt::format("Give SYSTEM full control of the file {}, and of no other, and restart the guest agent.",
                    certificate->key_file));
    finding.subjects = {certificate->key_file};
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& file = finding.subjects.front();
    const auto sddl = changes.machine().files().security(file);
    if (!sddl) return sddl.error();
    const auto wanted = with_full_control_for_system(*sddl, false);
    if (!wanted) return wanted.error();
    const auto set = changes.set_security(file, *wanted);
    return set ? restart_agent(changes) : set;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "certificate-key-unreadable",
        .title = "SYSTEM may not read the key that decrypts the extension's settings",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"ExtensionConfigParsingFailure", "GuestAgentCertificateNotFound"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The settings of the backup extension are encrypted to a certificate whose private key is a file in "
            "MachineKeys or Keys. Where the file's own access list keeps SYSTEM out, the extension cannot decrypt them "
            "(\"Keyset does not exist\"). The fix adds full control for SYSTEM to that one file and restarts the "
            "agent.",
        .source =
            "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/"
            "troubleshoot-extension-certificates-issues-windows-vm",
        .signals = {proof(Log::extension, no_keyset), proof(Log::commands, no_keyset), proof(Log::agent, no_keyset),
                    proof(Log::extension, no_keyset_code), proof(Log::commands, no_keyset_code)},
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::certificate_key_unreadable
