#include "remediations/model/remediation.hpp"

namespace remediations::causes::vm_not_running {

extern const Remediation remediation{
    .id = "vm-not-running",
    .title = "The VM was off when it had to run",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"AzureVmOffline", "380008", "VMNotInRunningStateUserError", "GuestAgentStatusUnavailableUserError"},
    .disruption = Disruption::none,
    .explanation =
        "A VM has to run to be registered for backup and to be backed up consistently for applications or "
        "file systems. A VM that was shut down from inside is off, but not deallocated, and its state is "
        "then reported wrongly.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
    .instructions =
        "See az vm get-instance-view --query instanceView.statuses. Start it with az vm start. If it was "
        "shut down from inside, stop it in the portal (or az vm deallocate) and start it again; then back up "
        "again. A VM that is meant to be off is backed up crash-consistently without its agent.",
};

}  // namespace remediations::causes::vm_not_running
