#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

class Link final : public Slot {
public:
    explicit Link(machine::Path path) : path_(std::move(path)) {}

    json::object identity() const override { return {{"kind", "link"}, {"path", path_}}; }

    std::string describe(const SlotValue& before, const SlotValue& after) const override {
        if (after.is_null()) return fmt::format("remove the link {} to {}", path_, show(before));
        return fmt::format("make {} a link to {}", path_, show(after));
    }

    /// What is there and is no link is none of our values: it is left alone.
    Result<SlotValue> read(const Machine& machine) const override {
        const auto status = machine.files().status(path_);
        if (!status && status.error().kind == ErrorKind::not_found) return SlotValue(nullptr);
        if (!status) return status.error();
        if (status->kind != machine::FileKind::symlink) return SlotValue(json::object{{"taken", true}});
        const auto target = machine.files().link_target(path_);
        if (!target) return target.error();
        return SlotValue(*target);
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.files().remove_link(path_);
        if (!value.is_string()) return invalid_value("the target of link " + path_ + " is no text");
        return machine.files().create_link(path_, std::string(value.get_string()));
    }

private:
    machine::Path path_;
};

Result<std::unique_ptr<Slot>> link_from(const json::object& identity) {
    return link_slot(text_of(identity, "path"));
}

}  // namespace

std::unique_ptr<Slot> link_slot(machine::Path path) {
    return std::make_unique<Link>(std::move(path));
}

extern const SlotKind link_kind{"link", {"path"}, link_from};

}  // namespace remediations
