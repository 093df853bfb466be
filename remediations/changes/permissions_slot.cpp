#include "remediations/changes/slot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>
#include <optional>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

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

    /// A write sets the owner first, which may clear the set-id bits.
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

Result<std::unique_ptr<Slot>> permissions_from(const json::object& identity) {
    return permissions_slot(text_of(identity, "path"));
}

}  // namespace

std::unique_ptr<Slot> permissions_slot(machine::Path path) {
    return std::make_unique<Permissions>(std::move(path));
}

extern const SlotKind permissions_kind{"permissions", {"path"}, permissions_from};

}  // namespace remediations
