#include <fmt/format.h>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_library_mismatch {

namespace {

/// Python's messages when the extension calls the agent's library in a way that the library does not know. "Failed to
/// construct ConfigurationProvider" alone is not a sign: current versions continue without it.
constexpr const char* mismatch_lines[] = {
    "__init__() takes exactly ",         "missing 1 required positional argument: 'walaConfigFile'",
    "module 'waagent' has no attribute", "'module' object has no attribute",
    "No module named waagent",           "Can't load new or old waagent",
};
constexpr auto construction_line = "Failed to construct ConfigurationProvider";

Finding diagnose(const machine::Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    std::vector<Evidence> evidence;
    for (const auto* text : mismatch_lines) {
        for (const auto log : {Log::extension, Log::commands}) {
            const auto* line = logs.find_current(log, text);
            if (line) evidence.push_back(line->newest.evidence("no such exception"));
        }
    }
    if (evidence.empty()) return Finding::healthy("The extension and the agent's library fit each other.");
    if (const auto* line = logs.find_current(Log::extension, construction_line)) {
        evidence.push_back(line->newest.evidence("no such line"));
    }
    return Finding::needs_operator(
        "The backup extension calls the guest agent's Python library in a way that the library does not know.",
        std::move(evidence),
        "It is no fault of the network, whatever the vault says. Update the guest agent from the distribution "
        "(apt install --only-upgrade walinuxagent, dnf update WALinuxAgent, zypper update python-azure-agent), then "
        "have Azure install the extension afresh: az vm extension delete --resource-group <group> --vm-name <vm> "
        "--name VMSnapshotLinux, and back up again.");
}

std::vector<LogPattern> patterns() {
    std::vector<LogPattern> all{{Log::extension, construction_line}};
    for (const auto* text : mismatch_lines) {
        all.push_back({Log::extension, text});
        all.push_back({Log::commands, text});
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-library-mismatch",
        .title = "The backup extension does not fit the guest agent's Python library",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "FailedRetryableSnapshotFailedNoNetwork", "76", "2"},
        .disruption = Disruption::none,
        .explanation =
            "The extension loads a library of the guest agent. When their versions do not fit, each of its HTTP calls "
            "ends with a Python exception, and the extension reports that as a missing network. Neither firewall nor "
            "network security group is at fault then.",
        .source = "https://github.com/Azure/azure-linux-extensions/issues/758",
        .signals = all_judged(patterns()),
        .consequences = {"extension-error", "backup-extension-state", "no-network-catch-all"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_library_mismatch
