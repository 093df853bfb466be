#include "handler/report/report_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "handler/report/plain_text.hpp"
#include "remediations/model/error_codes.hpp"

namespace handler {

using remediations::Outcome;
using remediations::Report;
using remediations::RunMode;
using remediations::State;

namespace {

constexpr std::size_t longest_quoted_text = 4200;  // characters: a line of a log with its date is whole
constexpr std::size_t state_column = 20;
constexpr std::size_t layer_text_column = 36;
constexpr std::size_t evidence_column = 16;

std::string quoted(const std::string& seen) {
    return fmt::format("\"{}\"", shortened(visible(seen), longest_quoted_text));
}

class Writer {
public:
    Writer(const Report& report, Subject subject, const TextStyle& style, const std::string& program)
        : report_(report), subject_(subject), program_(program), page_(style) {}

    std::string write() && {
        pipeline();
        root_cause();
        for (const auto& group : in_reading_order(report_)) details(group);
        changes();
        next();
        return std::move(page_).text();
    }

private:
    void pipeline() {
        const auto& machine = report_.machine;
        page_.heading(fmt::format("Azure Backup pipeline of {} ({}, {})", visible(machine.host_name),
                                  visible(machine.os_name), visible(machine.architecture)));
        if (!report_.error_code.empty()) {
            const auto* known = remediations::find_error_code(report_.error_code);
            page_.paragraph(0, fmt::format("Error code {}: {}", visible(report_.error_code),
                                           known != nullptr ? known->meaning : "not one this program knows."));
        }
        page_.blank();
        for (const auto layer : remediations::all_layers) {
            const auto state = report_.layer_state(layer);
            page_.row(2, {{to_string(layer), state_column}, {to_string(state), layer_text_column, paint_of(state)}},
                      layer_line(report_, layer));
        }
    }

    void root_cause() {
        page_.blank();
        page_.heading(verdict(report_));
        if (!report_.root_cause_reason.empty()) page_.paragraph(2, visible(report_.root_cause_reason));
        const auto root = std::ranges::find(report_.outcomes, report_.root_cause, &Outcome::remediation);
        if (report_.mode == RunMode::fix && root != report_.outcomes.end()) {
            page_.paragraph(2, fmt::format("Now: {}.", to_string(root->finding.state)));
        }
        for (const auto& notice : report_.notices) {
            page_.blank();
            page_.paragraph(0, visible(notice));
        }
    }

    void details(const Group& group) {
        const auto& outcome = *group.front();
        const auto& finding = outcome.finding;
        page_.blank();
        page_.heading(fmt::format("{}: {}{}", state_text(outcome), title_of(group),
                                  group.size() == 1 ? fmt::format(" [{}]", outcome.remediation->id) : ""),
                      is_risk(outcome) ? Paint::attention : paint_of(finding.state));
        if (const auto told = summary_beneath_title(outcome); !told.empty()) page_.paragraph(2, visible(told));
        if (group.size() > 1) {
            for (const auto* each : group) {
                page_.entry(2, "-", 4, fmt::format("{} [{}]", each->remediation->title, each->remediation->id));
            }
        }
        for (const auto& evidence : evidence_to_show(finding)) {
            page_.paragraph(2, visible(evidence.where));
            page_.entry(4, "seen", evidence_column, quoted(evidence.seen));
            if (!evidence.expected.empty()) page_.entry(4, "expected", evidence_column, visible(evidence.expected));
        }
        if (!action_is_a_step(report_, outcome) && !finding.action.empty()) {
            page_.paragraph(2, "Action: " + visible(finding.action));
        }
    }

    void changes() {
        if (!anything_changed(report_)) return;
        page_.blank();
        page_.heading(changes_heading(report_));
        for (const auto& outcome : report_.outcomes) {
            if (outcome.changes.empty()) continue;
            page_.paragraph(2, fmt::format("for {}:", outcome.remediation->id));
            for (const auto& change : outcome.changes) page_.entry(4, "-", 6, visible(shown(change)));
        }
        if (const auto undo = undo_command(report_, program_); !undo.empty()) {
            page_.paragraph(2, undo_heading(report_) + ":");
            page_.command(6, undo);
        }
    }

    void next() {
        page_.blank();
        page_.heading("What to do next");
        unsigned number = 0;
        for (const auto& step : next_steps(report_, subject_, program_)) {
            page_.numbered(2, ++number, visible(step.text));
            if (!step.command.empty()) page_.command(9, visible(step.command));
        }
    }

    const Report& report_;
    Subject subject_;
    const std::string& program_;
    Page page_;
};

}  // namespace

Paint paint_of(State state) {
    switch (state) {
        case State::healthy:
        case State::fixed:
            return Paint::good;
        case State::broken:
            return Paint::bad;
        case State::unproven:
        case State::needs_approval:
        case State::needs_operator:
        case State::unknown:
            return Paint::attention;
        case State::not_applicable:
            return Paint::faint;
    }
    return Paint::none;
}

std::string report_text(const Report& report, Subject subject, const TextStyle& style, const std::string& program) {
    return Writer(report, subject, style, program).write();
}

}  // namespace handler
