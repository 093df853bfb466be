// Smaller texts of a Linux system; the first byte says which.
#include "remediations/machine/linux/os_release.hpp"
#include "remediations/machine/linux/processes_linux.hpp"
#include "remediations/machine/linux/services_sysv.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    switch (data[0]) {
        case 'p':
            (void)machine::local::parse_process_stat(text);
            break;
        case 's':
            (void)machine::local::parse_process_identity(text);
            break;
        case 'o':
            (void)machine::local::parse_os_release(text);
            break;
        case 'i':
            for (const auto& name : machine::local::required_services(text)) fuzz::require(!name.empty());
            break;
        default:
            break;
    }
    return 0;
}
