#include "remediations/model/signal.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <utility>

namespace remediations {

bool Signal::has_further_texts(std::string_view text) const {
    const auto has = [&](const std::string& part) { return boost::icontains(text, part); };
    return std::ranges::all_of(with, has) && std::ranges::none_of(without, has);
}

Signal judged(LogPattern line) {
    return {.role = Role::judged, .line = std::move(line)};
}

Signal judged(Log log, std::string text) {
    return judged(LogPattern{log, std::move(text)});
}

Signal judged(EventPattern event) {
    return {.role = Role::judged, .event = std::move(event)};
}

std::vector<Signal> all_judged(const std::vector<LogPattern>& lines) {
    std::vector<Signal> all;
    for (const auto& line : lines) all.push_back(judged(line));
    return all;
}

std::vector<Signal> all_judged(const std::vector<EventPattern>& events) {
    std::vector<Signal> all;
    for (const auto& event : events) all.push_back(judged(event));
    return all;
}

Signal proof(Log log, std::string text) {
    return {.role = Role::proof, .line = {log, std::move(text)}};
}

Signal proof(EventPattern event) {
    return {.role = Role::proof, .event = std::move(event)};
}

std::vector<Signal> joined(const std::vector<std::vector<Signal>>& lists) {
    std::vector<Signal> all;
    for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
    return all;
}

}  // namespace remediations
