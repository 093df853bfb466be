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

Result<std::unique_ptr<Slot>> registry_value_from(const json::object& identity) {
    return registry_value_slot(text_of(identity, "key"), text_of(identity, "name"), text_of(identity, "firstNewKey"));
}

}  // namespace

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

extern const SlotKind registry_value_kind{"registry-value", {"key"}, registry_value_from};

}  // namespace remediations
