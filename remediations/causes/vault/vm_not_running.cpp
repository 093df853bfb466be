#include <fmt/format.h>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::vm_not_running {

Remediation remediation();

namespace {

using namespace remediations::azure;

Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    const auto& view = machine.derived<VmInAzure>().view();
    if (!view) return not_told(view.error());
    const auto* power = view->status("PowerState");
    if (!power) return Finding::not_applicable("Azure tells no power state of the VM.");
    const Evidence evidence{"instance view of the VM", power->code, "PowerState/running"};
    if (view->is_running()) return Finding::healthy("The VM runs.", {evidence});
    auto finding =
        Finding::needs_operator(fmt::format("The VM does not run ({}): a backup of it is crash-consistent at most.",
                                            power->word_of("PowerState")),
                                {evidence}, remediation().instructions);
    return explains(remediation(), question.error_code) ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vm-not-running",
        .title = "The VM was off when it had to run",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"AzureVmOffline", "380008", "VMNotInRunningStateUserError",
                        "GuestAgentStatusUnavailableUserError"},
        .disruption = Disruption::none,
        .explanation =
            "A VM has to run to be registered for backup and to be backed up consistently for applications or file "
            "systems. A VM that was shut down from inside is off, but not deallocated, and its state is then reported "
            "wrongly.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .instructions =
            "See az vm get-instance-view --query instanceView.statuses. Start it with az vm start. If it was shut down "
            "from inside, stop it in the portal (or az vm deallocate) and start it again; then back up again. A VM "
            "that is meant to be off is backed up crash-consistently without its agent.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::vm_not_running
