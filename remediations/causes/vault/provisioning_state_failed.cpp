#include <fmt/format.h>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/locks.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::provisioning_state_failed {

namespace {

using namespace remediations::azure;

/// An update of a VM takes less time; an extension may take 90 minutes.
constexpr auto long_update = std::chrono::minutes(15);
constexpr auto hanging_update = std::chrono::minutes(90);

Finding of_unfinished(const VmInAzure::Model& model, const InstanceStatus* status,
                      std::chrono::system_clock::time_point now) {
    const auto since = status ? status->time : std::nullopt;
    if (!since || now - *since < long_update) {
        return Finding::healthy(fmt::format("An update of the VM runs at present ({}).", model.state));
    }
    auto finding = Finding::needs_operator(
        fmt::format("An update of the VM has run since {}.", shown(*since)), {{model.id, model.state, "Succeeded"}},
        "See which update it is (portal: the VM > Activity log), and wait for its end. If it hangs: az vm reapply.");
    return now - *since < hanging_update ? std::move(finding).as_risk() : finding;
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& vm = machine.derived<VmInAzure>();
    if (!vm.model()) return not_told(vm.model().error());
    const auto& model = *vm.model();
    const auto* status = vm.view() ? vm.view()->status("ProvisioningState") : nullptr;
    if (boost::iequals(model.state, "Succeeded")) {
        return Finding::healthy("Azure holds the VM for provisioned.", {{model.id, model.state, "Succeeded"}});
    }
    if (!boost::iequals(model.state, "Failed")) return of_unfinished(model, status, machine.facts().now);
    std::vector<Evidence> evidence{{model.id, "provisioningState Failed", "Succeeded"}};
    if (status) {
        evidence.push_back({model.id + "/instanceView", fmt::format("{}: {}", status->code, status->message), ""});
    }
    std::string failed;
    if (vm.extensions()) {
        for (const auto& extension : *vm.extensions()) {
            if (!extension.has_failed()) continue;
            failed = extension.name;
            const auto* failure = extension.failure();
            evidence.push_back(
                {"extension " + extension.name, failure ? failure->message : extension.state, "Succeeded"});
        }
    }
    const auto reapply = fmt::format("az vm reapply --ids \"{}\"", model.id);
    if (!failed.empty()) {
        return Finding::needs_operator(
            fmt::format("Azure holds the VM for failed, because its extension {} has failed.", failed),
            std::move(evidence),
            fmt::format("Repair or remove the extension {} first, then renew the VM's state: {}.", failed, reapply));
    }
    auto finding =
        Finding::broken("Azure holds the VM for failed, though no extension of it has failed.", std::move(evidence),
                        fmt::format("Renew the VM's state: {}. It restarts nothing. Then back up again.", reapply));
    finding.subjects = {model.id};
    // Without the extensions nobody knows whether it would only fail again, after 90 minutes.
    if (!vm.extensions()) finding.state = State::needs_operator;
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& vm_id : finding.subjects) {
        if (auto allowed = no_lock_on(changes.machine(), vm_id, LockedAct::write); !allowed) return allowed;
        if (auto reapplied = changes.reapply_vm(vm_id); !reapplied) return reapplied;
        changes.azure_shows([](const machine::Machine& machine) {
            const auto& model = machine.derived<VmInAzure>().model();
            return model && boost::iequals(model->state, "Succeeded");
        });
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "provisioning-state-failed",
        .title = "Azure holds the VM for failed or unfinished",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorVmProvisioningStateFailed", "UserErrorVmNotInDesirableState", "VmNotInDesirableState",
                        "OSProvisioningClientError"},
        .disruption = Disruption::none,
        .explanation =
            "An update of the VM or one of its extensions failed or has not ended, and the state stays in the VM's "
            "model until the next update succeeds. If an extension of this VM is at fault, this program shows it in an "
            "earlier layer; repair that first. Else its state is renewed (reapply), which restarts nothing.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .acts_in_azure = true,
        .instructions =
            "See az vm get-instance-view --query \"{state: provisioningState, statuses: instanceView.statuses, "
            "extensions: instanceView.extensions}\". Repair or remove an extension that is not Succeeded (az vm "
            "extension delete), then renew the model with az vm reapply --resource-group <group> --name <vm> (portal: "
            "Help > Redeploy + reapply > Reapply). It does not restart the VM. Then back up again.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::provisioning_state_failed
