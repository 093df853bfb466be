#include "remediations/knowledge/windows/registry_values.hpp"

#include <boost/algorithm/string/join.hpp>
#include <charconv>

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

Result<std::optional<std::string>> registry_text(const Machine& machine, const std::string& key,
                                                 const std::string& name) {
    const auto value = machine.registry().value(key, name);
    if (!value && value.error().kind == ErrorKind::not_found) return std::optional<std::string>();
    if (!value) return value.error();
    if (const auto* text = std::get_if<std::string>(&value->data)) return std::optional(*text);
    if (const auto* number = std::get_if<std::uint64_t>(&value->data)) return std::optional(std::to_string(*number));
    if (const auto* list = std::get_if<std::vector<std::string>>(&value->data)) {
        return std::optional(boost::algorithm::join(*list, "\n"));
    }
    return machine::Error::invalid(key + "\\" + name + ": expected text, found binary data");
}

Result<std::optional<std::uint64_t>> registry_number(const Machine& machine, const std::string& key,
                                                     const std::string& name) {
    const auto value = machine.registry().value(key, name);
    if (!value && value.error().kind == ErrorKind::not_found) return std::optional<std::uint64_t>();
    if (!value) return value.error();
    if (const auto* number = std::get_if<std::uint64_t>(&value->data)) return std::optional(*number);
    const auto* text = std::get_if<std::string>(&value->data);
    std::uint64_t number = 0;
    if (text == nullptr) return std::optional<std::uint64_t>();
    const auto* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, number);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == end;
    return is_number ? std::optional(number) : std::optional<std::uint64_t>();
}

std::optional<bool> registry_key_exists(const Machine& machine, const std::string& key) {
    const auto subkeys = machine.registry().subkeys(key);
    if (subkeys) return true;
    if (subkeys.error().kind == ErrorKind::not_found) return false;
    return std::nullopt;
}

}  // namespace remediations
