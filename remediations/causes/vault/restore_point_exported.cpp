#include "remediations/model/remediation.hpp"

namespace remediations::causes::restore_point_exported {

extern const Remediation remediation{
    .id = "restore-point-exported",
    .title = "A restore point of a disk is still being exported",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"DiskRestorePointUsedByCustomer"},
    .disruption = Disruption::none,
    .explanation =
        "Somebody was given access (a SAS) to a disk restore point, and as long as it is open the restore "
        "point can be neither deleted nor replaced.",
    .source = "https://learn.microsoft.com/azure/virtual-machines/restore-point-troubleshooting",
    .instructions =
        "End it: az rest --method post --url https://management.azure.com<disk restore point "
        "id>/endGetAccess?api-version=2024-03-02, or in the portal the restore point > the disk > Cancel "
        "export. Then back up again.",
};

}  // namespace remediations::causes::restore_point_exported
