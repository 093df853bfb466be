#include <fmt/format.h>

#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::platform_fault {

using machine::Machine;

namespace {

/// The agent asks storage for the extension's manifest first, and then the host.
constexpr auto manifest_line = "RecoveryServices_VMSnapshotLinux_";
constexpr auto host_missing_line = "extensionArtifact [[404: Not Found]";

Finding diagnose(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    std::vector<Evidence> evidence;
    const auto* storage = logs.find_current(Log::agent, manifest_line);
    const auto* host = logs.find_current(Log::agent, host_missing_line);
    const bool of_backup = storage && storage->newest.text.find("[404") != std::string::npos;
    if (of_backup && host) {
        evidence.push_back(storage->newest.evidence("the manifest of the backup extension"));
        evidence.push_back(host->newest.evidence("the manifest of the backup extension"));
        return Finding::needs_operator(
            "Azure does not have the manifest of the backup extension in this region: storage and host both answer "
            "404.",
            std::move(evidence),
            "The network of this VM works, or there would be no such answer. Back up again in an hour; if it goes on, "
            "look at Azure Service Health for the region and open a support request that quotes these lines.");
    }
    return Finding::healthy("Nothing in the logs tells of a missing manifest.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "platform-fault",
        .title = "Azure does not have the manifest of the backup extension",
        .layer = Layer::vault,
        .scope = Scope::linux,
        .error_codes = {"1001"},
        .disruption = Disruption::none,
        .explanation =
            "The agent asks storage and then the host for the manifest of an extension. When both answer 404, the "
            "manifest is missing in the region: the network works, nothing in the VM causes or cures it, and mostly it "
            "passes.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/833",
        .signals = {judged(Log::agent, manifest_line), judged(Log::agent, host_missing_line)},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::platform_fault
