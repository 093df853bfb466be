// A line of any log or the text of an event, and what somebody types behind "explain".
#include "remediations/knowledge/reasons/reasons_in.hpp"

#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/machine/utf8.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto line = fuzz::text_of(data, size);
    const auto reasons = remediations::reasons_in(line);
    fuzz::require(reasons.size() <= remediations::most_reasons);
    for (const auto& reason : reasons) {
        fuzz::require(reason.number != 0 || !reason.name.empty());
        fuzz::require(machine::valid_utf8(reason.text) == reason.text);
        fuzz::require(machine::valid_utf8(reason.name) == reason.name);
        fuzz::require(!remediations::description_of(reason).empty());
        if (const auto meaning = remediations::meaning_of(reason)) fuzz::require(!meaning->look_at.empty());
    }
    for (const auto& reading : remediations::explain_reason(line)) fuzz::require(!reading.what.empty());
    // What is read once is read the same way again.
    fuzz::require(remediations::reasons_in(line) == reasons);
    return 0;
}
