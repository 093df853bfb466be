#include <fmt/format.h>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::allow_extension_operations {

namespace {

using namespace remediations::azure;

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& model = machine.derived<VmInAzure>().model();
    if (!model) return not_told(model.error());
    if (model->allows_extensions != false) return Finding::healthy("The VM's model allows extensions.");
    return Finding::needs_operator(
        "The VM's model forbids extensions (allowExtensionOperations is false).",
        {{model->id, "osProfile.allowExtensionOperations false", "true, or absent"}},
        fmt::format("az vm update --ids \"{}\" --set osProfile.allowExtensionOperations=true", model->id));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "allow-extension-operations",
        .title = "The VM's model forbids extensions",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"OperationNotAllowed"},
        .disruption = Disruption::none,
        .explanation =
            "A VM that was made without the guest agent, or from an image without it, can have "
            "allowExtensionOperations set to false. Then no extension ever reaches the VM, however well the agent "
            "works. The same code also stands for a VM that was changed, or a disk that is not allocated, while the "
            "restore point was made.",
        .source = "https://github.com/MicrosoftDocs/azure-docs/issues/26741",
        .instructions =
            "See az vm show --query osProfile.allowExtensionOperations. If it is false: az vm update --resource-group "
            "<group> --name <vm> --set osProfile.allowExtensionOperations=true. If it is true or empty, back up again "
            "when no other change of the VM runs, and exclude a disk that the error names.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::allow_extension_operations
