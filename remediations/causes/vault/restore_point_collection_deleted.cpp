#include "remediations/model/remediation.hpp"

namespace remediations::causes::restore_point_collection_deleted {

extern const Remediation remediation{
    .id = "restore-point-collection-deleted",
    .title = "The collection of restore points was deleted",
    .layer = Layer::vault,
    .scope = Scope::both,
    .error_codes = {"UserErrorRpCollectionDeleted", "UserErrorRpCollectionMarkedForDeletion"},
    .disruption = Disruption::none,
    .explanation =
        "Somebody, or a cleanup job, deleted the restore point collection that Azure Backup made for this "
        "VM, or its deletion still runs. The next backup makes a new one.",
    .source = "https://learn.microsoft.com/azure/virtual-machines/restore-point-troubleshooting",
    .instructions =
        "Wait until az restore-point collection list-all no longer shows the collection in state Deleting, "
        "then back up again: az backup protection backup-now. See in the subscription's activity log who "
        "deleted it, so that it does not happen again.",
};

}  // namespace remediations::causes::restore_point_collection_deleted
