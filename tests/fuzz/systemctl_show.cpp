// What `systemctl show` prints, descriptions and environments of units included.
#include "remediations/machine/linux/services_systemd.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto units = machine::local::parse_systemctl_show(fuzz::text_of(data, size));
    if (!units) return 0;
    for (const auto& unit : *units) {
        fuzz::require(!unit.empty());
        (void)machine::local::service_from(unit, "unit");
    }
    return 0;
}
