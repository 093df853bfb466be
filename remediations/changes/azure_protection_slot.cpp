#include <fmt/format.h>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/json.hpp>

#include "remediations/changes/azure_request.hpp"
#include "remediations/changes/slot.hpp"
#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

/// https://learn.microsoft.com/rest/api/backup/protected-items/create-or-update
class AzureProtection final : public Slot {
public:
    AzureProtection(std::string item, std::string vm) : item_(std::move(item)), vm_(std::move(vm)) {}

    json::object identity() const override { return {{"kind", "azure-protection"}, {"item", item_}, {"vm", vm_}}; }

    std::string describe(const SlotValue& /*before*/, const SlotValue& after) const override {
        if (after.is_null()) return fmt::format("stop the protection of {}, its data kept", vm_);
        return fmt::format("protect {} with the policy {}", vm_, show(after));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto answer =
            read_in_azure(machine, {.path = item_, .members = {"properties.policyId"}},
                          "see to the protection by hand: az backup protection resume, az backup protection disable");
        if (!answer) return answer.error();
        if (answer->is_null()) return machine::Error::not_found(fmt::format("the backup item {} is gone", item_));
        boost::system::error_code code;
        const auto* policy = answer->find_pointer("/properties/policyId", code);
        if (!policy || !policy->is_string() || policy->get_string().empty()) return SlotValue(nullptr);
        // Azure writes the same id in several cases.
        return SlotValue(boost::to_lower_copy(std::string(policy->get_string())));
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        json::object properties{{"protectedItemType", "Microsoft.Compute/virtualMachines"}, {"sourceResourceId", vm_}};
        if (value.is_string()) {
            properties["policyId"] = value;
        } else if (value.is_null()) {
            properties["policyId"] = "";
            properties["protectionState"] = "ProtectionStopped";
        } else {
            return invalid_value(fmt::format("the policy of {} is no text", item_));
        }
        return change_in_azure(machine, {.path = item_,
                                         .members = {},
                                         .method = "PUT",
                                         .body = json::serialize(json::object{{"properties", properties}})});
    }

private:
    std::string item_;
    std::string vm_;
};

Result<std::unique_ptr<Slot>> azure_protection_from(const json::object& identity) {
    return azure_protection_slot(text_of(identity, "item"), text_of(identity, "vm"));
}

}  // namespace

std::unique_ptr<Slot> azure_protection_slot(std::string item, std::string vm) {
    return std::make_unique<AzureProtection>(std::move(item), std::move(vm));
}

extern const SlotKind azure_protection_kind{"azure-protection", {"item", "vm"}, azure_protection_from};

}  // namespace remediations
