#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>

#include "remediations/changes/slot_kind.hpp"
#include "remediations/machine/security_descriptor.hpp"

namespace remediations {

using machine::Error;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

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

    /// Windows does not return the text that it was given. It also keeps the parts that the text does not name.
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

Result<std::unique_ptr<Slot>> security_from(const json::object& identity) {
    return security_slot(text_of(identity, "path"));
}

}  // namespace

std::unique_ptr<Slot> security_slot(machine::Path path) {
    return std::make_unique<Security>(std::move(path));
}

extern const SlotKind security_kind{"security", {"path"}, security_from};

}  // namespace remediations
