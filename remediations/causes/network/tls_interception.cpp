#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::tls_interception {

namespace {

// What Python's ssl module says, old and new.
constexpr const char* certificate_errors[] = {"CERTIFICATE_VERIFY_FAILED", "certificate verify failed",
                                              "doesn't match either of"};

Finding diagnose(const machine::Machine& machine) {
    const LogLine* error = nullptr;
    for (const auto* text : certificate_errors) {
        if (error == nullptr) error = line_of_unsuccessful_attempt(machine, text);
    }
    const auto* guest_path = error ? guest_path_of_unsuccessful_attempt(machine) : nullptr;
    if (!guest_path) return Finding::healthy("No backup failed because of a certificate.");
    return Finding::needs_operator(
        "The certificate with which storage answered this VM is not one that the VM trusts.",
        {error->evidence("a trusted certificate"), guest_path->evidence("the host takes the snapshots")},
        "Take *.blob.storage.azure.net and *.blob.core.windows.net out of TLS inspection in the firewall or proxy "
        "between this VM and the internet; or let the backup go through the host, which needs no TLS: make "
        "168.63.129.16 reachable. If nothing inspects TLS, check the VM's clock and update its package "
        "ca-certificates.");
}

}  // namespace

extern const Remediation remediation{
    .id = "tls-interception",
    .title = "Something between the VM and storage answers with its own certificate",
    .layer = Layer::network,
    .scope = Scope::linux,
    .error_codes = {"ExtensionSnapshotFailedNoNetwork", "FailedRetryableSnapshotFailedNoNetwork", "76"},
    .disruption = Disruption::none,
    .explanation =
        "Where the backup extension has to ask storage for snapshots itself, it checks storage's certificate. A "
        "firewall that inspects TLS shows its own, and every disk's snapshot fails. Through the host no TLS is used.",
    .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
    .log_lines = {{Log::extension, certificate_errors[0]},
                  {Log::extension, certificate_errors[1]},
                  {Log::extension, certificate_errors[2]},
                  guest_path_lines()[0],
                  guest_path_lines()[1]},
    .consequences = {"no-network-catch-all", "snapshot-conflict"},
    .diagnose = diagnose,
    .fix = nullptr,
};

}  // namespace remediations::causes::tls_interception
