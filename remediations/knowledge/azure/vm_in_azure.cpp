#include "remediations/knowledge/azure/vm_in_azure.hpp"

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/erase.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"

namespace remediations::azure {

namespace json = boost::json;
using machine::Machine;
using machine::Result;

namespace {

constexpr auto backup_publisher = "Microsoft.Azure.RecoveryServices";

std::vector<InstanceStatus> statuses_in(const json::value& parent, std::string_view path) {
    std::vector<InstanceStatus> statuses;
    for (const auto& each : list_of(parent, path)) {
        statuses.push_back(
            {text_of(each, "code"), text_of(each, "level"), text_of(each, "message"), time_of(each, "time")});
    }
    return statuses;
}

Result<std::string> id_of_vm(const Machine& machine) {
    const auto access = machine.azure().access();
    if (!access) return access.error();
    return access->vm_id;
}

ModelDisk disk_in_model(const json::value& disk) {
    return {text_of(disk, "managedDisk.id"), text_of(disk, "name"), text_of(disk, "managedDisk.diskEncryptionSet.id"),
            false};
}

Result<VmInAzure::Model> read_model(const Machine& machine) {
    const auto id = id_of_vm(machine);
    if (!id) return id.error();
    const auto answer = ask(machine, question_for_vm(*id));
    if (!answer) return answer.error();
    VmInAzure::Model model;
    model.id = text_of(*answer, "id");
    if (model.id.empty()) model.id = *id;
    model.vm_id = text_of(*answer, "properties.vmId");
    model.location = boost::erase_all_copy(boost::to_lower_copy(text_of(*answer, "location")), " ");
    model.state = text_of(*answer, "properties.provisioningState");
    model.allows_extensions = switch_of(*answer, "properties.osProfile.allowExtensionOperations");
    model.security_type = text_of(*answer, "properties.securityProfile.securityType");
    if (const auto* os_disk = find(*answer, "properties.storageProfile.osDisk"); os_disk && os_disk->is_object()) {
        model.disks.push_back(disk_in_model(*os_disk));
        model.disks.back().is_os_disk = true;
        if (switch_of(*os_disk, "encryptionSettings.enabled") == true) {
            model.key_vault = text_of(*os_disk, "encryptionSettings.diskEncryptionKey.sourceVault.id");
        }
    }
    for (const auto& disk : list_of(*answer, "properties.storageProfile.dataDisks")) {
        model.disks.push_back(disk_in_model(disk));
    }
    for (const auto& each : list_of(*answer, "properties.networkProfile.networkInterfaces")) {
        model.network_interfaces.push_back(text_of(each, "id"));
    }
    return model;
}

/// Splits "Microsoft.Azure.RecoveryServices.VMSnapshotLinux" into publisher and type.
void take_type(VmExtension& extension, const std::string& whole) {
    const auto dot = whole.rfind('.');
    extension.publisher = whole.substr(0, dot == std::string::npos ? 0 : dot);
    extension.type = whole.substr(dot == std::string::npos ? 0 : dot + 1);
}

Result<VmInAzure::View> read_view(const Machine& machine) {
    const auto id = id_of_vm(machine);
    if (!id) return id.error();
    const auto answer = ask(
        machine, {.path = *id + "/instanceView",
                  .members = {"statuses.code", "statuses.level", "statuses.message", "statuses.time",
                              "vmAgent.vmAgentVersion", "vmAgent.statuses.code", "vmAgent.statuses.level",
                              "vmAgent.statuses.message", "vmAgent.statuses.time", "vmAgent.statuses.displayStatus",
                              "extensions.name", "extensions.type", "extensions.statuses.code",
                              "extensions.statuses.level", "extensions.statuses.message", "extensions.statuses.time"}});
    if (!answer) return answer.error();
    VmInAzure::View view;
    view.statuses = statuses_in(*answer, "statuses");
    view.agent_version = text_of(*answer, "vmAgent.vmAgentVersion");
    view.agent_statuses = statuses_in(*answer, "vmAgent.statuses");
    for (const auto& each : list_of(*answer, "vmAgent.statuses")) {
        if (view.agent_display.empty()) view.agent_display = text_of(each, "displayStatus");
    }
    for (const auto& each : list_of(*answer, "extensions")) {
        VmExtension extension;
        extension.name = text_of(each, "name");
        take_type(extension, text_of(each, "type"));
        extension.statuses = statuses_in(each, "statuses");
        view.extensions.push_back(std::move(extension));
    }
    return view;
}

Result<std::vector<VmExtension>> read_extensions(const Machine& machine, const Result<VmInAzure::View>& view) {
    const auto id = id_of_vm(machine);
    if (!id) return id.error();
    const auto answer =
        ask(machine, {.path = *id + "/extensions",
                      .members = {"name", "properties.publisher", "properties.type", "properties.provisioningState"},
                      .is_list = true});
    if (!answer && !view) return answer.error();
    std::vector<VmExtension> extensions;
    if (view) extensions = view->extensions;
    if (!answer) return extensions;
    for (const auto& each : list_of(*answer, "")) {
        const auto name = text_of(each, "name");
        auto known = std::ranges::find_if(extensions, [&](const auto& one) { return boost::iequals(one.name, name); });
        if (known == extensions.end()) known = extensions.insert(extensions.end(), VmExtension{.name = name});
        known->publisher = text_of(each, "properties.publisher");
        known->type = text_of(each, "properties.type");
        known->state = text_of(each, "properties.provisioningState");
    }
    return extensions;
}

}  // namespace

std::string InstanceStatus::word_of(std::string_view kind) const {
    const auto lowered = boost::to_lower_copy(code);
    const auto head = boost::to_lower_copy(std::string(kind)) + "/";
    if (!lowered.starts_with(head)) return {};
    const auto rest = lowered.substr(head.size());
    return rest.substr(0, rest.find('/'));
}

bool VmExtension::is_of_backup() const {
    return boost::iequals(publisher, backup_publisher) &&
           (boost::iequals(type, "VMSnapshot") || boost::iequals(type, "VMSnapshotLinux"));
}

const InstanceStatus* VmExtension::failure() const {
    const auto found = std::ranges::find_if(statuses, [](const InstanceStatus& status) {
        return boost::iequals(status.level, "Error") || status.word_of("ProvisioningState") == "failed";
    });
    return found == statuses.end() ? nullptr : &*found;
}

bool VmExtension::has_failed() const {
    return failure() != nullptr || boost::iequals(state, "Failed");
}

const InstanceStatus* VmInAzure::View::status(std::string_view kind) const {
    const auto found =
        std::ranges::find_if(statuses, [&](const InstanceStatus& status) { return !status.word_of(kind).empty(); });
    return found == statuses.end() ? nullptr : &*found;
}

bool VmInAzure::View::is_running() const {
    const auto* power = status("PowerState");
    return power && power->word_of("PowerState") == "running";
}

bool VmInAzure::View::agent_is_ready() const {
    return !agent_statuses.empty() && boost::iequals(agent_display, "Ready");
}

VmInAzure::VmInAzure(const Machine& machine)
    : model_(read_model(machine)), view_(read_view(machine)), extensions_(read_extensions(machine, view_)) {}

machine::ArmQuestion question_for_vm(const std::string& vm_id) {
    return {
        .path = vm_id,
        .members = {"id", "name", "location", "properties.vmId", "properties.provisioningState",
                    "properties.osProfile.allowExtensionOperations", "properties.securityProfile.securityType",
                    "properties.storageProfile.osDisk.osType", "properties.storageProfile.osDisk.name",
                    "properties.storageProfile.osDisk.managedDisk.id",
                    "properties.storageProfile.osDisk.managedDisk.diskEncryptionSet.id",
                    "properties.storageProfile.osDisk.encryptionSettings.enabled",
                    "properties.storageProfile.osDisk.encryptionSettings.diskEncryptionKey.sourceVault.id",
                    "properties.storageProfile.dataDisks.name", "properties.storageProfile.dataDisks.managedDisk.id",
                    "properties.storageProfile.dataDisks.managedDisk.diskEncryptionSet.id",
                    "properties.networkProfile.networkInterfaces.id"}};
}

Result<DiskKind> disk_kind(const Machine& machine, const std::string& disk_id) {
    const auto answer = ask(machine, {.path = disk_id,
                                      .members = {"sku.name", "properties.maxShares", "properties.networkAccessPolicy",
                                                  "properties.dataAccessAuthMode"}});
    if (!answer) return answer.error();
    return DiskKind{text_of(*answer, "sku.name"), number_of(*answer, "properties.maxShares").value_or(1),
                    text_of(*answer, "properties.networkAccessPolicy"),
                    text_of(*answer, "properties.dataAccessAuthMode")};
}

Result<KeyVault> key_vault(const Machine& machine, const std::string& id) {
    const auto answer =
        ask(machine, {.path = id,
                      .members = {"properties.networkAcls.defaultAction", "properties.networkAcls.bypass",
                                  "properties.publicNetworkAccess", "properties.enableRbacAuthorization"}});
    if (!answer) return answer.error();
    const bool is_closed = boost::iequals(text_of(*answer, "properties.networkAcls.defaultAction"), "Deny") ||
                           boost::iequals(text_of(*answer, "properties.publicNetworkAccess"), "Disabled");
    return KeyVault{is_closed, text_of(*answer, "properties.networkAcls.bypass"),
                    switch_of(*answer, "properties.enableRbacAuthorization").value_or(false)};
}

}  // namespace remediations::azure
