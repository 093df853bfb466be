#include <fmt/format.h>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_not_ready_in_azure {

namespace {

using namespace remediations::azure;

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& view = machine.derived<VmInAzure>().view();
    if (!view) return not_told(view.error());
    if (!view->is_running()) return Finding::not_applicable("The VM does not run.");
    const auto* status = view->agent_statuses.empty() ? nullptr : &view->agent_statuses.front();
    const auto since = status && status->time ? " since " + shown(*status->time) : std::string();
    const Evidence evidence{"vmAgent of the instance view",
                            status ? fmt::format("{}: {}", view->agent_display, status->message) : "no status",
                            "Ready"};
    if (view->agent_is_ready()) {
        return Finding::healthy(fmt::format("Azure holds the guest agent for ready{}.", since), {evidence});
    }
    auto finding = Finding::needs_operator(
        fmt::format("Azure holds the guest agent for not ready{}.", since), {evidence},
        "If the agent works in the VM, its status does not arrive: see that the VM reaches http://168.63.129.16:32526, "
        "then az vm reapply. Else repair what is found in the VM.");
    finding.is_envelope = true;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-not-ready-in-azure",
        .title = "Azure holds the guest agent for not ready",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {},
        .disruption = Disruption::none,
        .explanation =
            "A backup needs the guest agent's status to reach Azure. Where the agent does not run, that is a "
            "consequence of what is found in the VM; where it runs, its status is lost on the way. It is seen where "
            "Azure may be asked (setting azure).",
        .source = "https://learn.microsoft.com/azure/virtual-machines/extensions/agent-windows",
        .instructions = "See az vm get-instance-view --query instanceView.vmAgent.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::agent_not_ready_in_azure
