#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations::azure {

/// One entry of the statuses in an instance view.
/// https://learn.microsoft.com/rest/api/compute/virtual-machines/instance-view
struct InstanceStatus {
    std::string code;     ///< "ProvisioningState/failed/VMExtensionHandlerNonTransientError", "PowerState/running"
    std::string level;    ///< "Info", "Warning", "Error"
    std::string message;  ///< for people
    std::optional<std::chrono::system_clock::time_point> time;

    /// Returns the word after "ProvisioningState/" or "PowerState/" (`kind`) in lower case; empty for another code.
    std::string word_of(std::string_view kind) const;
};

struct VmExtension {
    std::string name;            ///< of the resource; a deletion uses it
    std::string publisher = {};  ///< "Microsoft.Azure.RecoveryServices"
    std::string type = {};       ///< "VMSnapshotLinux"
    std::string state =
        {};  ///< provisioning state of the model, "Succeeded"; empty where only the instance view has it
    std::vector<InstanceStatus> statuses = {};  ///< of the instance view

    bool is_of_backup() const;
    /// Returns the status that reports a failure; nullptr where the extension has not failed.
    const InstanceStatus* failure() const;
    bool has_failed() const;
};

struct ModelDisk {
    std::string id;    ///< empty for an unmanaged disk
    std::string name;  ///< "vm1_OsDisk"
    std::string encryption_set;
    bool is_os_disk = false;
};

/// The VM in the model of Azure Compute, with its instance view. Get it through machine.derived<VmInAzure>().
class VmInAzure {
public:
    explicit VmInAzure(const machine::Machine& machine);

    struct Model {
        std::string id;
        std::string vm_id;     ///< changes when the VM is created again
        std::string location;  ///< "westeurope", without blanks
        std::string state;     ///< "Succeeded", "Failed", "Updating", ...
        std::optional<bool> allows_extensions;
        std::string security_type;
        std::vector<ModelDisk> disks;
        std::vector<std::string> network_interfaces;
        std::string key_vault;  ///< of Azure Disk Encryption; empty without
    };
    const machine::Result<Model>& model() const { return model_; }

    struct View {
        std::vector<InstanceStatus> statuses;
        std::string agent_version;
        std::vector<InstanceStatus> agent_statuses;
        std::string agent_display;  ///< "Ready", "Not Ready"
        std::vector<VmExtension> extensions;

        const InstanceStatus* status(std::string_view kind) const;  ///< nullptr without one
        bool is_running() const;
        bool agent_is_ready() const;
    };
    const machine::Result<View>& view() const { return view_; }

    /// Returns the extensions of the model, with their statuses in the view. Where the model may not be read, those of
    /// the view.
    const machine::Result<std::vector<VmExtension>>& extensions() const { return extensions_; }

private:
    machine::Result<Model> model_;
    machine::Result<View> view_;
    machine::Result<std::vector<VmExtension>> extensions_;
};

/// What Model is read from.
machine::ArmQuestion question_for_vm(const std::string& vm_id);

// One function for each question, because a capture holds one answer to it.

struct DiskKind {
    std::string storage_type;  ///< "Premium_LRS", "UltraSSD_LRS"
    std::int64_t max_shares = 1;
    std::string network_access;  ///< "AllowAll", "AllowPrivate", "DenyAll": from where it may be exported
    std::string access_mode;     ///< "None", "AzureActiveDirectory": what an export needs beside its address
};
machine::Result<DiskKind> disk_kind(const machine::Machine& machine, const std::string& disk_id);

struct KeyVault {
    bool is_closed = false;  ///< true if it refuses networks that its rules do not list
    std::string bypass;      ///< "AzureServices", "None"; empty where it is not known
    /// True if role assignments decide who may read keys, not the key vault's own access policies.
    bool uses_roles = false;
};
machine::Result<KeyVault> key_vault(const machine::Machine& machine, const std::string& id);

}  // namespace remediations::azure
