// Smaller texts of a Linux system; the first byte says which.
#include "remediations/machine/linux/os_release.hpp"
#include "remediations/machine/linux/processes_linux.hpp"
#include "remediations/machine/linux/services_sysv.hpp"
#include "remediations/machine/recorded/redact.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    switch (data[0]) {
        case 'p':
            (void)machine::local::parse_process_stat(text);
            break;
        case 'a': {
            const auto words = machine::local::parse_command_line(text);
            std::size_t bytes = 0;
            for (const auto& word : words) bytes += word.size();
            fuzz::require(words.size() <= machine::Processes::command_line_words && bytes <= text.size());
            fuzz::require(machine::recorded::redact_words(words).size() == words.size());
            break;
        }
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
