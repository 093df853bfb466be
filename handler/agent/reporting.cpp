#include "handler/agent/reporting.hpp"

#include <fmt/format.h>

#include "handler/report/report_file.hpp"
#include "handler/report/report_html.hpp"
#include "handler/report/report_outline.hpp"

namespace handler {

using remediations::Report;
using remediations::State;

void record_report(const Report& report, Log& log, Events& events) {
    for (const auto& notice : report.notices) log.warning(notice);
    for (const auto& outcome : report.outcomes) {
        const auto state = outcome.finding.state;
        const auto line = fmt::format("{}: {}: {}", outcome.remediation->id, to_string(state), outcome.finding.summary);
        log.info(line);
        for (const auto& change : outcome.changes) {
            log.info(fmt::format("{}: changed: {}", outcome.remediation->id, shown(change)));
        }
        if (state == State::healthy || state == State::not_applicable) continue;
        events.send(state == State::fixed ? Events::Level::informational : Events::Level::warning, "Finding", line);
    }
}

std::filesystem::path write_html_report(const Report& report, const Environment& environment,
                                        const std::string& program, Log& log) {
    auto written = write_report_file(environment.log_folder, report_html(report, Subject::this_computer, program),
                                     std::chrono::system_clock::now());
    if (written) return std::move(*written);
    log.warning(fmt::format("no HTML report: {}", written.error().message));
    return {};
}

}  // namespace handler
