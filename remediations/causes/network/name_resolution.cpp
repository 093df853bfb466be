#include <fmt/format.h>

#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::name_resolution {

using machine::ErrorKind;

namespace {

// Python's errors for those of the resolver.
constexpr const char* resolver_errors[] = {"Name or service not known", "Temporary failure in name resolution",
                                           "No address associated with hostname"};

const LogLine* resolver_error(const machine::Machine& machine) {
    for (const auto* text : resolver_errors) {
        if (const auto* line = line_of_unsuccessful_attempt(machine, text)) return line;
    }
    return nullptr;
}

Finding diagnose(const machine::Machine& machine) {
    const auto* guest_path = guest_path_of_unsuccessful_attempt(machine);
    const auto* error = guest_path ? resolver_error(machine) : nullptr;
    if (!error) return Finding::healthy("No backup failed for want of a name server.");
    const auto host = storage_host_in(guest_path->text);
    std::vector<Evidence> evidence{error->evidence("an address"), guest_path->evidence("the host takes the snapshots")};
    const auto addresses = machine.network().resolve(host, std::chrono::milliseconds(2000));
    if (addresses) {
        evidence.push_back({"name server", fmt::format("{} has an address", host), "an address"});
        return Finding::healthy("Name resolution failed in the newest backup and works now.", std::move(evidence));
    }
    if (addresses.error().kind == ErrorKind::not_captured) return Finding::unknown(host, addresses.error());
    evidence.push_back({"name server", addresses.error().message, "an address"});
    return Finding::needs_operator(
        fmt::format("This VM cannot resolve {}, the storage of its disks.", host), std::move(evidence),
        "Let the backup go through the host, which needs no name server: make 168.63.129.16 reachable, and remove "
        "SnapshotMethod from /etc/azure/vmbackup.conf if it is there. Else repair the name servers in "
        "/etc/resolv.conf; Azure's own is 168.63.129.16.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "name-resolution",
        .title = "The VM cannot resolve the storage account of its disks",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "FailedRetryableSnapshotFailedNoNetwork", "76"},
        .disruption = Disruption::none,
        .explanation =
            "Where the host's snapshot service does not answer, the backup extension asks storage itself, at names "
            "such as md-*.blob.storage.azure.net. Only then does a backup need name resolution, so it is tried only "
            "where the newest backup went that way and failed to resolve the name.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = {judged(Log::extension, resolver_errors[0]), judged(Log::extension, resolver_errors[1]),
                    judged(Log::extension, resolver_errors[2]), judged(guest_path_lines()[0]),
                    judged(guest_path_lines()[1])},
        .consequences = {"storage-unreachable", "no-network-catch-all", "snapshot-conflict", "extension-error",
                         "backup-extension-state"},
        .diagnose = diagnose,
        .fix = nullptr,
    };
}

}  // namespace remediations::causes::name_resolution
