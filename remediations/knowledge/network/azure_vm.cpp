#include "remediations/knowledge/network/azure_vm.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>

#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"

namespace remediations {

namespace {

constexpr auto asset_tag_file = "/sys/class/dmi/id/chassis_asset_tag";
/// The same in all Azure VMs of both generations (cloud-init and systemd use it too).
constexpr auto azure_asset_tag = "7783-7084-3265-9085-8269-3286-77";

bool is_missing(const auto& result) {
    return !result && result.error().kind == machine::ErrorKind::not_found;
}

}  // namespace

AzureVm::AzureVm(const machine::Machine& machine) {
    if (machine.facts().platform != machine::Platform::linux) return;
    const auto tag = machine.files().read(asset_tag_file);
    if (tag && boost::algorithm::trim_copy(*tag) == azure_asset_tag) return;
    if (!tag && !is_missing(tag)) return;
    if (!is_missing(AgentConfiguration::of(machine)) || !is_missing(agent_service_of(machine))) return;
    const auto& wire_server = machine.derived<WireServerProbes>();
    if (wire_server.reachable() || wire_server.not_looked()) return;
    const auto& metadata = machine.derived<InstanceMetadata>().description();
    if (metadata || metadata.error().kind == machine::ErrorKind::not_captured) return;
    is_one_ = false;
    evidence_ = {{asset_tag_file, tag ? boost::algorithm::trim_copy(*tag) : "not there", azure_asset_tag},
                 {"the guest agent's service and waagent.conf", "not there", "installed"},
                 wire_server.failure()->evidence(),
                 {metadata_source, metadata.error().message, "the VM's description"}};
}

Finding AzureVm::elsewhere() {
    return Finding::not_applicable("This machine is not a VM in Azure.");
}

}  // namespace remediations
