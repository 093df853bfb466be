// A certificate of the guest agent.
#include "remediations/machine/certificate.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto certificate = machine::parse_certificate(fuzz::text_of(data, size));
    fuzz::require(!certificate || certificate->thumbprint.size() == 40);
    return 0;
}
