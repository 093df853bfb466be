#include <algorithm>

#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extensions_on_hold {

using machine::Machine;

namespace {

/// ga/exthandlers.py: said of a goal state instead of the first of these lines.
constexpr auto hold_line = "Extension handling is on hold";
constexpr const char* handling_lines[] = {"ProcessExtensionsGoalState started", "Target handler state:"};

Finding diagnose(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto* hold = logs.find_current(Log::agent, hold_line);
    if (!hold) return Finding::healthy("Azure does not hold back the extensions of this VM.");
    const bool is_over = std::ranges::any_of(handling_lines, [&](const char* text) {
        const auto* handled = logs.find(Log::agent, text);
        return handled && handled->newest.time && hold->newest.time && *handled->newest.time > *hold->newest.time;
    });
    if (is_over) return Finding::healthy("Azure held back the extensions of this VM for a while.");
    return Finding::needs_operator(
        "Azure keeps this VM on hold: the guest agent handles no extension, and so takes no snapshot.",
        {hold->newest.evidence("extensions are handled")},
        "On the VM there is nothing to repair. A scale set with overprovisioning holds the instances that it makes in "
        "excess, and deletes them soon: look whether this instance still belongs to the scale set (az vmss "
        "list-instances). If it stays, switch overprovisioning off (az vmss update --set overprovision=false) and "
        "replace the instance; if it is no instance of a scale set, open a support request with this line.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extensions-on-hold",
        .title = "Azure keeps the VM on hold, so the guest agent handles no extension",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "VMExtensionProvisioningError"},
        .explanation =
            "With each goal state Azure can say that the VM is on hold, as it does with the excess instances of a "
            "scale set that overprovisions. The guest agent then reports that it is ready, but installs and runs no "
            "extension.",
        .source =
            "https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-design-overview",
        .signals = {judged(Log::agent, hold_line), judged(Log::agent, handling_lines[0]),
                    judged(Log::agent, handling_lines[1])},
        .consequences = {"backup-extension-state", "agent-status-not-reported"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extensions_on_hold
