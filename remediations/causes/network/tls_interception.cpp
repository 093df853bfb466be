#include <algorithm>

#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::tls_interception {

namespace {

// Texts of old and new versions of Python's ssl module.
constexpr const char* certificate_errors[] = {"CERTIFICATE_VERIFY_FAILED", "certificate verify failed",
                                              "doesn't match either of"};

/// The files in which distributions keep the authorities that Python's ssl trusts.
constexpr const char* bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                   "/etc/pki/tls/certs/ca-bundle.crt",
                                   "/etc/ssl/ca-bundle.pem",
                                   "/etc/ssl/cert.pem",
                                   "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                   "/var/lib/ca-certificates/ca-bundle.pem"};

/// Returns true if none of them exists. A capture that has none of the folders does not tell.
bool is_without_bundle(const machine::Machine& machine) {
    const bool is_known = machine.files().list("/etc/ssl").has_value() || machine.files().list("/etc/pki").has_value();
    return is_known && std::ranges::all_of(bundles, [&](const char* bundle) {
               const auto status = machine.files().status(bundle);
               return !status && status.error().kind == machine::ErrorKind::not_found;
           });
}

Finding diagnose(const machine::Machine& machine) {
    const LogLine* error = nullptr;
    for (const auto* text : certificate_errors) {
        if (error == nullptr) error = line_of_unsuccessful_attempt(machine, text);
    }
    const auto* guest_path = error ? guest_path_of_unsuccessful_attempt(machine) : nullptr;
    if (!guest_path) return Finding::healthy("No backup failed because of a certificate.");
    if (is_without_bundle(machine)) {
        return Finding::needs_operator(
            "This VM has no bundle of trusted authorities (CA certificates), so it trusts the TLS certificate of no "
            "storage.",
            {error->evidence("a trusted certificate"), {bundles[0], "missing, as are the other usual ones", "a file"}},
            "Install the package ca-certificates again and run update-ca-certificates (Debian, Ubuntu, SUSE) or "
            "update-ca-trust (RHEL, Azure Linux); see that SSL_CERT_FILE names no file that is missing. Then back up "
            "again.");
    }
    // The names that OpenSSL has for it, X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
    constexpr std::string_view dates[] = {"not yet valid", "has expired"};
    if (std::ranges::any_of(dates, [&](auto text) { return error->text.find(text) != std::string::npos; })) {
        return Finding::needs_operator(
            "By the clock of this VM the certificate with which storage answered is not valid now.",
            {error->evidence("a certificate that is valid now")},
            "Compare this VM's clock with the time of Azure (date -u; curl -sI http://168.63.129.16/ has a Date) and "
            "set "
            "it right: start the time service. If the clock is right, something between this VM and storage answers "
            "with an old certificate of its own.");
    }
    return Finding::needs_operator(
        "The certificate with which storage answered this VM is not one that the VM trusts.",
        {error->evidence("a trusted certificate"), guest_path->evidence("the host takes the snapshots")},
        "Take *.blob.storage.azure.net and *.blob.core.windows.net out of TLS inspection in the firewall or proxy "
        "between this VM and the internet; or let the backup go through the host, which needs no TLS: make "
        "168.63.129.16 reachable. If nothing inspects TLS, check the VM's clock and update its package "
        "ca-certificates.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "tls-interception",
        .title = "Something between the VM and storage answers with its own certificate",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "FailedRetryableSnapshotFailedNoNetwork", "76"},
        .disruption = Disruption::none,
        .explanation =
            "Where the backup extension has to ask storage for snapshots itself, it checks storage's certificate. A "
            "firewall that inspects TLS shows its own, and every disk's snapshot fails. Through the host no TLS is "
            "used.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = {judged(Log::extension, certificate_errors[0]), judged(Log::extension, certificate_errors[1]),
                    judged(Log::extension, certificate_errors[2]), judged(guest_path_lines()[0]),
                    judged(guest_path_lines()[1])},
        .consequences = {"no-network-catch-all", "snapshot-conflict", "extension-error", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = nullptr,
    };
}

}  // namespace remediations::causes::tls_interception
