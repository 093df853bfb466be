#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

class MountOption final : public Slot {
public:
    MountOption(machine::Path target, std::string option) : target_(std::move(target)), option_(std::move(option)) {
        // Both options share one identity, so that a plan knows the value that an earlier step will have left.
        if (option_ == "ro" || option_.starts_with("no")) option_ = machine::opposite_option(option_);
    }

    json::object identity() const override {
        return {{"kind", "mount-option"}, {"target", target_}, {"option", option_}};
    }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        return fmt::format("remount {} with {} instead of {}", target_, show(after), show(before));
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto opposite = machine::opposite_option(option_);
        if (opposite.empty()) return invalid_value("'" + option_ + "' is no option of a mount that has an opposite");
        const auto mounts = machine.mounts().list();
        if (!mounts) return mounts.error();
        // The last one mounted there hides the others.
        const auto mount = std::find_if(mounts->rbegin(), mounts->rend(),
                                        [&](const machine::Mount& candidate) { return candidate.target == target_; });
        if (mount == mounts->rend()) return machine::Error::not_found(target_ + " is not a mount point");
        const bool opposite_is_set = std::ranges::find(mount->options, opposite) != mount->options.end();
        return SlotValue(opposite_is_set ? opposite : option_);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (!value.is_string()) return invalid_value("option of mount " + target_ + " is no text");
        return machine.mounts().remount(target_, std::string(value.get_string()));
    }

private:
    machine::Path target_;
    std::string option_;
};

Result<std::unique_ptr<Slot>> mount_option_from(const json::object& identity) {
    return mount_option_slot(text_of(identity, "target"), text_of(identity, "option"));
}

}  // namespace

std::unique_ptr<Slot> mount_option_slot(machine::Path target, std::string option) {
    return std::make_unique<MountOption>(std::move(target), std::move(option));
}

extern const SlotKind mount_option_kind{"mount-option", {"target", "option"}, mount_option_from};

}  // namespace remediations
