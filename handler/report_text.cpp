#include "handler/report_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "handler/plain_text.hpp"
#include "remediations/error_codes.hpp"
#include "remediations/root_cause.hpp"

namespace handler {

using remediations::Disruption;
using remediations::Layer;
using remediations::Outcome;
using remediations::Report;
using remediations::RunMode;
using remediations::State;
using remediations::Weight;

namespace {

constexpr std::size_t longest_quote = 400;  // characters; --format json has the whole
constexpr std::size_t state_column = 20;
constexpr std::size_t layer_text_column = 36;
constexpr std::size_t evidence_column = 16;

bool wants_details(State state) {
    return state != State::healthy && state != State::not_applicable;
}

bool is_risk(const Outcome& outcome) {
    return remediations::is_left(outcome.finding.state) && outcome.finding.weight == Weight::risk;
}

/// Broken, and this program has a fix for it.
bool is_repairable(const Outcome& outcome) {
    return outcome.finding.state == State::broken && outcome.remediation->fix != nullptr;
}

std::string quoted(const std::string& seen) {
    return fmt::format("\"{}\"", shortened(visible(seen), longest_quote));
}

/// Says a layer's state in one line: its worst causes, or how many checks found nothing.
std::string layer_line(const Report& report, Layer layer, State worst) {
    std::size_t healthy = 0;
    std::size_t risks = 0;
    std::size_t worst_count = 0;
    std::string title;
    for (const auto& outcome : report.outcomes) {
        if (outcome.remediation->layer != layer) continue;
        if (outcome.finding.state == State::healthy) ++healthy;
        if (is_risk(outcome)) ++risks;
        if (outcome.finding.state != worst || is_risk(outcome)) continue;
        if (worst_count++ == 0) title = outcome.remediation->title;
    }
    if (worst == State::not_applicable) return "";
    if (worst == State::healthy) {
        return fmt::format("{} {} passed{}", healthy, healthy == 1 ? "check" : "checks",
                           risks == 0 ? "" : fmt::format(", {} at risk", risks));
    }
    return worst_count == 1 ? title : fmt::format("{} (and {} more)", title, worst_count - 1);
}

class Writer {
public:
    Writer(const Report& report, Subject subject, const TextStyle& style)
        : report_(report), subject_(subject), page_(style) {}

    std::string write() && {
        pipeline();
        root_cause();
        for (const auto* outcome : in_reading_order()) details(*outcome);
        next_steps();
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
                      layer_line(report_, layer, state));
        }
    }

    void root_cause() {
        page_.blank();
        if (report_.root_cause == nullptr) {
            page_.heading(could_not_check() ? "No cause was found, but not everything could be checked."
                                            : "No cause was found inside this VM.");
            if (!report_.root_cause_reason.empty()) page_.paragraph(2, report_.root_cause_reason);
            return;
        }
        page_.heading(fmt::format("Root cause: {}", report_.root_cause->title));
        page_.paragraph(2, report_.root_cause_reason);
    }

    /// The root cause first, the others as the pipeline has them, risks last.
    std::vector<const Outcome*> in_reading_order() const {
        std::vector<const Outcome*> order;
        for (const auto& outcome : report_.outcomes) {
            if (wants_details(outcome.finding.state)) order.push_back(&outcome);
        }
        std::stable_partition(order.begin(), order.end(), [](const auto* outcome) { return !is_risk(*outcome); });
        std::stable_partition(order.begin(), order.end(),
                              [&](const auto* outcome) { return outcome->remediation == report_.root_cause; });
        return order;
    }

    void details(const Outcome& outcome) {
        const auto& finding = outcome.finding;
        page_.blank();
        const auto risk = is_risk(outcome);
        page_.heading(fmt::format("{}{}: {} [{}]", risk ? "risk, " : "", to_string(finding.state),
                                  outcome.remediation->title, outcome.remediation->id),
                      risk ? Paint::attention : paint_of(finding.state));
        page_.paragraph(2, visible(finding.summary));
        for (const auto& evidence : finding.evidence) {
            page_.paragraph(2, visible(evidence.where));
            page_.entry(4, "seen", evidence_column, quoted(evidence.seen));
            if (!evidence.expected.empty()) page_.entry(4, "expected", evidence_column, visible(evidence.expected));
        }
        if (!outcome.changes.empty()) {
            page_.paragraph(2, report_.mode == RunMode::dry_run ? "Would be changed:" : "Changed:");
            for (const auto& change : outcome.changes) page_.entry(4, "-", 6, visible(change));
        }
        if (next_step_is_a_command(outcome) && !finding.action.empty())
            page_.paragraph(2, "Action: " + visible(finding.action));
    }

    /// Of this program; every other next step is the finding's own action.
    bool next_step_is_a_command(const Outcome& outcome) const {
        return outcome.finding.state == State::needs_approval ||
               (is_repairable(outcome) && report_.mode != RunMode::fix);
    }

    void next_steps() {
        page_.blank();
        page_.heading("What to do next");
        if (report_.mode != RunMode::fix) suggest_fix();
        for (const auto* outcome : in_reading_order()) suggest(*outcome);
        if (!report_.run_id.empty() && anything_changed())
            step("To take these changes back:", fmt::format("backup-remediation undo {}", report_.run_id));
        if (could_not_check() && subject_ == Subject::this_computer)
            step(fmt::format("Run again as {} if you did not: what may not be read is unknown.", administrator()));
        if (!report_.anything_left()) suggest_backup();
    }

    void suggest_fix() {
        std::vector<std::string_view> ids;
        auto worst = Disruption::none;
        for (const auto& outcome : report_.outcomes) {
            if (!is_repairable(outcome) || outcome.remediation->disruption > Disruption::service_restart) continue;
            ids.push_back(outcome.remediation->id);
            worst = std::max(worst, outcome.remediation->disruption);
        }
        if (ids.empty()) return;
        step(fmt::format("{}epair {} (disruption: {}; can be undone), as {}:",
                         subject_ == Subject::capture ? "On that VM, r" : "R", fmt::join(ids, ", "), to_string(worst),
                         administrator()),
             "backup-remediation fix");
    }

    void suggest_approval(const Outcome& outcome) {
        const auto disruption = to_string(outcome.remediation->disruption);
        step(fmt::format("Repair {} if its disruption ({}) is acceptable now, as {}:", outcome.remediation->id,
                         disruption, administrator()),
             fmt::format("backup-remediation fix --only {} --max-disruption {}", outcome.remediation->id, disruption));
    }

    void suggest(const Outcome& outcome) {
        const auto& finding = outcome.finding;
        if (next_step_is_a_command(outcome)) {
            const auto beyond_default = outcome.remediation->disruption > Disruption::service_restart;
            if (beyond_default || finding.state == State::needs_approval) suggest_approval(outcome);
        } else if (wants_details(finding.state) && !finding.action.empty()) {
            step(fmt::format("{} [{}]", visible(finding.action), outcome.remediation->id));
        }
    }

    void suggest_backup() {
        const auto fixed = std::ranges::any_of(
            report_.outcomes, [](const auto& outcome) { return outcome.finding.state == State::fixed; });
        if (fixed) {
            step("Start a backup to prove it: in the vault, Backup items > this VM > Backup now.");
        } else if (report_.error_code.empty()) {
            step("If its backups fail all the same, look up the error code of the backup job:",
                 "backup-remediation explain CODE");
        } else {
            step("See what else the error code can mean:",
                 fmt::format("backup-remediation explain {}", visible(report_.error_code)));
        }
    }

    void step(std::string_view text, std::string_view command = {}) {
        page_.entry(2, fmt::format("{}.", ++steps_), 5, text);
        if (!command.empty()) page_.command(9, command);
    }

    bool anything_changed() const {
        return std::ranges::any_of(report_.outcomes, [](const auto& outcome) { return !outcome.changes.empty(); });
    }

    bool could_not_check() const {
        return std::ranges::any_of(report_.outcomes,
                                   [](const auto& outcome) { return outcome.finding.state == State::unknown; });
    }

    std::string_view administrator() const {
        return report_.machine.platform == machine::Platform::windows ? "administrator" : "root";
    }

    const Report& report_;
    Subject subject_;
    Page page_;
    unsigned steps_ = 0;
};

}  // namespace

Paint paint_of(State state) {
    switch (state) {
        case State::healthy:
        case State::fixed:
            return Paint::good;
        case State::broken:
            return Paint::bad;
        case State::needs_approval:
        case State::needs_operator:
        case State::unknown:
            return Paint::attention;
        case State::not_applicable:
            return Paint::faint;
    }
    return Paint::none;
}

std::string report_text(const Report& report, Subject subject, const TextStyle& style) {
    return Writer(report, subject, style).write();
}

}  // namespace handler
