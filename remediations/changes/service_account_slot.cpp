#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

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

    /// Windows deletes the password of an account when the service stops using it, and never reveals it.
    std::string why_not_put_back(const SlotValue& before) const override {
        if (!before.is_string() || has_no_password(std::string(before.get_string()))) return {};
        return fmt::format("the password of {} is not known: set the account of {} by hand", show(before), service_);
    }

private:
    /// True for LocalSystem, Local Service, Network Service, and for the virtual account of a service.
    static bool has_no_password(const std::string& account) {
        return account == "S-1-5-18" || account == "S-1-5-19" || account == "S-1-5-20" ||
               account.starts_with("S-1-5-80-") || boost::istarts_with(account, "NT SERVICE\\");
    }

    std::string service_;
};

Result<std::unique_ptr<Slot>> service_account_from(const json::object& identity) {
    return service_account_slot(text_of(identity, "service"));
}

}  // namespace

std::unique_ptr<Slot> service_account_slot(std::string service) {
    return std::make_unique<ServiceAccount>(std::move(service));
}

extern const SlotKind service_account_kind{"service-account", {"service"}, service_account_from};

}  // namespace remediations
