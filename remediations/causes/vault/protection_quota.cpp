#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::protection_quota {

namespace {

using namespace remediations::azure;

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& item = machine.derived<ProtectedItem>().item();
    if (!item) return not_told(item.error());
    if (!*item) return Finding::not_applicable("No vault protects this VM.");
    const auto& vault = (*item)->vault;
    const auto answer =
        ask(machine, {.path = vault, .members = {"location", "properties.provisioningState", "properties.moveState"}});
    if (!answer) return not_told(answer.error());
    const auto state = text_of(*answer, "properties.provisioningState");
    const auto move = text_of(*answer, "properties.moveState");
    std::vector<Evidence> evidence;
    if (!state.empty() && !boost::iequals(state, "Succeeded")) evidence.push_back({vault, state, "Succeeded"});
    if (boost::iequals(move, "InProgress") || boost::icontains(move, "Fail")) {
        evidence.push_back({vault, "moveState " + move, "no move"});
    }
    if (evidence.empty()) return Finding::healthy("The vault of the VM is in order.");
    return Finding::needs_operator("The vault of the VM is being changed, or that failed.", std::move(evidence),
                                   "See the vault in the portal; back up again once its state is Succeeded.");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "protection-quota",
        .title = "The vault takes no backup of the VM: it is full, or being moved",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorProtectionQuotaExceeded"},
        .disruption = Disruption::none,
        .explanation =
            "A vault has a limit for the VMs it protects, and another for those that are added in one day. One that is "
            "being moved or deleted backs nothing up.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .instructions = "Protect the VM in another vault of its region, or wait a day if many VMs were added today.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::protection_quota
