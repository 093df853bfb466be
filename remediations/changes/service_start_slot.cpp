#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

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

Result<std::unique_ptr<Slot>> service_start_from(const json::object& identity) {
    return service_start_slot(text_of(identity, "service"));
}

}  // namespace

std::unique_ptr<Slot> service_start_slot(std::string service) {
    return std::make_unique<ServiceStart>(std::move(service));
}

extern const SlotKind service_start_kind{"service-start", {"service"}, service_start_from};

}  // namespace remediations
