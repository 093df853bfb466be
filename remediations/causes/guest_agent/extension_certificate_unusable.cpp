#include <fmt/chrono.h>
#include <fmt/format.h>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/extension_certificate.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_certificate_unusable {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

std::string day(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%d}", std::chrono::floor<std::chrono::seconds>(time));
}

/// Returns why the certificate cannot be used; nullopt where it can.
Result<std::optional<Evidence>> fault_of(const Machine& machine, const machine::StoredCertificate& certificate) {
    const auto where =
        fmt::format("certificate {} in LocalMachine\\{}", certificate.thumbprint, ExtensionCertificate::store);
    if (!certificate.has_private_key) return std::optional(Evidence{where, "has no private key", "a private key"});
    if (certificate.key_file.empty()) return std::optional<Evidence>();
    const auto status = machine.files().status(certificate.key_file);
    if (!status && status.error().kind != ErrorKind::not_found) return status.error();
    if (status && status->size > 0) return std::optional<Evidence>();
    return std::optional(Evidence{certificate.key_file, status ? "empty" : "missing", "its private key"});
}

Finding diagnose(const Machine& machine) {
    const auto& known = machine.derived<ExtensionCertificate>();
    if (known.error()) return Finding::unknown("the certificate of the extensions' settings", *known.error());
    const auto* certificate = known.certificate();
    std::vector<Evidence> evidence;
    if (!known.wanted_thumbprint().empty()) {
        evidence.push_back({known.settings_file(), "encrypted to " + known.wanted_thumbprint(), ""});
    }
    if (!certificate && known.wanted_thumbprint().empty()) {
        return Finding::not_applicable("The backup extension has no encrypted settings yet.");
    }
    const auto weigh = [&](Finding finding) {
        return newest_backup_succeeded(machine) ? std::move(finding).as_risk() : finding;
    };
    if (!certificate) {
        evidence.push_back({fmt::format("LocalMachine\\{}", ExtensionCertificate::store),
                            "no certificate " + known.wanted_thumbprint(), "that certificate"});
        return weigh(Finding::broken(
            "The certificate that the backup extension's settings are encrypted to is missing.", std::move(evidence),
            "Restart RdAgent and WindowsAzureGuestAgent, which bring it again. If it stays away, reapply the VM: az vm "
            "reapply --resource-group GROUP --name VM"));
    }
    const auto fault = fault_of(machine, *certificate);
    if (!fault) return Finding::unknown(certificate->key_file, fault.error());
    evidence.push_back({fmt::format("certificate {}", certificate->thumbprint),
                        fmt::format("{}, issued by {}, {} to {}", certificate->subject, certificate->issuer,
                                    day(certificate->not_before), day(certificate->not_after)),
                        "valid now, with its private key"});
    if (*fault) {
        evidence.push_back(**fault);
        auto finding = Finding::broken(
            "The private key of the certificate that the extension's settings are encrypted to is gone.",
            std::move(evidence),
            fmt::format("Delete the certificate {} (certlm.msc, Personal) and restart RdAgent and "
                        "WindowsAzureGuestAgent, which bring it again with its key. If that fails, reapply the VM: az "
                        "vm reapply --resource-group GROUP --name VM",
                        certificate->thumbprint));
        finding.subjects = {certificate->thumbprint};
        return weigh(std::move(finding));
    }
    const auto now = machine.facts().now;
    if (now > certificate->not_after || now < certificate->not_before) {
        return Finding::needs_operator(
                   fmt::format("The certificate of the extensions' settings is valid from {} to {} only.",
                               day(certificate->not_before), day(certificate->not_after)),
                   std::move(evidence),
                   "See that the clock of the VM is right. If it is, reapply the VM (az vm reapply --resource-group "
                   "GROUP --name VM), or deallocate and start it, which brings a new certificate.")
            .as_risk();
    }
    return Finding::healthy("The certificate of the extensions' settings and its key are there.", std::move(evidence));
}

/// Waits for the certificate: the agent fetches certificates with its first goal state, some seconds after its start.
Result<void> wait_for_certificate(const Changes& changes) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
        const ExtensionCertificate now(changes.machine());
        const auto fault = now.certificate() ? fault_of(changes.machine(), *now.certificate())
                                             : machine::Error::not_found("no certificate");
        if (fault && !*fault) return {};
        if (!changes.machine().wait(std::chrono::milliseconds(500))) break;
    }
    return machine::Error::timed_out("the agent brought no certificate within 60 seconds of its restart");
}

Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& thumbprint : finding.subjects) {
        if (auto removed = changes.remove_certificate(ExtensionCertificate::store, thumbprint); !removed) {
            return removed;
        }
    }
    const auto restarted = restart_agent(changes);
    return !restarted || changes.is_plan() ? restarted : wait_for_certificate(changes);
}

constexpr auto not_decrypted = "FailedToDecryptProtectedSettings";

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-certificate-unusable",
        .title = "The certificate for the extensions' settings is missing or without its key",
        .layer = Layer::guest_agent,
        .scope = Scope::windows,
        .error_codes = {"GuestAgentCertificateNotFound", "ExtensionConfigParsingFailure"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "Azure encrypts the settings of extensions to a certificate that the agent keeps in the computer's "
            "personal store, issued by \"Windows Azure CRP Certificate Generator\". When it or its private key is "
            "gone, the extension cannot read its settings. The fix removes a certificate without key, restarts the "
            "agent, which fetches it again, and waits for it; where it does not come, the old state is put back.",
        .source =
            "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/"
            "troubleshoot-extension-certificates-issues-windows-vm",
        .signals = {proof(Log::agent, not_decrypted), proof(Log::extension, not_decrypted),
                    proof(Log::commands, not_decrypted)},
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::extension_certificate_unusable
