// What captures and reports leave out of any text of the machine.
#include "remediations/machine/recorded/redact.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using machine::recorded::redact;
    const auto text = fuzz::text_of(data, size);
    const auto once = redact(text);
    fuzz::require(redact(once) == once);
    // Wherever it stands, a secret behind its marker is gone.
    const auto planted = redact(std::string(text) + " sig=hunter2");
    fuzz::require(planted.find("hunter2") == std::string::npos || text.find("hunter2") != text.npos);
    return 0;
}
