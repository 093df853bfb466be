#pragma once

#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// A device of the device mapper (LVM, multipath, encryption), from /sys/block.
struct MappedDevice {
    std::string kernel_name;  ///< "dm-0"
    std::string name;         ///< "vg0-data"
    std::string uuid;         ///< "LVM-..."; it ends with "-tpool" for a thin pool of LVM
    bool suspended = false;
};

/// Returns an empty list where there is none.
machine::Result<std::vector<MappedDevice>> mapped_devices(const machine::Machine& machine);

/// Returns the path of dmsetup; empty where it is not installed.
machine::Path dmsetup_program(const machine::Machine& machine);

/// Returns the block device's name in the kernel, as its messages and /sys/fs have it: "sda1", "dm-0".
std::string kernel_name_of(const machine::Mount& mount, const std::vector<MappedDevice>& devices);

}  // namespace remediations
