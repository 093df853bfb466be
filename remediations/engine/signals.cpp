#include "remediations/engine/signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <iterator>
#include <memory>

#include "remediations/engine/catalogue.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

std::vector<LogPattern> log_patterns_of_catalogue() {
    std::vector<LogPattern> patterns;
    for (const auto* remediation : catalogue()) {
        for (const auto& signal : remediation->signals) {
            if (!signal.is_line()) continue;
            patterns.push_back(signal.line);
            for (const auto& text : signal.revoked_by) patterns.push_back({signal.line.log, text});
        }
    }
    return patterns;
}

std::vector<EventPattern> event_patterns_of_catalogue() {
    std::vector<EventPattern> patterns;
    for (const auto* remediation : catalogue()) {
        for (const auto& signal : remediation->signals) {
            if (signal.is_event()) patterns.push_back(signal.event);
        }
    }
    return patterns;
}

std::vector<const Remediation*> remediations_for_signal(std::string_view text) {
    const auto is_meant = [&](const Signal& signal) {
        if (signal.is_line()) {
            return signal.role == Role::proof && boost::icontains(text, signal.line.text) &&
                   signal.has_further_texts(text);
        }
        return std::ranges::any_of(signal.event.ids, [&](auto id) {
            return boost::iequals(text, fmt::format("{} {}", signal.event.provider, id));
        });
    };
    std::vector<const Remediation*> found;
    std::ranges::copy_if(catalogue(), std::back_inserter(found),
                         [&](const auto* remediation) { return std::ranges::any_of(remediation->signals, is_meant); });
    return found;
}

void search_for_signals_of_catalogue(machine::Machine& machine) {
    machine.derive_by<LogEvidence>([](const machine::Machine& of) {
        return std::make_shared<const LogEvidence>(of, log_patterns_of_catalogue());
    });
    machine.derive_by<EventEvidence>([](const machine::Machine& of) {
        return std::make_shared<const EventEvidence>(of, event_patterns_of_catalogue(), backup_runs(of));
    });
}

}  // namespace remediations
