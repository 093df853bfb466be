#include <fmt/format.h>

#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::wrong_wire_server_answer {

namespace {

constexpr auto no_answer = "Hitting wrong WireServer IP";
/// The extension's code in place of an HTTP status where there was none.
constexpr int no_http_status = 555;

Finding diagnose(const machine::Machine& machine) {
    const auto* line = line_of_unsuccessful_attempt(machine, no_answer);
    const auto* attempt = unsuccessful_attempt(machine);
    const bool is_in_status =
        attempt && (attempt->host_pre_snapshot == no_http_status || attempt->host_do_snapshot == no_http_status);
    if (!line && !is_in_status) return Finding::healthy("The host answered the newest backup.");
    std::vector<Evidence> evidence;
    if (line) evidence.push_back(line->evidence("an HTTP answer of the host"));
    if (is_in_status && !line) {
        evidence.push_back(
            {"the backup extension's log", fmt::format("status {} of the host's service", no_http_status), "200"});
    }
    const auto& wire_server = machine.derived<WireServerProbes>();
    evidence.push_back(wire_server.probes().front().evidence());
    if (!wire_server.reachable()) {
        return Finding::needs_operator(
            fmt::format("The backup extension got no answer from {}, which does not answer now either.",
                        wire_server_address),
            std::move(evidence), fmt::format("Make {} reachable from this VM, TCP 80.", wire_server_address));
    }
    return Finding::needs_operator(
        fmt::format("The backup extension got no answer from {}; now it answers.", wire_server_address),
        std::move(evidence),
        "Back up again. If it fails in the same way, look for what stops the connection at that time: a firewall that "
        "is loaded anew, a VPN that connects, a load that keeps the VM from answering within 40 seconds.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "wrong-wire-server-answer",
        .title = "The host did not answer the backup extension",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "FailedRetryableSnapshotFailedNoNetwork", "76", "15"},
        .disruption = Disruption::none,
        .explanation =
            "The backup extension asks the host for the snapshot at 168.63.129.16, port 80. \"Hitting wrong WireServer "
            "IP\" in its log means that no HTTP answer came at all, so the connection itself failed.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = {judged(Log::extension, no_answer)},
        .consequences = {"no-network-catch-all", "name-resolution", "storage-unreachable", "tls-interception",
                         "snapshot-conflict", "extension-error", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = nullptr,
    };
}

}  // namespace remediations::causes::wrong_wire_server_answer
