#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// A disk in Azure's model of the VM.
struct AzureDisk {
    std::string name;
    std::optional<int> lun;            ///< of a data disk
    std::uint64_t size_gib = 0;        ///< 0 where it is not known
    std::string storage_account_type;  ///< "Premium_LRS", "UltraSSD_LRS"; empty for an unmanaged disk
    std::string vhd_uri;               ///< of an unmanaged disk
    bool managed = false;
    bool ephemeral = false;  ///< an OS disk on the host's local storage
    bool write_accelerator = false;
    std::optional<bool> shared;  ///< maxShares above 1; Azure reports it only for ultra disks
    bool encrypted = false;      ///< encrypted with Azure Disk Encryption, by the model

    /// Returns "OS disk 'vm1_OsDisk_1'", "data disk 'data1' (LUN 0)".
    std::string described() const;
};

struct AzureNetworkInterface {
    std::string mac;                     ///< "00:0d:3a:..."
    std::vector<std::string> addresses;  ///< private IPv4 addresses, the primary one first
};

/// The description of this VM by the instance metadata service. It can be some minutes older than the guest's own
/// state. https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
struct InstanceDescription {
    std::string name;
    std::string vm_size;
    std::string location;
    std::string resource_id;
    std::string security_type;  ///< "", "TrustedLaunch", "ConfidentialVM"
    std::optional<AzureDisk> os_disk;
    std::vector<AzureDisk> data_disks;
    std::vector<AzureNetworkInterface> interfaces;  ///< in no particular order

    /// Returns the OS disk and all data disks.
    std::vector<AzureDisk> disks() const;
};

/// Parses the answer to /metadata/instance. ErrorKind::invalid says what was expected. Missing members keep their
/// defaults, because older hosts omit some.
machine::Result<InstanceDescription> parse_instance_metadata(const std::string& json);

/// The InstanceDescription of this machine. Get it through machine.derived<InstanceMetadata>().
class InstanceMetadata {
public:
    explicit InstanceMetadata(const machine::Machine& machine);

    const machine::Result<InstanceDescription>& description() const { return description_; }

private:
    machine::Result<InstanceDescription> description_;
};

/// The source of the description, for evidence.
inline constexpr auto metadata_source = "169.254.169.254/metadata/instance";

}  // namespace remediations
