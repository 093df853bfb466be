#include <fmt/format.h>

#include <boost/json.hpp>

#include "remediations/changes/azure_request.hpp"
#include "remediations/changes/slot.hpp"
#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::ArmQuestion;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

/// https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
class AzureLock final : public Slot {
public:
    explicit AzureLock(std::string id) : id_(std::move(id)) {}

    json::object identity() const override { return {{"kind", "azure-lock"}, {"id", id_}}; }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        if (after.is_null()) return fmt::format("remove the lock {} ({})", id_, level_of(before));
        return fmt::format("put the lock {} back ({})", id_, level_of(after));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const ArmQuestion question{
            .path = id_, .members = {"properties.level", "properties.notes", "properties.owners.applicationId"}};
        const auto answer = read_in_azure(machine, question,
                                          fmt::format("see to the lock {} by hand: az lock show, az lock create", id_));
        if (!answer) return answer.error();
        if (answer->is_null()) return SlotValue(nullptr);
        const auto* body = answer->if_object();
        const auto* properties = body ? body->if_contains("properties") : nullptr;
        const auto* lock = properties ? properties->if_object() : nullptr;
        const auto* owners = lock ? lock->if_contains("owners") : nullptr;
        if (owners && owners->is_array() && !owners->get_array().empty()) {
            return machine::Error::refused(fmt::format("the lock {} belongs to a managed application", id_));
        }
        if (!lock || text_of(*lock, "level").empty()) {
            return machine::Error::invalid(fmt::format("Azure's answer about {}: a level was expected", id_));
        }
        return json::object{{"level", text_of(*lock, "level")}, {"notes", text_of(*lock, "notes")}};
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        ArmQuestion request{.path = id_, .members = {}, .method = "DELETE"};
        if (!value.is_null()) {
            const auto level = level_of(value);
            if (level.empty()) return invalid_value("the lock " + id_ + " has no level");
            request.method = "PUT";
            request.body = json::serialize(
                json::object{{"properties", {{"level", level}, {"notes", text_of(value.get_object(), "notes")}}}});
        }
        return change_in_azure(machine, request);
    }

private:
    static std::string level_of(const SlotValue& value) {
        const auto* object = value.if_object();
        return object ? text_of(*object, "level") : std::string();
    }

    std::string id_;
};

Result<std::unique_ptr<Slot>> azure_lock_from(const json::object& identity) {
    return azure_lock_slot(text_of(identity, "id"));
}

}  // namespace

std::unique_ptr<Slot> azure_lock_slot(std::string id) {
    return std::make_unique<AzureLock>(std::move(id));
}

extern const SlotKind azure_lock_kind{"azure-lock", {"id"}, azure_lock_from};

}  // namespace remediations
