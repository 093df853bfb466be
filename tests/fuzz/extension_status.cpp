// The status file of the backup extension.
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto status = remediations::parse_extension_status("0.status", std::string(fuzz::text_of(data, size)));
    fuzz::require(status || status.error().message.starts_with("0.status: "));
    return 0;
}
