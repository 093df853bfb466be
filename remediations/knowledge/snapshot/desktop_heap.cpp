#include "remediations/knowledge/snapshot/desktop_heap.hpp"

#include <boost/algorithm/string/find.hpp>
#include <charconv>

namespace remediations {

namespace {

/// The position of the digits of the third number.
struct Place {
    std::size_t begin = 0;
    std::size_t length = 0;
    std::uint32_t value = 0;
};

std::optional<Place> third_number(std::string_view text) {
    const auto found = boost::algorithm::ifind_first(text, "SharedSection=");
    if (found.empty()) return std::nullopt;
    const auto* at = found.end();
    const auto* end = text.data() + text.size();
    Place place;
    for (int count = 0; count < 3; ++count) {
        if (count > 0) {
            if (at == end || *at != ',') return std::nullopt;
            ++at;
        }
        const auto parsed = std::from_chars(at, end, place.value);
        if (parsed.ec != std::errc()) return std::nullopt;
        place.begin = static_cast<std::size_t>(at - text.data());
        place.length = static_cast<std::size_t>(parsed.ptr - at);
        at = parsed.ptr;
    }
    const bool ends_here = at == end || *at == ' ';
    return ends_here ? std::optional(place) : std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> service_desktop_heap(std::string_view subsystem) {
    const auto place = third_number(subsystem);
    return place ? std::optional(place->value) : std::nullopt;
}

std::optional<std::string> with_service_desktop_heap(std::string_view subsystem, std::uint32_t kib) {
    const auto place = third_number(subsystem);
    if (!place) return std::nullopt;
    return std::string(subsystem).replace(place->begin, place->length, std::to_string(kib));
}

}  // namespace remediations
