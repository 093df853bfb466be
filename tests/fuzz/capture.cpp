// facts.json of a capture that somebody sent.
#include "remediations/machine/recorded/capture.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Folder folder;
    static const fuzz::File facts(folder.path() / "facts.json");
    facts.fill(fuzz::text_of(data, size));
    const auto machine = machine::recorded::load(folder.path());
    fuzz::require(machine || machine.error().message.find("facts.json") != std::string::npos);
    return 0;
}
