#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/restore_points.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::restore_point_collection_deleted {

Remediation remediation();

namespace {

using namespace remediations::azure;

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto collections = collections_of_backup(machine);
    if (!collections) return not_told(collections.error());
    std::vector<Evidence> evidence;
    for (const auto& collection : *collections) {
        if (boost::iequals(collection.state, "Deleting") || boost::iequals(collection.state, "Failed")) {
            evidence.push_back({collection.id, collection.state, "Succeeded"});
        }
    }
    if (evidence.empty()) return Finding::healthy("No collection of restore points is being deleted.");
    return Finding::needs_operator("A collection of the VM's restore points is being deleted, or that failed.",
                                   std::move(evidence), remediation().instructions);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "restore-point-collection-deleted",
        .title = "The collection of restore points was deleted",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorRpCollectionDeleted", "UserErrorRpCollectionMarkedForDeletion"},
        .disruption = Disruption::none,
        .explanation =
            "Somebody, or a cleanup job, deleted the restore point collection that Azure Backup made for this VM, or "
            "its deletion still runs. The next backup makes a new one.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/restore-point-troubleshooting",
        .instructions =
            "Wait until az restore-point collection list-all no longer shows the collection in state Deleting, then "
            "back up again: az backup protection backup-now. See in the subscription's activity log who deleted it, so "
            "that it does not happen again.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::restore_point_collection_deleted
