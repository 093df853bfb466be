#include "remediations/engine/signals.hpp"

#include <memory>

#include "remediations/engine/catalogue.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"

namespace remediations {

std::vector<LogPattern> log_patterns_of_catalogue() {
    std::vector<LogPattern> patterns;
    for (const auto* remediation : catalogue()) {
        patterns.insert(patterns.end(), remediation->log_lines.begin(), remediation->log_lines.end());
        for (const auto& testimony : remediation->testimonies) {
            if (testimony.line.text.empty()) continue;
            patterns.push_back(testimony.line);
            for (const auto& text : testimony.revoked_by) patterns.push_back({testimony.line.log, text});
        }
    }
    return patterns;
}

std::vector<EventPattern> event_patterns_of_catalogue() {
    std::vector<EventPattern> patterns;
    for (const auto* remediation : catalogue()) {
        patterns.insert(patterns.end(), remediation->events.begin(), remediation->events.end());
        for (const auto& testimony : remediation->testimonies) {
            if (!testimony.event.channel.empty()) patterns.push_back(testimony.event);
        }
    }
    return patterns;
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
