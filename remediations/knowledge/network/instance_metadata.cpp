#include "remediations/knowledge/network/instance_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <charconv>

#include "remediations/knowledge/network/platform_probes.hpp"

namespace remediations {

namespace json = boost::json;

namespace {

const json::value* member(const json::value* parent, std::string_view name) {
    const auto* object = parent ? parent->if_object() : nullptr;
    return object ? object->if_contains(name) : nullptr;
}

/// Returns a member as text: the service writes numbers and switches as text.
std::string text(const json::value* parent, std::string_view name) {
    const auto* value = member(parent, name);
    if (!value) return {};
    if (value->is_string()) return std::string(value->get_string());
    if (value->is_bool()) return value->get_bool() ? "true" : "false";
    return value->is_int64() ? std::to_string(value->get_int64()) : std::string();
}

bool is_true(const json::value* parent, std::string_view name) {
    return boost::iequals(text(parent, name), "true");
}

template <class Number>
std::optional<Number> number(const std::string& digits) {
    Number value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

template <class Visit>
void each(const json::value* list, Visit visit) {
    if (const auto* array = list ? list->if_array() : nullptr) {
        for (const auto& entry : *array) visit(&entry);
    }
}

AzureDisk disk_in(const json::value* disk) {
    AzureDisk found;
    found.name = text(disk, "name");
    found.lun = number<int>(text(disk, "lun"));
    found.size_gib = number<std::uint64_t>(text(disk, "diskSizeGB")).value_or(0);
    const auto* managed = member(disk, "managedDisk");
    found.storage_account_type = text(managed, "storageAccountType");
    found.managed = !text(managed, "id").empty();
    found.vhd_uri = text(member(disk, "vhd"), "uri");
    found.ephemeral = boost::iequals(text(member(disk, "diffDiskSettings"), "option"), "Local");
    found.write_accelerator = is_true(disk, "writeAcceleratorEnabled");
    if (!text(disk, "isSharedDisk").empty()) found.shared = is_true(disk, "isSharedDisk");
    found.encrypted = is_true(member(disk, "encryptionSettings"), "enabled");
    return found;
}

/// Returns "000D3A112233" in the kernel's form.
std::string mac_of(std::string digits) {
    boost::to_lower(digits);
    std::string mac;
    for (std::size_t index = 0; index < digits.size(); ++index) {
        if (index > 0 && index % 2 == 0) mac += ':';
        mac += digits[index];
    }
    return mac;
}

AzureNetworkInterface interface_in(const json::value* entry) {
    AzureNetworkInterface found;
    found.mac = mac_of(text(entry, "macAddress"));
    each(member(member(entry, "ipv4"), "ipAddress"), [&](const json::value* address) {
        if (auto private_address = text(address, "privateIpAddress"); !private_address.empty()) {
            found.addresses.push_back(std::move(private_address));
        }
    });
    return found;
}

machine::Result<InstanceDescription> described_by(const PlatformProbes::Answer& answer) {
    if (!answer) return answer.error();
    if (answer->status != 200) {
        return machine::Error::invalid(
            fmt::format("{} answered HTTP {}, HTTP 200 was expected", metadata_source, answer->status));
    }
    return parse_instance_metadata(answer->body);
}

}  // namespace

std::string AzureDisk::described() const {
    return lun ? fmt::format("data disk '{}' (LUN {})", name, *lun) : fmt::format("OS disk '{}'", name);
}

std::vector<AzureDisk> InstanceDescription::disks() const {
    std::vector<AzureDisk> all;
    if (os_disk) all.push_back(*os_disk);
    all.insert(all.end(), data_disks.begin(), data_disks.end());
    return all;
}

machine::Result<InstanceDescription> parse_instance_metadata(const std::string& document) {
    boost::system::error_code error;
    const auto parsed = json::parse(document, error);
    const auto* compute = error ? nullptr : member(&parsed, "compute");
    if (!compute || !compute->is_object()) {
        return machine::Error::invalid(fmt::format("{} is not what was expected, a JSON object with 'compute'{}",
                                                   metadata_source, error ? ": " + error.message() : std::string()));
    }
    InstanceDescription found;
    found.name = text(compute, "name");
    found.vm_size = text(compute, "vmSize");
    found.location = text(compute, "location");
    found.resource_id = text(compute, "resourceId");
    found.security_type = text(member(compute, "securityProfile"), "securityType");
    const auto* storage = member(compute, "storageProfile");
    if (const auto* os_disk = member(storage, "osDisk"); os_disk && os_disk->is_object()) {
        found.os_disk = disk_in(os_disk);
        found.os_disk->lun.reset();
    }
    each(member(storage, "dataDisks"), [&](const json::value* disk) { found.data_disks.push_back(disk_in(disk)); });
    each(member(member(&parsed, "network"), "interface"),
         [&](const json::value* entry) { found.interfaces.push_back(interface_in(entry)); });
    return found;
}

InstanceMetadata::InstanceMetadata(const machine::Machine& machine)
    : description_(described_by(machine.derived<PlatformProbes>().metadata())) {}

}  // namespace remediations
