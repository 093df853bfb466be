#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/instance_metadata.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::instance_metadata_unreachable {

namespace {

Finding diagnose(const machine::Machine& machine) {
    if (!machine.derived<AzureVm>().is_one()) return AzureVm::elsewhere();
    const auto& description = machine.derived<InstanceMetadata>().description();
    if (description) {
        return Finding::healthy(
            "The instance metadata service answers.",
            {{metadata_source, description->name + ", " + description->vm_size, "the VM's name and size"}});
    }
    if (description.error().kind == machine::ErrorKind::not_captured) {
        return Finding::unknown(metadata_source, description.error());
    }
    return Finding::needs_operator(
               "The instance metadata service does not answer, so this tool cannot see the VM's disks as Azure does.",
               {{metadata_source, description.error().message, "HTTP 200"}},
               "Let processes of this VM reach 169.254.169.254 on TCP 80 without a proxy: look at its firewall rules "
               "and routes. The backup itself does not need it.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "instance-metadata-unreachable",
        .title = "The instance metadata service cannot be reached",
        .layer = Layer::network,
        .scope = Scope::both,
        .error_codes = {},
        .disruption = Disruption::none,
        .explanation =
            "169.254.169.254 tells a VM what Azure knows of it: size, disks, addresses. Backups do without; many "
            "firewalls close it on purpose. Where it does not answer, what the disks are in Azure stays unknown here.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service",
        .diagnose = diagnose,
        .fix = nullptr,
    };
}

}  // namespace remediations::causes::instance_metadata_unreachable
