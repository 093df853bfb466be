#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/changes/azure_key_access.hpp"
#include "remediations/changes/azure_request.hpp"
#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

constexpr std::string_view kinds_of_rights[] = {"keys", "secrets", "certificates", "storage"};
constexpr std::string_view every_right = "all";

/// Returns the names in lower case, in alphabetical order and each once: Azure keeps neither case nor order.
std::vector<std::string> names_in(const json::object& rights, std::string_view kind) {
    std::vector<std::string> names;
    const auto* list = rights.if_contains(kind);
    if (!list || !list->is_array()) return names;
    for (const auto& name : list->get_array()) {
        if (name.is_string()) names.push_back(boost::to_lower_copy(std::string(name.get_string())));
    }
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

json::object normalized(const json::object& rights) {
    json::object result;
    for (const auto kind : kinds_of_rights) {
        if (const auto names = names_in(rights, kind); !names.empty()) result[kind] = json::value_from(names);
    }
    return result;
}

std::string shown(const SlotValue& value) {
    return value.is_null() ? "nothing" : json::serialize(value);
}

class AzureKeyAccess final : public Slot {
public:
    AzureKeyAccess(std::string vault, std::string object) : vault_(std::move(vault)), object_(std::move(object)) {}

    json::object identity() const override {
        return {{"kind", "azure-key-access"}, {"vault", vault_}, {"object", object_}};
    }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        return fmt::format("set what {} may do with the key vault {} from {} to {}", object_, vault_, shown(before),
                           shown(after));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto vault = read_vault(machine);
        if (!vault) return vault.error();
        const auto* rights = rights_in(*vault);
        return rights ? SlotValue(normalized(*rights)) : SlotValue(nullptr);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (!value.is_null() && !value.is_object()) {
            return invalid_value(fmt::format("the rights of {} are no object", object_));
        }
        const auto vault = read_vault(machine);
        if (!vault) return vault.error();
        boost::system::error_code code;
        const auto* tenant = vault->find_pointer("/properties/tenantId", code);
        if (!tenant || !tenant->is_string()) {
            return machine::Error::invalid(fmt::format("Azure's answer about {}: a tenantId was expected", vault_));
        }
        const auto* now = rights_in(*vault);
        if (value.is_null() && !now) return {};
        // A removal takes away the rights that it names, and with the last one the policy.
        const auto* operation = value.is_null() ? "remove" : now ? "replace" : "add";
        auto rights = value.is_null() ? normalized(*now) : value.get_object();
        // A kind that is not named might keep its rights.
        for (const auto kind : kinds_of_rights) {
            if (!rights.contains(kind)) rights[kind] = json::array();
        }
        const json::object policy{{"tenantId", *tenant}, {"objectId", object_}, {"permissions", std::move(rights)}};
        return change_in_azure(
            machine,
            {.path = fmt::format("{}/accessPolicies/{}", vault_, operation),
             .members = {},
             .method = "PUT",
             .body = json::serialize(json::object{{"properties", {{"accessPolicies", json::array{policy}}}}})});
    }

private:
    Result<json::value> read_vault(const Machine& machine) const {
        auto answer = read_in_azure(
            machine,
            {.path = vault_,
             .members = {"properties.tenantId", "properties.accessPolicies.objectId",
                         "properties.accessPolicies.applicationId", "properties.accessPolicies.permissions.keys",
                         "properties.accessPolicies.permissions.secrets",
                         "properties.accessPolicies.permissions.certificates",
                         "properties.accessPolicies.permissions.storage"}},
            fmt::format("see to the access policies of {} by hand: az keyvault set-policy", vault_));
        if (answer && answer->is_null()) {
            return machine::Error::not_found(fmt::format("the key vault {} is gone", vault_));
        }
        return answer;
    }

    /// The rights of the object itself, not those that it has together with an application.
    const json::object* rights_in(const json::value& vault) const {
        boost::system::error_code code;
        const auto* policies = vault.find_pointer("/properties/accessPolicies", code);
        if (!policies || !policies->is_array()) return nullptr;
        for (const auto& each : policies->get_array()) {
            const auto* policy = each.if_object();
            if (!policy || !boost::iequals(text_of(*policy, "objectId"), object_)) continue;
            if (!text_of(*policy, "applicationId").empty()) continue;
            const auto* rights = policy->if_contains("permissions");
            if (rights && rights->is_object()) return &rights->get_object();
        }
        return nullptr;
    }

    std::string vault_;
    std::string object_;
};

Result<std::unique_ptr<Slot>> azure_key_access_from(const json::object& identity) {
    return azure_key_access_slot(text_of(identity, "vault"), text_of(identity, "object"));
}

void add(json::object& rights, std::string_view kind, const std::vector<std::string>& added) {
    auto names = names_in(rights, kind);
    if (std::ranges::find(names, every_right) != names.end()) return;
    names.insert(names.end(), added.begin(), added.end());
    rights[kind] = json::value_from(names);
}

}  // namespace

std::unique_ptr<Slot> azure_key_access_slot(std::string vault, std::string object) {
    return std::make_unique<AzureKeyAccess>(std::move(vault), std::move(object));
}

SlotValue with_access(const SlotValue& now, const KeyAccess& added) {
    auto rights = now.is_object() ? now.get_object() : json::object();
    add(rights, "keys", added.keys);
    add(rights, "secrets", added.secrets);
    return normalized(rights);
}

extern const SlotKind azure_key_access_kind{"azure-key-access", {"vault", "object"}, azure_key_access_from};

}  // namespace remediations
