#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

class Location final : public Slot {
public:
    Location(machine::Path from, machine::Path to) : from_(std::move(from)), to_(std::move(to)) {}

    json::object identity() const override { return {{"kind", "location"}, {"from", from_}, {"to", to_}}; }

    std::string describe(const SlotValue&, const SlotValue&) const override {
        return fmt::format("move {} to quarantine", from_);
    }

    /// Returns "created again since" for a tree at both places, because somebody else created one of them: that is
    /// neither of our values. Where both are the same tree, a crash came between its copy and the removal of the
    /// original: returns "original".
    Result<SlotValue> read(const Machine& machine) const override {
        const auto original = exists(machine, from_);
        if (!original) return original.error();
        const auto quarantined = exists(machine, to_);
        if (!quarantined) return quarantined.error();
        if (*original && *quarantined) {
            return SlotValue(same_tree(machine, from_, to_) ? "original" : "created again since");
        }
        if (*quarantined) return SlotValue("quarantined");
        if (*original) return SlotValue("original");
        return SlotValue(nullptr);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value == "quarantined") return machine.files().move(from_, to_);
        if (value == "original") return machine.files().move(to_, from_);
        return invalid_value("location of " + from_ + " is neither original nor quarantined");
    }

    Result<void> clean_up(Machine& machine, const SlotValue&) const override {
        const auto cleaned = machine.files().remove_leftovers(from_);
        return cleaned ? machine.files().remove_leftovers(to_) : cleaned;
    }

private:
    /// Compares names, sizes, owners, modes and times. Trees that cannot be read are not the same.
    static bool same_tree(const Machine& machine, const machine::Path& one, const machine::Path& other,
                          int depth = 128) {
        auto status = machine.files().status(one);
        const auto other_status = machine.files().status(other);
        if (!status || !other_status || depth == 0) return false;
        if (status->kind != machine::FileKind::directory) return *status == *other_status;
        status->size = other_status->size;  // a folder's tells of its past, and a copy's time may be another
        status->modified = other_status->modified;
        const auto names = machine.files().list(one);
        const auto other_names = machine.files().list(other);
        if (*status != *other_status || !names || !other_names || *names != *other_names) return false;
        const auto separator = machine.facts().platform == machine::Platform::windows ? "\\" : "/";
        return std::ranges::all_of(*names, [&](const auto& name) {
            return same_tree(machine, one + separator + name, other + separator + name, depth - 1);
        });
    }

    static Result<bool> exists(const Machine& machine, const machine::Path& path) {
        const auto status = machine.files().status(path);
        if (status) return true;
        if (status.error().kind == ErrorKind::not_found) return false;
        return status.error();
    }

    machine::Path from_;
    machine::Path to_;
};

Result<std::unique_ptr<Slot>> location_from(const json::object& identity) {
    return location_slot(text_of(identity, "from"), text_of(identity, "to"));
}

}  // namespace

std::unique_ptr<Slot> location_slot(machine::Path from, machine::Path to) {
    return std::make_unique<Location>(std::move(from), std::move(to));
}

extern const SlotKind location_kind{"location", {"from", "to"}, location_from};

}  // namespace remediations
