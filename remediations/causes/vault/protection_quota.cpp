#include "remediations/model/remediation.hpp"

namespace remediations::causes::protection_quota {

extern const Remediation remediation{
    .id = "protection-quota",
    .title = "The vault protects as many VMs as it may",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorProtectionQuotaExceeded"},
    .disruption = Disruption::none,
    .explanation = "A vault has a limit for the VMs it protects, and another for those that are added in one day.",
    .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
    .instructions = "Protect the VM in another vault of its region, or wait a day if many VMs were added today.",
};

}  // namespace remediations::causes::protection_quota
