#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"
#include "remediations/machine/registry_json.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

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

    /// A write sets and removes the values one by one.
    bool is_between(const SlotValue& now, const SlotValue& before, const SlotValue& after) const override {
        return is_part(now, before) || is_part(now, after);
    }

private:
    /// Returns true if `whole` contains everything in `part` with the same value.
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
        if (depth == 0) return machine::Error::too_large(key + " lies too deep to be saved");
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
            if (auto written = write_tree(registry, key + "\\" + std::string(name), child); !written) {
                return written.error();
            }
        }
        return {};
    }

    std::string key_;
};

Result<std::unique_ptr<Slot>> registry_key_from(const json::object& identity) {
    return registry_key_slot(text_of(identity, "key"));
}

}  // namespace

std::unique_ptr<Slot> registry_key_slot(std::string key) {
    return std::make_unique<RegistryKeySlot>(std::move(key));
}

extern const SlotKind registry_key_kind{"registry-key", {"key"}, registry_key_from};

}  // namespace remediations
