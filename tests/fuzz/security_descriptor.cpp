// An access control list in SDDL, as a file's owner may have made it.
#include "remediations/machine/security_descriptor.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto descriptor = machine::parse_security_descriptor(fuzz::text_of(data, size));
    if (!descriptor) {
        fuzz::require(descriptor.error().kind == machine::ErrorKind::invalid);
        fuzz::require(!descriptor.error().message.empty());
        return 0;
    }
    fuzz::require(machine::same_file_security(*descriptor, *descriptor));
    for (const auto& entry : descriptor->entries) fuzz::require(entry.sid.size() == 2 || entry.sid.starts_with("S-1-"));
    return 0;
}
