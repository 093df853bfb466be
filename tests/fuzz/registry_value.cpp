// A registry value as journals and captures keep it.
#include <boost/json.hpp>

#include "remediations/machine/registry_json.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    boost::system::error_code error;
    const auto document = boost::json::parse(fuzz::text_of(data, size), error);
    if (error) return 0;
    const auto value = machine::registry_value_from_json(document);
    if (!value) return 0;
    const auto again = machine::registry_value_from_json(machine::to_json(*value));
    fuzz::require(again && again->type == value->type && again->data == value->data);
    return 0;
}
