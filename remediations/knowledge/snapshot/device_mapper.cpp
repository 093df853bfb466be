#include "remediations/knowledge/snapshot/device_mapper.hpp"

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>

namespace remediations {

namespace {

constexpr auto block_folder = "/sys/block";

std::string word_in(const machine::Machine& machine, const machine::Path& file) {
    const auto text = machine.files().read(file);
    return text ? boost::algorithm::trim_copy(*text) : "";
}

}  // namespace

machine::Result<std::vector<MappedDevice>> mapped_devices(const machine::Machine& machine) {
    const auto names = machine.files().list(block_folder);
    std::vector<MappedDevice> devices;
    if (!names && names.error().kind == machine::ErrorKind::not_found) return devices;
    if (!names) return names.error();
    for (const auto& name : *names) {
        if (!name.starts_with("dm-")) continue;
        const auto folder = std::string(block_folder) + "/" + name + "/dm/";
        const auto suspended = machine.files().read(folder + "suspended");
        if (!suspended && suspended.error().kind == machine::ErrorKind::not_found) continue;  // removed meanwhile
        if (!suspended) return suspended.error();
        devices.push_back({name, word_in(machine, folder + "name"), word_in(machine, folder + "uuid"),
                           boost::algorithm::trim_copy(*suspended) == "1"});
    }
    return devices;
}

machine::Path dmsetup_program(const machine::Machine& machine) {
    for (const auto* path : {"/usr/sbin/dmsetup", "/sbin/dmsetup"}) {
        if (machine.files().status(path)) return path;
    }
    return {};
}

std::string kernel_name_of(const machine::Mount& mount, const std::vector<MappedDevice>& devices) {
    const auto name = mount.source.substr(mount.source.rfind('/') + 1);
    const auto device = std::ranges::find_if(devices, [&](const auto& one) { return one.name == name; });
    return mount.source.starts_with("/dev/mapper/") && device != devices.end() ? device->kernel_name : name;
}

}  // namespace remediations
