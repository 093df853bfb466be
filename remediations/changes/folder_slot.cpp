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

class Folder final : public Slot {
public:
    Folder(machine::Path path, std::uint32_t mode) : path_(std::move(path)), mode_(mode) {}

    json::object identity() const override { return {{"kind", "folder"}, {"path", path_}, {"mode", mode_}}; }

    std::string describe(const SlotValue&, const SlotValue&) const override { return "create folder " + path_; }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto names = machine.files().list(path_);
        if (names) return SlotValue(names->empty() ? "empty" : "in use");
        if (names.error().kind == ErrorKind::not_found) return SlotValue(nullptr);
        if (names.error().kind == ErrorKind::invalid) return SlotValue("no folder");
        return names.error();
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.files().remove(path_);
        if (value == "empty") return machine.files().create_folder(path_, mode_);
        return invalid_value("folder " + path_ + " is to be neither absent nor empty");
    }

private:
    machine::Path path_;
    std::uint32_t mode_;
};

Result<std::unique_ptr<Slot>> folder_from(const json::object& identity) {
    const auto mode = mode_in(identity);
    if (!mode) return mode.error();
    return folder_slot(text_of(identity, "path"), *mode);
}

}  // namespace

std::unique_ptr<Slot> folder_slot(machine::Path path, std::uint32_t mode_if_created) {
    return std::make_unique<Folder>(std::move(path), mode_if_created);
}

extern const SlotKind folder_kind{"folder", {"path"}, folder_from};

}  // namespace remediations
