// What lies about the backup extension, and small texts that tell its circumstances; the first byte says which.
#include "remediations/formats/http_date.hpp"
#include "remediations/knowledge/configuration/extension_settings.hpp"
#include "remediations/knowledge/extension/python_interpreters.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    switch (data[0]) {
        case 's': {
            const auto settings = remediations::parse_backup_settings("0.settings", std::string(text));
            fuzz::require(settings || settings.error().message.starts_with("0.settings"));
            break;
        }
        case 'd':
            (void)remediations::parse_http_date(text);
            break;
        case 'v':
            (void)remediations::parse_python_version(text);
            break;
        default:
            break;
    }
    return 0;
}
