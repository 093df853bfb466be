// fstab, pressure and thin pools; the first byte says which.
#include "remediations/knowledge/configuration/file_system_table.hpp"
#include "remediations/knowledge/snapshot/pressure.hpp"
#include "remediations/knowledge/snapshot/thin_pool_status.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    switch (data[0]) {
        case 'f':
            (void)remediations::parse_file_system_table(text);
            break;
        case 'p':
            (void)remediations::parse_pressure(text);
            break;
        case 't':
            (void)remediations::parse_thin_pool_status(text);
            break;
        default:
            break;
    }
    return 0;
}
