#include <fmt/format.h>

#include "remediations/knowledge/azure/effective_network.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::storage_unreachable {

using machine::ErrorKind;

namespace {

// Python's errors for a failed connection.
constexpr const char* connection_errors[] = {
    "Failed to call http with error: timed out",   "Failed to call http with error: [Errno 110]",
    "Failed to call http with error: [Errno 111]", "Failed to call http with error: [Errno 113]",
    "Failed to call http with error: [Errno 101]", "Failed to call http with error: [Errno 104]"};

const LogLine* connection_error(const machine::Machine& machine) {
    for (const auto* text : connection_errors) {
        if (const auto* line = line_of_unsuccessful_attempt(machine, text)) return line;
    }
    return nullptr;
}

std::vector<LogPattern> log_lines() {
    auto lines = guest_path_lines();
    for (const auto* text : connection_errors) lines.push_back({Log::extension, text});
    return lines;
}

/// Returns true if the server answered. TLS refuses a plain request in one of several ways, so a refusal is an answer
/// too.
bool is_connection(const machine::Result<machine::HttpResponse>& answer) {
    if (answer) return true;
    const auto kind = answer.error().kind;
    return kind != ErrorKind::refused && kind != ErrorKind::timed_out && kind != ErrorKind::unreachable &&
           kind != ErrorKind::not_found;
}

/// Where Azure may be asked, it names the route or the rule.
void add_view_of_azure(const machine::Machine& machine, std::vector<Evidence>& evidence) {
    if (!machine.azure().access()) return;
    auto blocking = azure::what_may_block_storage(machine);
    if (!blocking) {
        evidence.push_back({"routes and rules of Azure's network", blocking.error().message, "an answer"});
        return;
    }
    evidence.insert(evidence.end(), blocking->begin(), blocking->end());
}

Finding diagnose(const machine::Machine& machine) {
    const auto* guest_path = guest_path_of_unsuccessful_attempt(machine);
    const auto* error = guest_path ? connection_error(machine) : nullptr;
    if (!error) return Finding::healthy("No backup failed for want of a connection to storage.");
    const auto host = storage_host_in(guest_path->text);
    std::vector<Evidence> evidence{error->evidence("an answer"), guest_path->evidence("the host takes the snapshots")};
    const auto answer = machine.network().get({.host = host, .port = 443, .path = "/", .headers = {}});
    if (!answer && answer.error().kind == ErrorKind::not_captured) return Finding::unknown(host, answer.error());
    if (!answer && answer.error().kind == ErrorKind::not_found) {
        return Finding::healthy("Storage is not asked: its name cannot be resolved.", std::move(evidence));
    }
    const auto where = fmt::format("{}:443", host);
    if (is_connection(answer)) {
        evidence.push_back({where, "accepts connections", "accepts connections"});
        return Finding::healthy("Storage did not answer in the newest backup and does now.", std::move(evidence));
    }
    evidence.push_back({where, answer.error().message, "accepts connections"});
    add_view_of_azure(machine, evidence);
    return Finding::needs_operator(
        fmt::format("This VM cannot connect to {}, the storage of its disks, on TCP 443.", host), std::move(evidence),
        "Let the backup go through the host, which needs no way to storage: make 168.63.129.16 reachable, and remove "
        "SnapshotMethod from /etc/azure/vmbackup.conf if it is there. Else allow outbound TCP 443 to the service tag "
        "Storage in firewalls and network security groups. A proxy does not help: the extension uses none.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "storage-unreachable",
        .title = "The VM cannot reach the storage account of its disks",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "FailedRetryableSnapshotFailedNoNetwork", "76"},
        .disruption = Disruption::none,
        .explanation =
            "Where the host's snapshot service does not answer, the backup extension asks storage itself over TCP 443. "
            "Only then does a backup need a way out of the virtual network, so it is tried only where the newest "
            "backup went that way and could not connect. Where Azure may be asked (setting azure), the routes and the "
            "rules of network security groups that may block it are named.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = all_judged(log_lines()),
        .consequences = {"no-network-catch-all", "snapshot-conflict", "extension-error", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = nullptr,
    };
}

}  // namespace remediations::causes::storage_unreachable
