#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"
#include "remediations/formats/base64.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

class FileContent final : public Slot {
public:
    FileContent(machine::Path path, std::uint32_t mode) : path_(std::move(path)), mode_(mode) {}

    json::object identity() const override { return {{"kind", "file-content"}, {"path", path_}, {"mode", mode_}}; }

    std::string describe(const SlotValue& before, const SlotValue&) const override {
        return fmt::format("{} {}", before.is_null() ? "create" : "edit", path_);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        return absent_or(machine.files().read(path_, largest_file_content));
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.files().remove(path_);
        const auto* object = value.if_object();
        const auto* text = object ? object->if_contains("text") : nullptr;
        if (text && text->is_string()) return machine.files().write(path_, std::string(text->get_string()), mode_);
        const auto* encoded = object ? object->if_contains("base64") : nullptr;
        if (!encoded || !encoded->is_string()) {
            return invalid_value("content of " + path_ + " is neither text nor base64");
        }
        const auto bytes = decode_base64(encoded->get_string());
        if (!bytes) return invalid_value("content of " + path_ + " is not valid base64");
        return machine.files().write(path_, *bytes, mode_);
    }

    Result<void> clean_up(Machine& machine, const SlotValue&) const override {
        return machine.files().remove_leftovers(path_);
    }

private:
    machine::Path path_;
    std::uint32_t mode_;
};

Result<std::unique_ptr<Slot>> file_content_from(const json::object& identity) {
    const auto mode = mode_in(identity);
    if (!mode) return mode.error();
    return file_content_slot(text_of(identity, "path"), *mode);
}

}  // namespace

std::unique_ptr<Slot> file_content_slot(machine::Path path, std::uint32_t mode_if_created) {
    return std::make_unique<FileContent>(std::move(path), mode_if_created);
}

extern const SlotKind file_content_kind{"file-content", {"path"}, file_content_from};

}  // namespace remediations
