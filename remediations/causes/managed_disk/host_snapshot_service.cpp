#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::host_snapshot_service {

namespace {

constexpr auto not_running = "BHS is not runnning on host machine";  // spelt so
constexpr auto remote_error = "FailedHostSnapshotRemoteServerError";
/// The extension's codes for HTTP 500 without an error of the service, and for an answer without content.
constexpr int service_down[] = {556, 557};

/// Returns the code with which the attempt says so.
std::optional<int> service_status(const BackupAttempt& attempt) {
    for (const auto& status : {attempt.host_pre_snapshot, attempt.host_do_snapshot, attempt.result}) {
        if (status && std::ranges::find(service_down, *status) != std::end(service_down)) return status;
    }
    return std::nullopt;
}

Finding diagnose(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    for (const auto* text : {not_running, remote_error}) {
        if (const auto* line = line_of_unsuccessful_attempt(machine, text)) {
            evidence.push_back(line->evidence("HTTP 200"));
        }
    }
    const auto* attempt = unsuccessful_attempt(machine);
    if (const auto status = attempt ? service_status(*attempt) : std::nullopt) {
        evidence.push_back(
            {"the backup extension's log", fmt::format("status {} of the host's service", *status), "200"});
    }
    if (evidence.empty()) return Finding::healthy("The host's snapshot service did not fail the newest backup.");
    return Finding::needs_operator(
        "The service on the host that takes the snapshots did not work. This is a fault of the platform.",
        std::move(evidence),
        "Back up again later. If it fails in the same way, stop (deallocate) and start the VM, which puts it on "
        "another host, when that suits, or open a support case with these lines.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "host-snapshot-service",
        .title = "The host's snapshot service did not work",
        .layer = Layer::managed_disk,
        .scope = Scope::linux,
        .error_codes = {"FailedHostSnapshotRemoteServerError", "556", "557", "ExtensionSnapshotFailedNoNetwork"},
        .disruption = Disruption::none,
        .explanation =
            "The backup extension asks a service on the VM's host for the snapshots. Where that does not run, the host "
            "answers HTTP 500, and the extension notes 556; 557 is an answer without content. Nothing inside the VM "
            "can repair it.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = {judged(Log::extension, not_running), judged(Log::extension, remote_error)},
        .consequences = {"no-network-catch-all", "name-resolution", "storage-unreachable", "tls-interception",
                         "snapshot-conflict", "extension-error", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::host_snapshot_service
