#include "remediations/machine/wmi.hpp"

#include <charconv>

namespace machine {

std::string text_property(const WmiObject& object, const std::string& name) {
    const auto found = object.find(name);
    return found == object.end() ? std::string() : found->second;
}

std::optional<std::uint64_t> number_property(const WmiObject& object, const std::string& name) {
    const auto text = text_property(object, name);
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    return is_number ? std::optional(number) : std::nullopt;
}

Result<std::vector<WmiObject>> Wmi::query(const std::string& name_space, const std::string&) const {
    return Error::unsupported("this system has no WMI namespace " + name_space);
}

}  // namespace machine
