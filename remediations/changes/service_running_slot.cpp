#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

class ServiceRunning final : public Slot {
public:
    explicit ServiceRunning(std::string service) : service_(std::move(service)) {}

    json::object identity() const override { return {{"kind", "service-running"}, {"service", service_}}; }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        return fmt::format("{} service {}", after == "running" ? "start" : "stop", service_);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto service = machine.services().find(service_);
        // A unit that systemd refuses to load cannot be started either, until its file is repaired.
        const bool is_refused = !service && service.error().kind == machine::ErrorKind::invalid &&
                                service.error().code == machine::error_unit_refused;
        if (is_refused) return SlotValue("stopped");
        if (!service) return service.error();
        return SlotValue(service->state == machine::ServiceState::running ? "running" : "stopped");
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value == "running") return machine.services().start(service_);
        if (value == "stopped") return machine.services().stop(service_);
        return invalid_value("service " + service_ + " is to be neither running nor stopped");
    }

private:
    std::string service_;
};

Result<std::unique_ptr<Slot>> service_running_from(const json::object& identity) {
    return service_running_slot(text_of(identity, "service"));
}

}  // namespace

std::unique_ptr<Slot> service_running_slot(std::string service) {
    return std::make_unique<ServiceRunning>(std::move(service));
}

extern const SlotKind service_running_kind{"service-running", {"service"}, service_running_from};

}  // namespace remediations
