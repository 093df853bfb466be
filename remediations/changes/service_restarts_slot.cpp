#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

class ServiceRestarts final : public Slot {
public:
    explicit ServiceRestarts(std::string service) : service_(std::move(service)) {}

    json::object identity() const override { return {{"kind", "service-restarts"}, {"service", service_}}; }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        return fmt::format("turn automatic restart of {} {}", service_, after == true ? "on" : "off");
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto service = machine.services().find(service_);
        if (!service) return service.error();
        return SlotValue(service->restarts);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (!value.is_bool()) return invalid_value("automatic restart of " + service_ + " is neither true nor false");
        return machine.services().set_restarts(service_, value.get_bool());
    }

    /// Removes a drop-in file that systemd has not read yet.
    Result<void> clean_up(Machine& machine, const SlotValue& value) const override {
        const auto now = read(machine);
        if (!now) return now.error();
        return value == false && *now == false ? write(machine, value) : Result<void>();
    }

private:
    std::string service_;
};

Result<std::unique_ptr<Slot>> service_restarts_from(const json::object& identity) {
    return service_restarts_slot(text_of(identity, "service"));
}

}  // namespace

std::unique_ptr<Slot> service_restarts_slot(std::string service) {
    return std::make_unique<ServiceRestarts>(std::move(service));
}

extern const SlotKind service_restarts_kind{"service-restarts", {"service"}, service_restarts_from};

}  // namespace remediations
