#include "remediations/knowledge/extension/event_meaning.hpp"

#include <charconv>
#include <string_view>

namespace remediations {

std::optional<Meaning> meaning_of_event_failure(const Failure& failure) {
    // "vss 12366|...": see failures_among().
    const auto head = std::string_view(failure.shape).substr(0, failure.shape.find('|'));
    const auto blank = head.rfind(' ');
    if (blank == head.npos) return std::nullopt;
    std::uint32_t id = 0;
    std::from_chars(head.data() + blank + 1, head.data() + head.size(), id);
    if (auto meaning = meaning_of_event(head.substr(0, blank), id)) return meaning;
    for (const auto& reason : failure.reasons) {
        if (auto meaning = meaning_of(reason)) return meaning;
    }
    return std::nullopt;
}

}  // namespace remediations
