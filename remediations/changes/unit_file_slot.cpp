#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

/// A file that lies somewhere, as location_slot() has it, and that systemd is told of whenever it was moved.
class UnitFile final : public Slot {
public:
    UnitFile(machine::Path from, machine::Path to)
        : from_(std::move(from)), to_(std::move(to)), location_(location_slot(from_, to_)) {}

    json::object identity() const override { return {{"kind", "unit-file"}, {"from", from_}, {"to", to_}}; }

    std::string describe(const SlotValue&, const SlotValue&) const override {
        return fmt::format("move {} to quarantine, and have systemd read its units again", from_);
    }

    Result<SlotValue> read(const Machine& machine) const override { return location_->read(machine); }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        const auto moved = location_->write(machine, value);
        return moved ? machine.services().reload_units() : moved;
    }

    /// After a crash systemd may know the units as they were before the move.
    Result<void> clean_up(Machine& machine, const SlotValue& value) const override {
        const auto cleaned = location_->clean_up(machine, value);
        return cleaned ? machine.services().reload_units() : cleaned;
    }

private:
    machine::Path from_;
    machine::Path to_;
    std::unique_ptr<Slot> location_;
};

Result<std::unique_ptr<Slot>> unit_file_from(const json::object& identity) {
    return unit_file_slot(text_of(identity, "from"), text_of(identity, "to"));
}

}  // namespace

std::unique_ptr<Slot> unit_file_slot(machine::Path from, machine::Path to) {
    return std::make_unique<UnitFile>(std::move(from), std::move(to));
}

extern const SlotKind unit_file_kind{"unit-file", {"from", "to"}, unit_file_from};

}  // namespace remediations
