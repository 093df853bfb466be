#include "remediations/changes/slot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/json.hpp>
#include <optional>

#include "remediations/changes/firewall_rule.hpp"
#include "remediations/changes/windows_firewall_switch.hpp"
#include "remediations/machine/registry_json.hpp"
#include "remediations/machine/security_descriptor.hpp"

namespace remediations {

using machine::Error;
using machine::ErrorKind;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

/// A value as a person reads it in a description.
std::string show(const SlotValue& value) {
    if (value.is_null()) return "absent";
    if (value.is_string()) return std::string(value.get_string());
    if (const auto* object = value.if_object()) {
        if (const auto* data = object->if_contains("data")) return show(*data);
    }
    return json::serialize(value);
}

Error invalid_value(const std::string& what) {
    return {ErrorKind::invalid, "journal: " + what, 0};
}

/// Absence is a value of a slot, not a failure to read it.
template <class T>
Result<SlotValue> absent_or(const Result<T>& read) {
    if (read) return to_slot_value(*read);
    if (read.error().kind == ErrorKind::not_found) return SlotValue(nullptr);
    return read.error();
}

class FileContent final : public Slot {
public:
    FileContent(machine::Path path, std::uint32_t mode) : path_(std::move(path)), mode_(mode) {}

    json::object identity() const override { return {{"kind", "file-content"}, {"path", path_}, {"mode", mode_}}; }

    std::string describe(const SlotValue& before, const SlotValue&) const override {
        return fmt::format("{} {}", before.is_null() ? "create" : "edit", path_);
    }

    Result<SlotValue> read(const Machine& machine) const override { return absent_or(machine.files().read(path_)); }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.files().remove(path_);
        const auto* object = value.if_object();
        const auto* text = object ? object->if_contains("text") : nullptr;
        if (text && text->is_string()) return machine.files().write(path_, std::string(text->get_string()), mode_);
        const auto* encoded = object ? object->if_contains("base64") : nullptr;
        if (!encoded || !encoded->is_string())
            return invalid_value("content of " + path_ + " is neither text nor base64");
        namespace base64 = boost::beast::detail::base64;
        const auto& source = encoded->get_string();
        std::string bytes(base64::decoded_size(source.size()), '\0');
        bytes.resize(base64::decode(bytes.data(), source.data(), source.size()).first);
        return machine.files().write(path_, bytes, mode_);
    }

    Result<void> clean_up(Machine& machine, const SlotValue&) const override {
        return machine.files().remove_leftovers(path_);
    }

private:
    machine::Path path_;
    std::uint32_t mode_;
};

class Folder final : public Slot {
public:
    Folder(machine::Path path, std::uint32_t mode) : path_(std::move(path)), mode_(mode) {}

    json::object identity() const override { return {{"kind", "folder"}, {"path", path_}, {"mode", mode_}}; }

    std::string describe(const SlotValue&, const SlotValue&) const override { return "create folder " + path_; }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto names = machine.files().list(path_);
        if (names) return SlotValue(names->empty() ? "empty" : "in use");
        if (names.error().kind == ErrorKind::not_found) return SlotValue(nullptr);
        if (names.error().kind == ErrorKind::invalid) return SlotValue("no folder");
        return names.error();
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.files().remove(path_);
        if (value == "empty") return machine.files().create_folder(path_, mode_);
        return invalid_value("folder " + path_ + " is to be neither absent nor empty");
    }

private:
    machine::Path path_;
    std::uint32_t mode_;
};

class Location final : public Slot {
public:
    Location(machine::Path from, machine::Path to) : from_(std::move(from)), to_(std::move(to)) {}

    json::object identity() const override { return {{"kind", "location"}, {"from", from_}, {"to", to_}}; }

    std::string describe(const SlotValue&, const SlotValue&) const override {
        return fmt::format("move {} to quarantine", from_);
    }

    /// A tree that is at both places was created anew by someone else: that is neither of our values. Unless it is the
    /// same tree: a crash kept the original from being removed once its copy was whole.
    Result<SlotValue> read(const Machine& machine) const override {
        const auto original = exists(machine, from_);
        if (!original) return original.error();
        const auto quarantined = exists(machine, to_);
        if (!quarantined) return quarantined.error();
        if (*original && *quarantined) {
            return SlotValue(same_tree(machine, from_, to_) ? "original" : "created again since");
        }
        if (*quarantined) return SlotValue("quarantined");
        if (*original) return SlotValue("original");
        return SlotValue(nullptr);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value == "quarantined") return machine.files().move(from_, to_);
        if (value == "original") return machine.files().move(to_, from_);
        return invalid_value("location of " + from_ + " is neither original nor quarantined");
    }

    Result<void> clean_up(Machine& machine, const SlotValue&) const override {
        const auto cleaned = machine.files().remove_leftovers(from_);
        return cleaned ? machine.files().remove_leftovers(to_) : cleaned;
    }

private:
    /// By names, sizes, owners, modes and times; what cannot be looked at is not the same.
    static bool same_tree(const Machine& machine, const machine::Path& one, const machine::Path& other,
                          int depth = 128) {
        auto status = machine.files().status(one);
        const auto other_status = machine.files().status(other);
        if (!status || !other_status || depth == 0) return false;
        if (status->kind != machine::FileKind::directory) return *status == *other_status;
        status->size = other_status->size;  // a folder's tells of its past, and a copy's time may be another
        status->modified = other_status->modified;
        const auto names = machine.files().list(one);
        const auto other_names = machine.files().list(other);
        if (*status != *other_status || !names || !other_names || *names != *other_names) return false;
        const auto separator = machine.facts().platform == machine::Platform::windows ? "\\" : "/";
        return std::ranges::all_of(*names, [&](const auto& name) {
            return same_tree(machine, one + separator + name, other + separator + name, depth - 1);
        });
    }

    static Result<bool> exists(const Machine& machine, const machine::Path& path) {
        const auto status = machine.files().status(path);
        if (status) return true;
        if (status.error().kind == ErrorKind::not_found) return false;
        return status.error();
    }

    machine::Path from_;
    machine::Path to_;
};

std::string parent_of(const std::string& key) {
    return key.substr(0, std::min(key.rfind('\\'), key.size()));
}

class RegistryValueSlot final : public Slot {
public:
    RegistryValueSlot(std::string key, std::string name, std::string first_new_key)
        : key_(std::move(key)), name_(std::move(name)), first_new_key_(std::move(first_new_key)) {}

    json::object identity() const override {
        json::object identity{{"kind", "registry-value"}, {"key", key_}, {"name", name_}};
        if (!first_new_key_.empty()) identity["firstNewKey"] = first_new_key_;
        return identity;
    }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        if (after.is_null()) return fmt::format("remove registry value {}\\{}", key_, name_);
        return fmt::format("set registry value {}\\{} to {}", key_, name_, show(after));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        return absent_or(machine.registry().value(key_, name_));
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.registry().remove_value(key_, name_);
        const auto decoded = machine::registry_value_from_json(value);
        if (!decoded) return decoded.error();
        return machine.registry().set_value(key_, name_, *decoded);
    }

    Result<void> clean_up(Machine& machine, const SlotValue&) const override {
        if (first_new_key_.empty()) return {};
        for (auto key = key_; key.size() >= first_new_key_.size(); key = parent_of(key)) {
            if (!is_empty(machine.registry(), key)) break;
            if (auto removed = machine.registry().remove_key(key); !removed) return removed;
        }
        return {};
    }

private:
    static bool is_empty(const machine::Registry& registry, const std::string& key) {
        const auto names = registry.value_names(key);
        const auto subkeys = registry.subkeys(key);
        return names && names->empty() && subkeys && subkeys->empty();
    }

    std::string key_;
    std::string name_;
    std::string first_new_key_;
};

/// {"values": {name: value}, "subkeys": {name: the same}}
class RegistryKeySlot final : public Slot {
public:
    explicit RegistryKeySlot(std::string key) : key_(std::move(key)) {}

    json::object identity() const override { return {{"kind", "registry-key"}, {"key", key_}}; }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        return fmt::format("{} registry key {}", after.is_null() ? "remove" : "restore", key_);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        auto tree = read_tree(machine.registry(), key_, depth_limit);
        if (!tree && tree.error().kind == ErrorKind::not_found) return SlotValue(nullptr);
        return tree;
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.registry().remove_key(key_);
        return write_tree(machine.registry(), key_, value);
    }

    /// Values come and go one by one.
    bool is_between(const SlotValue& now, const SlotValue& before, const SlotValue& after) const override {
        return is_part(now, before) || is_part(now, after);
    }

private:
    /// Whether everything in `part` is in `whole` too, and the same.
    static bool is_part(const SlotValue& part, const SlotValue& whole) {
        if (part == whole) return true;
        const auto* object = part.if_object();
        const auto* other = whole.if_object();
        if (!object || !other || object->contains("data")) return false;  // a value is whole or not there
        return std::ranges::all_of(*object, [&](const auto& member) {
            const auto* same = other->if_contains(member.key());
            return same && is_part(member.value(), *same);
        });
    }

    static constexpr int depth_limit = 16;

    static Result<SlotValue> read_tree(const machine::Registry& registry, const std::string& key, int depth) {
        if (depth == 0) return Error{ErrorKind::too_large, key + " lies too deep to be saved", 0};
        const auto names = registry.value_names(key);
        if (!names) return names.error();
        const auto subkeys = registry.subkeys(key);
        if (!subkeys) return subkeys.error();
        json::object values;
        for (const auto& name : *names) {
            const auto value = registry.value(key, name);
            if (!value) return value.error();
            values[name] = to_slot_value(*value);
        }
        json::object children;
        for (const auto& subkey : *subkeys) {
            auto child = read_tree(registry, key + "\\" + subkey, depth - 1);
            if (!child) return child.error();
            children[subkey] = std::move(*child);
        }
        return SlotValue(json::object{{"values", std::move(values)}, {"subkeys", std::move(children)}});
    }

    Result<void> write_tree(machine::Registry& registry, const std::string& key, const SlotValue& tree) const {
        const auto* object = tree.if_object();
        const auto* values = object ? object->if_contains("values") : nullptr;
        const auto* subkeys = object ? object->if_contains("subkeys") : nullptr;
        if (!values || !values->is_object() || !subkeys || !subkeys->is_object()) {
            return invalid_value("registry key " + key + " lacks values or subkeys");
        }
        for (const auto& [name, value] : values->get_object()) {
            const auto decoded = machine::registry_value_from_json(value);
            if (!decoded) return decoded.error();
            if (auto written = registry.set_value(key, std::string(name), *decoded); !written) return written.error();
        }
        for (const auto& [name, child] : subkeys->get_object()) {
            if (auto written = write_tree(registry, key + "\\" + std::string(name), child); !written)
                return written.error();
        }
        return {};
    }

    std::string key_;
};

constexpr std::array start_types{machine::StartType::automatic, machine::StartType::manual,
                                 machine::StartType::disabled};

class ServiceStart final : public Slot {
public:
    explicit ServiceStart(std::string service) : service_(std::move(service)) {}

    json::object identity() const override { return {{"kind", "service-start"}, {"service", service_}}; }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        return fmt::format("set start type of {} from {} to {}", service_, show(before), show(after));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto service = machine.services().find(service_);
        if (!service) return service.error();
        return to_slot_value(service->start);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        const auto* type = std::ranges::find_if(start_types, [&](auto start) { return value == to_slot_value(start); });
        if (type == start_types.end()) return invalid_value("start type of " + service_ + " is " + show(value));
        return machine.services().set_start(service_, *type);
    }

    /// systemd unmasks a service before it enables it.
    bool is_between(const SlotValue& now, const SlotValue& before, const SlotValue& after) const override {
        const auto is = [](const SlotValue& value, machine::StartType type) { return value == to_slot_value(type); };
        using enum machine::StartType;
        return is(now, manual) &&
               ((is(before, disabled) && is(after, automatic)) || (is(before, automatic) && is(after, disabled)));
    }

private:
    std::string service_;
};

class ServiceAccount final : public Slot {
public:
    explicit ServiceAccount(std::string service) : service_(std::move(service)) {}

    json::object identity() const override { return {{"kind", "service-account"}, {"service", service_}}; }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        return fmt::format("set account of {} from {} to {}", service_, show(before), show(after));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto service = machine.services().find(service_);
        if (!service) return service.error();
        return SlotValue(service->account);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (!value.is_string()) return invalid_value("account of " + service_ + " is no text");
        return machine.services().set_account(service_, std::string(value.get_string()));
    }

private:
    std::string service_;
};

class ServiceRunning final : public Slot {
public:
    explicit ServiceRunning(std::string service) : service_(std::move(service)) {}

    json::object identity() const override { return {{"kind", "service-running"}, {"service", service_}}; }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        return fmt::format("{} service {}", after == "running" ? "start" : "stop", service_);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto service = machine.services().find(service_);
        if (!service) return service.error();
        return SlotValue(service->state == machine::ServiceState::running ? "running" : "stopped");
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value == "running") return machine.services().start(service_);
        if (value == "stopped") return machine.services().stop(service_);
        return invalid_value("service " + service_ + " is to be neither running nor stopped");
    }

private:
    std::string service_;
};

class Permissions final : public Slot {
public:
    explicit Permissions(machine::Path path) : path_(std::move(path)) {}

    json::object identity() const override { return {{"kind", "permissions"}, {"path", path_}}; }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        const auto old = permissions_in(before);
        const auto wanted = permissions_in(after);
        if (!old || !wanted) return "set permissions of " + path_;
        std::vector<std::string> parts;
        if (old->uid != wanted->uid || old->gid != wanted->gid) {
            parts.push_back(
                fmt::format("owner of {} from {}:{} to {}:{}", path_, old->uid, old->gid, wanted->uid, wanted->gid));
        }
        if (old->mode != wanted->mode || parts.empty()) {
            parts.push_back(fmt::format("mode of {} from {:04o} to {:04o}", path_, old->mode, wanted->mode));
        }
        return fmt::format("set {}", fmt::join(parts, ", "));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto status = machine.files().status(path_);
        if (!status) return status.error();
        return to_slot_value(machine::FilePermissions{status->mode, status->uid, status->gid});
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        const auto permissions = permissions_in(value);
        if (!permissions) return invalid_value("permissions of " + path_ + " lack mode, uid or gid");
        return machine.files().set_permissions(path_, *permissions);
    }

    /// The owner comes first, and its change may clear the set-id bits.
    bool is_between(const SlotValue& now, const SlotValue& before, const SlotValue& after) const override {
        const auto current = permissions_in(now);
        const auto old = permissions_in(before);
        const auto wanted = permissions_in(after);
        if (!current || !old || !wanted) return false;
        constexpr std::uint32_t without_set_id = 01777;
        const auto is_mode_of = [&](const machine::FilePermissions& one) {
            return current->mode == one.mode || current->mode == (one.mode & without_set_id);
        };
        return (is_mode_of(*old) || is_mode_of(*wanted)) && (current->uid == old->uid || current->uid == wanted->uid) &&
               (current->gid == old->gid || current->gid == wanted->gid);
    }

private:
    static std::optional<machine::FilePermissions> permissions_in(const SlotValue& value) {
        machine::FilePermissions permissions;
        const auto* object = value.if_object();
        for (auto [name, target] :
             {std::pair{"mode", &permissions.mode}, {"uid", &permissions.uid}, {"gid", &permissions.gid}}) {
            const auto* member = object ? object->if_contains(name) : nullptr;
            const auto number = member ? json::try_value_to<std::uint32_t>(*member) : json::result<std::uint32_t>();
            if (!member || !number) return std::nullopt;
            *target = *number;
        }
        return permissions;
    }

    machine::Path path_;
};

class Security final : public Slot {
public:
    explicit Security(machine::Path path) : path_(std::move(path)) {}

    json::object identity() const override { return {{"kind", "security"}, {"path", path_}}; }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        return fmt::format("set owner and access control list of {} from {} to {}", path_, show(before), show(after));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto security = machine.files().security(path_);
        if (!security) return security.error();
        return SlotValue(*security);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (!value.is_string()) return invalid_value("access control list of " + path_ + " is no text");
        return machine.files().set_security(path_, std::string(value.get_string()));
    }

    /// Windows writes what it was given in another way. And parts that a text does not name are kept.
    bool is_between(const SlotValue& now, const SlotValue& before, const SlotValue& after) const override {
        const auto current = descriptor_in(now);
        const auto old = descriptor_in(before);
        auto wanted = descriptor_in(after);
        if (!current || !old || !wanted) return false;
        if (wanted->owner.empty()) wanted->owner = old->owner;
        if (wanted->group.empty()) wanted->group = old->group;
        if (!wanted->has_access_list) {
            wanted->has_access_list = old->has_access_list;
            wanted->is_protected = old->is_protected;
            wanted->entries = old->entries;
        }
        return machine::same_file_security(*current, *old) || machine::same_file_security(*current, *wanted);
    }

private:
    static std::optional<machine::SecurityDescriptor> descriptor_in(const SlotValue& value) {
        const auto* text = value.if_string();
        const auto parsed = text ? machine::parse_security_descriptor(*text) : Error{};
        return parsed ? std::optional(*parsed) : std::nullopt;
    }

    machine::Path path_;
};

class CertificateSlot final : public Slot {
public:
    CertificateSlot(std::string store, std::string thumbprint)
        : store_(std::move(store)), thumbprint_(std::move(thumbprint)) {}

    json::object identity() const override {
        return {{"kind", "certificate"}, {"store", store_}, {"thumbprint", thumbprint_}};
    }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        return after.is_null() ? fmt::format("remove certificate {} from the computer's store {}", thumbprint_, store_)
                               : fmt::format("put certificate {} into the computer's store {}", thumbprint_, store_);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto serialized = machine.certificates().serialized(store_, thumbprint_);
        if (serialized) return SlotValue(*serialized);
        if (serialized.error().kind == ErrorKind::not_found) return SlotValue(nullptr);
        return serialized.error();
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.certificates().remove(store_, thumbprint_);
        if (!value.is_string()) return invalid_value("certificate " + thumbprint_ + " is no text");
        return machine.certificates().add(store_, std::string(value.get_string()));
    }

private:
    std::string store_;
    std::string thumbprint_;
};

class ServiceRestarts final : public Slot {
public:
    explicit ServiceRestarts(std::string service) : service_(std::move(service)) {}

    json::object identity() const override { return {{"kind", "service-restarts"}, {"service", service_}}; }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        return fmt::format("turn automatic restart of {} {}", service_, after == true ? "on" : "off");
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto service = machine.services().find(service_);
        if (!service) return service.error();
        return SlotValue(service->restarts);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (!value.is_bool()) return invalid_value("automatic restart of " + service_ + " is neither true nor false");
        return machine.services().set_restarts(service_, value.get_bool());
    }

    /// A drop-in that systemd was not yet told of.
    Result<void> clean_up(Machine& machine, const SlotValue& value) const override {
        const auto now = read(machine);
        if (!now) return now.error();
        return value == false && *now == false ? write(machine, value) : Result<void>();
    }

private:
    std::string service_;
};

class MountOption final : public Slot {
public:
    MountOption(machine::Path target, std::string option) : target_(std::move(target)), option_(std::move(option)) {
        // One identity for both, so that a plan knows what an earlier step will have left.
        if (option_ == "ro" || option_.starts_with("no")) option_ = machine::opposite_option(option_);
    }

    json::object identity() const override {
        return {{"kind", "mount-option"}, {"target", target_}, {"option", option_}};
    }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        return fmt::format("remount {} with {} instead of {}", target_, show(after), show(before));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto opposite = machine::opposite_option(option_);
        if (opposite.empty()) return invalid_value("'" + option_ + "' is no option of a mount that has an opposite");
        const auto mounts = machine.mounts().list();
        if (!mounts) return mounts.error();
        // The last one mounted there hides the others.
        const auto mount = std::find_if(mounts->rbegin(), mounts->rend(),
                                        [&](const machine::Mount& candidate) { return candidate.target == target_; });
        if (mount == mounts->rend()) return Error{ErrorKind::not_found, target_ + " is not a mount point", 0};
        const bool opposite_is_set = std::ranges::find(mount->options, opposite) != mount->options.end();
        return SlotValue(opposite_is_set ? opposite : option_);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (!value.is_string()) return invalid_value("option of mount " + target_ + " is no text");
        return machine.mounts().remount(target_, std::string(value.get_string()));
    }

private:
    machine::Path target_;
    std::string option_;
};

}  // namespace

SlotValue to_slot_value(const std::string& file_content) {
    // The parser rejects invalid UTF-8, so what survives it can stand in the journal as it is.
    boost::system::error_code error;
    const auto quoted = json::serialize(json::value(file_content));
    json::parse(quoted, error);
    if (!error) return json::object{{"text", file_content}};
    namespace base64 = boost::beast::detail::base64;
    std::string encoded(base64::encoded_size(file_content.size()), '\0');
    encoded.resize(base64::encode(encoded.data(), file_content.data(), file_content.size()));
    return json::object{{"base64", encoded}};
}

SlotValue to_slot_value(const machine::RegistryValue& value) {
    return machine::to_json(value);
}

SlotValue to_slot_value(machine::StartType start) {
    return SlotValue(machine::to_string(start));
}

SlotValue to_slot_value(const machine::FilePermissions& permissions) {
    return json::object{{"mode", std::int64_t{permissions.mode}},
                        {"uid", std::int64_t{permissions.uid}},
                        {"gid", std::int64_t{permissions.gid}}};
}

std::unique_ptr<Slot> file_content_slot(machine::Path path, std::uint32_t mode_if_created) {
    return std::make_unique<FileContent>(std::move(path), mode_if_created);
}

std::unique_ptr<Slot> location_slot(machine::Path from, machine::Path to) {
    return std::make_unique<Location>(std::move(from), std::move(to));
}

std::unique_ptr<Slot> folder_slot(machine::Path path, std::uint32_t mode_if_created) {
    return std::make_unique<Folder>(std::move(path), mode_if_created);
}

std::string first_absent_key(const Machine& machine, const std::string& key) {
    std::string absent;
    for (auto place = key; place.find('\\') != std::string::npos; place = parent_of(place)) {
        const auto subkeys = machine.registry().subkeys(place);
        if (subkeys || subkeys.error().kind != ErrorKind::not_found) break;
        absent = place;
    }
    return absent;
}

std::unique_ptr<Slot> registry_value_slot(std::string key, std::string name, std::string first_new_key) {
    return std::make_unique<RegistryValueSlot>(std::move(key), std::move(name), std::move(first_new_key));
}

std::unique_ptr<Slot> registry_key_slot(std::string key) {
    return std::make_unique<RegistryKeySlot>(std::move(key));
}

std::unique_ptr<Slot> service_start_slot(std::string service) {
    return std::make_unique<ServiceStart>(std::move(service));
}

std::unique_ptr<Slot> service_account_slot(std::string service) {
    return std::make_unique<ServiceAccount>(std::move(service));
}

std::unique_ptr<Slot> service_running_slot(std::string service) {
    return std::make_unique<ServiceRunning>(std::move(service));
}

std::unique_ptr<Slot> permissions_slot(machine::Path path) {
    return std::make_unique<Permissions>(std::move(path));
}

std::unique_ptr<Slot> security_slot(machine::Path path) {
    return std::make_unique<Security>(std::move(path));
}

std::unique_ptr<Slot> certificate_slot(std::string store, std::string thumbprint) {
    return std::make_unique<CertificateSlot>(std::move(store), std::move(thumbprint));
}

std::unique_ptr<Slot> service_restarts_slot(std::string service) {
    return std::make_unique<ServiceRestarts>(std::move(service));
}

std::unique_ptr<Slot> mount_option_slot(machine::Path target, std::string option) {
    return std::make_unique<MountOption>(std::move(target), std::move(option));
}

Result<std::unique_ptr<Slot>> make_slot(const json::object& identity) {
    const auto text = [&](const char* field) -> std::string {
        const auto* value = identity.if_contains(field);
        return value && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    const auto kind = text("kind");
    const auto require = [&](std::initializer_list<const char*> fields) -> Result<void> {
        for (const auto* field : fields) {
            if (text(field).empty()) return invalid_value(fmt::format("slot {} lacks the text '{}'", kind, field));
        }
        return {};
    };
    if (kind == "file-content") {
        if (auto checked = require({"path"}); !checked) return checked.error();
        const auto* mode = identity.if_contains("mode");
        return file_content_slot(text("path"),
                                 mode && mode->is_int64() ? static_cast<std::uint32_t>(mode->get_int64()) : 0600);
    }
    if (kind == "folder") {
        if (auto checked = require({"path"}); !checked) return checked.error();
        const auto* mode = identity.if_contains("mode");
        return folder_slot(text("path"),
                           mode && mode->is_int64() ? static_cast<std::uint32_t>(mode->get_int64()) : 0700);
    }
    if (kind == "location") {
        if (auto checked = require({"from", "to"}); !checked) return checked.error();
        return location_slot(text("from"), text("to"));
    }
    if (kind == "registry-value") {
        if (auto checked = require({"key"}); !checked) return checked.error();  // the default value has an empty name
        return registry_value_slot(text("key"), text("name"), text("firstNewKey"));
    }
    if (kind == "registry-key") {
        if (auto checked = require({"key"}); !checked) return checked.error();
        return registry_key_slot(text("key"));
    }
    if (kind == "permissions") {
        if (auto checked = require({"path"}); !checked) return checked.error();
        return permissions_slot(text("path"));
    }
    if (kind == "security") {
        if (auto checked = require({"path"}); !checked) return checked.error();
        return security_slot(text("path"));
    }
    if (kind == "certificate") {
        if (auto checked = require({"store", "thumbprint"}); !checked) return checked.error();
        return certificate_slot(text("store"), text("thumbprint"));
    }
    if (kind == "mount-option") {
        if (auto checked = require({"target", "option"}); !checked) return checked.error();
        return mount_option_slot(text("target"), text("option"));
    }
    if (kind == "firewall-rule") {
        auto rule = firewall_rule_from(identity);
        if (!rule) return invalid_value(rule.error().message);
        return firewall_rule_slot(std::move(*rule));
    }
    if (kind == "windows-firewall-rule") {
        if (auto checked = require({"id"}); !checked) return checked.error();
        return windows_firewall_rule_slot(text("id"));
    }
    for (const auto& [name, make] : {std::pair{"service-start", &service_start_slot},
                                     {"service-account", &service_account_slot},
                                     {"service-running", &service_running_slot},
                                     {"service-restarts", &service_restarts_slot}}) {
        if (kind != name) continue;
        if (auto checked = require({"service"}); !checked) return checked.error();
        return make(text("service"));
    }
    return invalid_value(fmt::format("'{}' is no kind of slot", kind));
}

}  // namespace remediations
