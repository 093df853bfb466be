#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"
#include "remediations/formats/base64.hpp"
#include "remediations/machine/registry_json.hpp"

namespace remediations {

using machine::Error;
using machine::Result;
namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view member) {
    const auto* value = object.if_contains(member);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<std::uint32_t> mode_in(const json::object& identity) {
    constexpr std::uint32_t all_bits = 07777;
    const auto* member = identity.if_contains("mode");
    const auto mode = member ? json::try_value_to<std::uint32_t>(*member) : json::result<std::uint32_t>(0U);
    if (member && mode && *mode <= all_bits) return *mode;
    return invalid_value(fmt::format("slot {} lacks the number 'mode'", text_of(identity, "kind")));
}

Error invalid_value(const std::string& what) {
    return machine::Error::invalid("journal: " + what);
}

std::string show(const SlotValue& value) {
    if (value.is_null()) return "absent";
    if (value.is_string()) return std::string(value.get_string());
    if (const auto* object = value.if_object()) {
        if (const auto* data = object->if_contains("data")) return show(*data);
    }
    return json::serialize(value);
}

SlotValue to_slot_value(const std::string& file_content) {
    // The parser rejects invalid UTF-8, so a text that it accepts can be in the journal unchanged.
    boost::system::error_code error;
    const auto quoted = json::serialize(json::value(file_content));
    json::parse(quoted, error);
    if (!error) return json::object{{"text", file_content}};
    return json::object{{"base64", encode_base64(file_content)}};
}

SlotValue to_slot_value(const machine::RegistryValue& value) {
    return machine::to_json(value);
}

SlotValue to_slot_value(machine::StartType start) {
    return SlotValue(machine::to_string(start));
}

SlotValue to_slot_value(const machine::FilePermissions& permissions) {
    return json::object{{"mode", std::int64_t{permissions.mode}},
                        {"uid", std::int64_t{permissions.uid}},
                        {"gid", std::int64_t{permissions.gid}}};
}

Result<std::unique_ptr<Slot>> make_slot(const json::object& identity) {
#define ADDRESS_OF(name) &name##_kind,
    static constexpr const SlotKind* kinds[] = {SLOT_KINDS(ADDRESS_OF)};
#undef ADDRESS_OF
    const auto name = text_of(identity, "kind");
    const auto* kind =
        std::ranges::find(kinds, std::string_view(name), [](const SlotKind* candidate) { return candidate->name; });
    if (kind == std::end(kinds)) return invalid_value(fmt::format("'{}' is no kind of slot", name));
    for (const auto member : (*kind)->texts) {
        if (member.empty() || !text_of(identity, member).empty()) continue;
        return invalid_value(fmt::format("slot {} lacks the text '{}'", name, member));
    }
    return (*kind)->make(identity);
}

}  // namespace remediations
