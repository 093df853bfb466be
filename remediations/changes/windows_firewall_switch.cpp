#include "remediations/changes/windows_firewall_switch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <optional>

#include "remediations/changes/slot_kind.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr std::string_view active_field = "|Active=";

std::string_view field_in(std::string_view rule, std::string_view field) {
    const auto start = rule.find(field);
    if (start == rule.npos) return {};
    const auto value = rule.substr(start + field.size());
    return value.substr(0, value.find('|'));
}

Result<std::string> rule_text(const Machine& machine, const std::string& id) {
    const auto value = machine.registry().value(windows_firewall_rules_key, id);
    if (!value) return value.error();
    const auto* text = std::get_if<std::string>(&value->data);
    if (text && text->find(active_field) != std::string::npos) return *text;
    return machine::Error::invalid(fmt::format("firewall rule {}: expected text with a field Active", id));
}

class WindowsFirewallRuleSlot final : public Slot {
public:
    explicit WindowsFirewallRuleSlot(std::string id) : id_(std::move(id)) {}

    boost::json::object identity() const override { return {{"kind", "windows-firewall-rule"}, {"id", id_}}; }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        return fmt::format("{} outbound firewall rule {}", after == SlotValue(true) ? "enable" : "disable", id_);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto text = rule_text(machine, id_);
        if (!text && text.error().kind == ErrorKind::not_found) return SlotValue(nullptr);
        if (!text) return text.error();
        return SlotValue(boost::iequals(field_in(*text, active_field), "TRUE"));
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (!value.is_bool()) return machine::Error::invalid("a firewall rule can only be enabled or disabled");
        const auto name = unique_firewall_rule_name(machine, id_);
        if (!name) return name.error();
        const machine::Command command(system_folder(machine) + R"(\netsh.exe)",
                                       {"advfirewall", "firewall", "set", "rule", "name=" + *name, "dir=out", "new",
                                        value.get_bool() ? "enable=yes" : "enable=no"});
        const auto output = machine.processes().run(command);
        if (!output) return output.error();
        if (output->exit_code != 0) {
            return machine::Error::refused(
                fmt::format("netsh ended with exit code {}: {}", output->exit_code, output->out.substr(0, 200)),
                output->exit_code);
        }
        return write_through(machine, value.get_bool());
    }

private:
    /// The firewall's service writes the registry itself, but at any time later.
    Result<void> write_through(Machine& machine, bool active) const {
        auto text = rule_text(machine, id_);
        if (!text) return text.error();
        const std::string_view wanted = active ? "TRUE" : "FALSE";
        const auto start = text->find(active_field) + active_field.size();
        const auto length = field_in(*text, active_field).size();
        if (boost::iequals(text->substr(start, length), wanted)) return {};
        text->replace(start, length, wanted);
        return machine.registry().set_value(windows_firewall_rules_key, id_, {machine::RegistryType::string, *text});
    }

    std::string id_;
};

Result<std::unique_ptr<Slot>> windows_firewall_rule_slot_from(const boost::json::object& identity) {
    return windows_firewall_rule_slot(text_of(identity, "id"));
}

}  // namespace

std::unique_ptr<Slot> windows_firewall_rule_slot(std::string id) {
    return std::make_unique<WindowsFirewallRuleSlot>(std::move(id));
}

Result<std::string> unique_firewall_rule_name(const Machine& machine, const std::string& id) {
    const auto text = rule_text(machine, id);
    if (!text) return text.error();
    const auto unsupported = [&](std::string_view why) {
        return machine::Error::unsupported(fmt::format("firewall rule {}: {}", id, why));
    };
    const std::string name(field_in(*text, "|Name="));
    // netsh takes "all" for every rule, and a name in the user's language for "@file,-number".
    if (name.empty() || name.starts_with('@') || boost::iequals(name, "all") || name.find('"') != std::string::npos) {
        return unsupported(fmt::format("its name \"{}\" cannot be given to netsh", name));
    }
    const auto ids = machine.registry().value_names(windows_firewall_rules_key);
    if (!ids) return ids.error();
    for (const auto& other : *ids) {
        if (boost::iequals(other, id)) continue;
        const auto rule = rule_text(machine, other);
        if (rule && boost::iequals(field_in(*rule, "|Name="), name) &&
            boost::iequals(field_in(*rule, "|Dir="), "Out")) {
            return unsupported(fmt::format("another outbound rule has the same name \"{}\"", name));
        }
    }
    return name;
}

extern const SlotKind windows_firewall_rule_kind{"windows-firewall-rule", {"id"}, windows_firewall_rule_slot_from};

}  // namespace remediations
