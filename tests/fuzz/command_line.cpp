// The argument vector of a process, which any user may fill, and what of it is shown.
#include "remediations/machine/linux/processes_linux.hpp"
#include "remediations/machine/recorded/redact.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto words = machine::local::parse_command_line(text);
    std::size_t bytes = 0;
    for (const auto& word : words) bytes += word.size();
    fuzz::require(words.size() <= machine::Processes::command_line_words && bytes <= text.size());
    fuzz::require(machine::recorded::redact_words(words).size() == words.size());
    return 0;
}
