#include "handler/report/report_outline.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "remediations/engine/root_cause.hpp"

namespace handler {

using remediations::Disruption;
using remediations::Evidence;
using remediations::Finding;
using remediations::Layer;
using remediations::Outcome;
using remediations::PlannedStep;
using remediations::Report;
using remediations::RunMode;
using remediations::State;
using remediations::Weight;

namespace {

bool wants_details(State state) {
    return state != State::healthy && state != State::not_applicable;
}

/// Returns true if it is broken and this program has a fix for it.
bool is_repairable(const Outcome& outcome) {
    return outcome.finding.state == State::broken && outcome.remediation->fix != nullptr;
}

/// Returns true if `fix` with its default options does not repair it.
bool wants_approval(const Outcome& outcome) {
    return outcome.finding.state == State::needs_approval || remediations::missing_approvals(outcome, {}).any();
}

bool could_not_check(const Report& report) {
    return std::ranges::any_of(report.outcomes,
                               [](const auto& outcome) { return outcome.finding.state == State::unknown; });
}

bool next_step_is_a_command(const Report& report, const Outcome& outcome) {
    return outcome.finding.state == State::needs_approval || (is_repairable(outcome) && report.mode != RunMode::fix);
}

bool any_change(const Report& report, PlannedStep::Undo undo) {
    return std::ranges::any_of(report.outcomes, [&](const auto& outcome) {
        return std::ranges::find(outcome.changes, undo, &PlannedStep::undo) != outcome.changes.end();
    });
}

std::string could_not_be_checked(std::size_t causes) {
    return fmt::format("{} {} could not be checked", causes, causes == 1 ? "cause" : "causes");
}

/// Returns what undo can do about fixes that have not run yet.
std::string undo_promise(const std::vector<const Outcome*>& outcomes) {
    std::vector<std::string> lasting;
    bool any_put_back = false;
    for (const auto* outcome : outcomes) {
        const auto& steps = outcome->plan.empty() ? outcome->changes : outcome->plan;
        if (steps.empty()) return "fix --dry-run says what can be undone";
        for (const auto& step : steps) {
            if (step.undo == PlannedStep::Undo::cannot) lasting.push_back(step.description);
            any_put_back = any_put_back || step.undo == PlannedStep::Undo::puts_back;
        }
    }
    if (!lasting.empty()) return fmt::format("cannot be undone: {}", fmt::join(lasting, ", "));
    return any_put_back ? "can be undone" : "leaves nothing to undo";
}

/// Collects the steps of one report.
class Advice {
public:
    Advice(const Report& report, Subject subject, const std::string& program)
        : report_(report), subject_(subject), program_(program) {}

    std::vector<Step> steps() && {
        // First the step that heals the root cause, then the rest. A finding that follows from another one needs no
        // step.
        const auto order = in_reading_order(report_);
        const bool root_is_first = !order.empty() && order.front().front()->remediation == report_.root_cause &&
                                   !is_repaired_by_fix(*order.front().front());
        if (root_is_first) suggest(order.front());
        if (report_.mode != RunMode::fix) suggest_fix();
        for (const auto& group : order) {
            if (!root_is_first || &group != &order.front()) suggest(group);
        }
        if (could_not_check(report_) && subject_ == Subject::this_computer_without_rights) {
            step(fmt::format("Run it again as {}: without these rights not everything can be read.", administrator()));
        }
        if (!report_.is_cause_left()) suggest_backup();
        for (auto& [number, ids] : causes_) steps_[number].text += fmt::format(" [{}]", fmt::join(ids, ", "));
        return std::move(steps_);
    }

private:
    bool is_repaired_by_fix(const Outcome& outcome) const {
        return report_.mode != RunMode::fix && is_repairable(outcome) && !wants_approval(outcome);
    }

    void suggest_fix() {
        std::vector<std::string_view> ids;
        std::vector<const Outcome*> repaired;
        auto worst = Disruption::none;
        for (const auto& group : in_reading_order(report_)) {
            const auto* outcome = group.front();
            if (!is_repaired_by_fix(*outcome) || follows_from_another(report_, *outcome)) continue;
            ids.push_back(outcome->remediation->id);
            repaired.push_back(outcome);
            worst = std::max(worst, outcome->remediation->disruption);
        }
        if (ids.empty()) return;
        step(
            fmt::format("{}epair {} (disruption: {}; {}), as {}:", subject_ == Subject::capture ? "On that VM, r" : "R",
                        fmt::join(ids, ", "), to_string(worst), undo_promise(repaired), administrator()),
            program_ + " fix");
    }

    void suggest(const Group& group) {
        const auto& outcome = *group.front();
        const auto& finding = outcome.finding;
        if (finding.state == State::unproven) return;  // suggest_backup() says it once
        if (finding.state == State::unknown && subject_ == Subject::this_computer_without_rights) return;
        if (next_step_is_a_command(report_, outcome)) {
            if (wants_approval(outcome)) suggest_approval(outcome);
        } else if (!finding.action.empty() && !follows_from_another(report_, outcome)) {
            for (const auto* each : group) {
                do_for(each->remediation->id + (is_risk(*each) ? " (a risk)" : ""), finding.action);
            }
        }
    }

    void suggest_approval(const Outcome& outcome) {
        const auto& id = outcome.remediation->id;
        const auto disruption = to_string(outcome.remediation->disruption);
        const auto missing = remediations::missing_approvals(outcome, {});
        const auto promise = outcome.plan.empty() ? std::string() : "; " + undo_promise({&outcome});
        // Refused though the defaults allow it: the run had a lower level than they have.
        const bool names_level = missing.disruption || !missing.any();
        if (missing.risk && !missing.disruption && !missing.security) {
            step(fmt::format("If you want, repair {}, which makes no backup fail today (disruption: {}{}), as {}:", id,
                             disruption, promise, administrator()),
                 fmt::format("{} fix --only {}", program_, id));
            return;
        }
        step(fmt::format("Repair {} if its disruption ({}{}){} acceptable now, as {}:", id, disruption, promise,
                         missing.security ? " and the change of what protects this VM are" : " is", administrator()),
             fmt::format("{} fix --only {}{}{}", program_, id,
                         names_level ? fmt::format(" --max-disruption {}", disruption) : "",
                         missing.security ? " --allow-security-changes" : ""));
    }

    void suggest_backup() {
        const auto wants_proof = std::ranges::any_of(report_.outcomes, [](const auto& outcome) {
            return outcome.finding.state == State::fixed || outcome.finding.state == State::unproven;
        });
        if (wants_proof) {
            step("Start a backup to prove it: in the vault, Backup items > this VM > Backup now.");
        } else if (report_.error_code.empty()) {
            step("If its backups fail all the same, look up the error code of the backup job:",
                 program_ + " explain CODE");
        } else {
            step("See what else the error code can mean:", fmt::format("{} explain {}", program_, report_.error_code));
        }
    }

    /// What several causes want is one step.
    void do_for(const std::string& id, const std::string& action) {
        const auto same =
            std::ranges::find_if(causes_, [&](const auto& entry) { return steps_[entry.first].text == action; });
        if (same != causes_.end()) {
            same->second.push_back(id);
            return;
        }
        causes_.emplace(steps_.size(), std::vector{id});
        step(action);
    }

    void step(std::string text, std::string command = {}) { steps_.push_back({std::move(text), std::move(command)}); }

    std::string_view administrator() const {
        return report_.machine.platform == machine::Platform::windows ? "administrator" : "root";
    }

    const Report& report_;
    Subject subject_;
    const std::string& program_;
    std::vector<Step> steps_;
    std::map<std::size_t, std::vector<std::string>> causes_;  ///< ids of the causes that a step is for, by its index
};

}  // namespace

bool is_risk(const Outcome& outcome) {
    return remediations::is_left(outcome.finding.state) && outcome.finding.weight == Weight::risk;
}

std::string state_text(const Outcome& outcome) {
    return fmt::format("{}{}", is_risk(outcome) ? "risk, " : "", to_string(outcome.finding.state));
}

std::string verdict(const Report& report) {
    if (report.root_cause != nullptr) return "Root cause: " + report.root_cause->title;
    const auto has = [&](State state) {
        return std::ranges::any_of(report.outcomes, [state](const auto& each) { return each.finding.state == state; });
    };
    if (has(State::unproven)) return "What was broken is treated; only a backup proves it.";
    if (has(State::fixed)) {
        return could_not_check(report) ? "What was found broken is fixed, but not everything could be checked."
                                       : "What was broken is fixed.";
    }
    return could_not_check(report) ? "No cause was found, but not everything could be checked."
                                   : "No cause was found inside this VM.";
}

std::string layer_line(const Report& report, Layer layer) {
    const auto worst = report.layer_state(layer);
    std::size_t healthy = 0;
    std::size_t risks = 0;
    std::size_t worst_count = 0;
    std::string title;  ///< of the first in the worst state
    const Outcome* root = nullptr;
    for (const auto& outcome : report.outcomes) {
        if (outcome.remediation->layer != layer) continue;
        // The box of the root cause's layer names what the banner names.
        if (outcome.remediation == report.root_cause && wants_details(outcome.finding.state)) root = &outcome;
        if (outcome.finding.state == State::healthy) ++healthy;
        if (is_risk(outcome)) ++risks;
        if (outcome.finding.state != worst || is_risk(outcome)) continue;
        if (worst_count++ == 0) title = outcome.remediation->title;
    }
    if (root != nullptr) {
        const auto others = worst_count - (root->finding.state == worst && !is_risk(*root) ? 1 : 0);
        return others == 0 ? root->remediation->title
                           : fmt::format("{} (and {} more)", root->remediation->title, others);
    }
    if (worst == State::not_applicable) return "";
    if (worst == State::healthy) {
        if (healthy == 0) return fmt::format("{} at risk", risks);
        return fmt::format("{} {} passed{}", healthy, healthy == 1 ? "check" : "checks",
                           risks == 0 ? "" : fmt::format(", {} at risk", risks));
    }
    // The title would say that it is so.
    if (worst == State::unknown) return could_not_be_checked(worst_count);
    return worst_count == 1 ? title : fmt::format("{} (and {} more)", title, worst_count - 1);
}

std::vector<Group> in_reading_order(const Report& report) {
    std::vector<Group> order;
    const auto have_one_reason = [](const Outcome& one, const Outcome& other) {
        return one.finding.state == State::unknown && other.finding.state == State::unknown &&
               one.finding.summary == other.finding.summary && one.finding.action == other.finding.action;
    };
    for (const auto& outcome : report.outcomes) {
        if (!wants_details(outcome.finding.state)) continue;
        const auto same =
            std::ranges::find_if(order, [&](const Group& group) { return have_one_reason(*group.front(), outcome); });
        if (same == order.end()) {
            order.push_back({&outcome});
        } else {
            same->push_back(&outcome);
        }
    }
    std::ranges::stable_sort(order, {}, [&](const Group& group) {
        const auto& outcome = *group.front();
        if (outcome.remediation == report.root_cause) return 0;
        return is_risk(outcome) ? 3 : outcome.finding.state == State::unknown ? 2 : 1;
    });
    return order;
}

std::string title_of(const Group& group) {
    const auto& title = group.front()->remediation->title;
    if (group.size() > 1) return could_not_be_checked(group.size());
    return group.front()->finding.state == State::unknown ? "could not be checked: " + title : title;
}

std::string sentence_case(std::string text) {
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
        text.front() = static_cast<char>(text.front() - 'a' + 'A');
    }
    return text;
}

std::string summary_beneath_title(const Outcome& outcome) {
    const auto& summary = outcome.finding.summary;
    if (!summary.starts_with(outcome.remediation->title)) return summary;
    const auto rest = summary.substr(outcome.remediation->title.size());
    if (rest == ".") return {};
    for (const std::string_view more : {": ", ", according to ", ". "}) {
        if (rest.starts_with(more)) return sentence_case(rest.substr(2));
    }
    return summary;
}

std::vector<Evidence> evidence_to_show(const Finding& finding) {
    auto evidence = finding.evidence;
    if (finding.state == State::unknown) {
        std::erase_if(evidence, [&](const Evidence& each) {
            return finding.summary.find(each.where) != std::string::npos &&
                   finding.summary.find(each.seen) != std::string::npos;
        });
    }
    return evidence;
}

bool follows_from_another(const Report& report, const Outcome& outcome) {
    return !remediations::origins_of(*outcome.remediation, report.outcomes).empty();
}

bool action_is_a_step(const Report& report, const Outcome& outcome) {
    return !next_step_is_a_command(report, outcome) && !follows_from_another(report, outcome);
}

bool anything_changed(const Report& report) {
    return std::ranges::any_of(report.outcomes, [](const auto& outcome) { return !outcome.changes.empty(); });
}

std::string changes_heading(const Report& report) {
    return report.mode == RunMode::dry_run ? "Would be changed" : "Changed";
}

std::string shown(const PlannedStep& change) {
    return change.description + (change.undo == PlannedStep::Undo::cannot ? " (cannot be undone)" : "");
}

std::string undo_heading(const Report& report) {
    return any_change(report, PlannedStep::Undo::cannot) ? "To take back what can be undone"
                                                         : "To take all of this back";
}

std::string undo_command(const Report& report, const std::string& program) {
    if (report.run_id.empty() || !any_change(report, PlannedStep::Undo::puts_back)) return {};
    return fmt::format("{} undo {}", program, report.run_id);
}

std::vector<Step> next_steps(const Report& report, Subject subject, const std::string& program) {
    return Advice(report, subject, program).steps();
}

}  // namespace handler
