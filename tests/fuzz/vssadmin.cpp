// What vssadmin prints, in any code page, with names that software chose; the registry's number for the desktop heap;
// the header of a program.
#include "remediations/knowledge/extension/windows_extension_files.hpp"
#include "remediations/knowledge/snapshot/desktop_heap.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    if (const auto writers = remediations::parse_vss_writers(text)) {
        for (const auto& writer : *writers) {
            fuzz::require(writer.id.size() == 38 && writer.instance_id.size() == 38);
            fuzz::require(!writer.name.empty() && !writer.state_text.empty());
            fuzz::require(!remediations::meaning_of_writer_state(writer.state).empty());
        }
    }
    for (const auto& guid : remediations::guids_in(text)) fuzz::require(guid.size() == 38);
    const auto changed = remediations::with_service_desktop_heap(text, 4096);
    fuzz::require(changed.has_value() == remediations::service_desktop_heap(text).has_value());
    if (changed) fuzz::require(remediations::service_desktop_heap(*changed) == 4096U);
    static_cast<void>(remediations::pe_machine(text));
    return 0;
}
