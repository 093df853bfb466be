#include "remediations/machine/registry_json.hpp"

#include <boost/json.hpp>

namespace machine {

namespace json = boost::json;

namespace {

template <class T>
Result<RegistryValue> decode(RegistryType type, const json::value& data, const char* expected) {
    auto decoded = json::try_value_to<T>(data);
    if (!decoded) return Error::invalid(std::string("registry value: data is not ") + expected);
    return RegistryValue{type, std::move(*decoded)};
}

}  // namespace

json::value to_json(const RegistryValue& value) {
    auto data = std::visit([](const auto& typed) { return json::value_from(typed); }, value.data);
    return json::object{{"type", static_cast<std::uint32_t>(value.type)}, {"data", std::move(data)}};
}

Result<RegistryValue> registry_value_from_json(const json::value& value) {
    const auto* object = value.if_object();
    const auto* type_number = object ? object->if_contains("type") : nullptr;
    const auto* data = object ? object->if_contains("data") : nullptr;
    const auto number = type_number ? json::try_value_to<std::uint32_t>(*type_number) : json::result<std::uint32_t>();
    if (!type_number || !number || !data) {
        return Error::invalid("registry value: expected an object with the number \"type\" and \"data\"");
    }
    const auto type = static_cast<RegistryType>(*number);
    switch (type) {
        case RegistryType::string:
        case RegistryType::expand_string:
            return decode<std::string>(type, *data, "a text");
        case RegistryType::dword:
        case RegistryType::qword:
            return decode<std::uint64_t>(type, *data, "a number");
        case RegistryType::multi_string:
            return decode<std::vector<std::string>>(type, *data, "a list of texts");
        case RegistryType::none:
        case RegistryType::binary:
            break;
    }
    return decode<std::vector<std::uint8_t>>(type, *data, "a list of bytes");
}

}  // namespace machine
