#include "remediations/model/remediation.hpp"

namespace remediations::causes::platform_internal_error {

Remediation remediation() {
    return {
        .id = "platform-internal-error",
        .title = "The compute service had an internal error or no room",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"BCMCrpInternalError", "AllocationFailed"},
        .disruption = Disruption::none,
        .explanation =
            "These codes say that the compute service itself failed, or had no capacity to start the VM. Nothing in "
            "the VM causes them, and mostly the next try succeeds.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/restore-point-troubleshooting",
        .instructions =
            "Back up again: az backup protection backup-now. If it fails twice more with the same code, look at Azure "
            "Service Health for the region, and open a support request with the job id and this report.",
    };
}

}  // namespace remediations::causes::platform_internal_error
