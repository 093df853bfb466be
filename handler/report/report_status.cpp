#include "handler/report/report_status.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "handler/report/paths.hpp"
#include "handler/report/report_outline.hpp"
#include "remediations/engine/root_cause.hpp"

namespace handler {

using remediations::Layer;
using remediations::Outcome;
using remediations::Report;
using remediations::RunMode;
using remediations::State;
using remediations::Weight;

std::string joined(std::initializer_list<std::string> parts) {
    std::string text;
    for (const auto& part : parts) {
        if (!text.empty() && !part.empty()) text += ' ';
        text += part;
    }
    return text;
}

std::string sentence(std::string text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
    if (text.empty() || text.back() == '.' || text.back() == '!' || text.back() == '?') return text;
    return text + ".";
}

StatusWord word_for(State state) {
    switch (state) {
        case State::healthy:
        case State::fixed:
        case State::not_applicable:
            return StatusWord::success;
        case State::unproven:
        case State::needs_approval:
        case State::unknown:
            return StatusWord::warning;
        case State::broken:
        case State::needs_operator:
            return StatusWord::error;
    }
    return StatusWord::error;
}

namespace {

bool is_left(const Outcome& outcome) {
    return remediations::is_left(outcome.finding.state);
}

bool is_cause(const Outcome& outcome) {
    return is_left(outcome) && outcome.finding.weight == Weight::cause;
}

std::vector<const Outcome*> outcomes_where(const Report& report, const auto& predicate) {
    std::vector<const Outcome*> chosen;
    for (const auto& outcome : report.outcomes) {
        if (predicate(outcome)) chosen.push_back(&outcome);
    }
    return chosen;
}

auto in_state(State state) {
    return [state](const Outcome& outcome) { return outcome.finding.state == state; };
}

/// Returns the results of `text_of` for all outcomes, with a separator between them.
std::string listed(const std::vector<const Outcome*>& outcomes, std::string_view separator, const auto& text_of) {
    std::string text;
    for (const auto* outcome : outcomes) {
        if (!text.empty()) text += separator;
        text += text_of(*outcome);
    }
    return text;
}

std::string ids_of(const std::vector<const Outcome*>& outcomes) {
    return listed(outcomes, ", ", [](const Outcome& outcome) { return outcome.remediation->id; });
}

std::string cause_of(const Outcome& outcome) {
    return fmt::format("{} ({}, {})", outcome.remediation->title, to_string(outcome.remediation->layer),
                       outcome.remediation->id);
}

/// Returns the changes of outcomes in any state, also of a fix that was rolled back but left a trace.
std::string changes_in(const Report& report) {
    std::vector<std::string> changes;
    for (const auto& outcome : report.outcomes) {
        for (const auto& change : outcome.changes) changes.push_back(shown(change));
    }
    if (changes.empty()) return {};
    return sentence(fmt::format("Changed: {}", fmt::join(changes, "; ")));
}

std::string notices_in(const Report& report) {
    return fmt::format("{}", fmt::join(report.notices, " "));
}

/// Returns the settings with which the extension repairs it: mode "fix", and what differs from the defaults.
std::string settings_that_repair(const Outcome& outcome) {
    const auto missing = remediations::missing_approvals(outcome, {});
    std::vector<std::string> settings{R"("mode" to "fix")"};
    if (missing.disruption) {
        settings.push_back(fmt::format(R"("maxDisruption" to "{}")", to_string(outcome.remediation->disruption)));
    }
    if (missing.security) settings.emplace_back(R"("allowSecurityChanges" to true)");
    if (missing.risk) settings.emplace_back(R"("repairRisks" to true)");
    return fmt::format("{}", fmt::join(settings, ", "));
}

std::string action_for(const Outcome& outcome, RunMode mode) {
    auto action = outcome.finding.action.empty() ? outcome.finding.summary : outcome.finding.action;
    action = sentence(std::move(action));
    if (mode == RunMode::diagnose && outcome.finding.state == State::broken && outcome.remediation->fix) {
        action += fmt::format(" This extension can do it: set {}.", settings_that_repair(outcome));
    }
    return action;
}

std::string told_cause(const Outcome& outcome) {
    const auto told = summary_beneath_title(outcome);
    return sentence(fmt::format("Cause: {}{}{}", cause_of(outcome), told.empty() ? "" : ": ", told));
}

std::string fixed_in(const Report& report) {
    const auto fixed = outcomes_where(report, in_state(State::fixed));
    if (fixed.empty()) return {};
    return sentence("Fixed: " + listed(fixed, "; ", cause_of));
}

/// Returns what was repaired or is gone, but only a backup proves.
std::string unproven_in(const Report& report) {
    const auto unproven = outcomes_where(report, in_state(State::unproven));
    if (unproven.empty()) return {};
    return sentence("Treated, not proven: " + listed(unproven, "; ", cause_of));
}

/// Returns the risks, and what to do about the first.
std::string risks_in(const Report& report) {
    const auto risks = outcomes_where(report, is_risk);
    if (risks.empty()) return {};
    return fmt::format("At risk ({}): {} {}", ids_of(risks), sentence(risks.front()->finding.summary),
                       action_for(*risks.front(), report.mode));
}

/// Returns the message about checks that could not look.
std::string unknown_in(const Report& report) {
    const auto unknown = outcomes_where(report, in_state(State::unknown));
    if (unknown.empty()) return {};
    return joined({fmt::format("Could not be checked: {}.", ids_of(unknown)),
                   sentence(unknown.front()->finding.summary), sentence(unknown.front()->finding.action)});
}

/// Returns the vault's error code, and whether any check looked for its cause.
std::string error_code_in(const Report& report) {
    if (report.error_code.empty()) return {};
    if (report.root_cause != nullptr && report.root_cause->layer == Layer::vault) return {};  // its summary names it
    const bool looked_for = std::ranges::any_of(
        report.outcomes, [&](const auto& outcome) { return explains(*outcome.remediation, report.error_code); });
    return fmt::format("Reported by Azure Backup: {}{}.", report.error_code,
                       looked_for ? "" : ", for which there is no check of its own");
}

/// Returns what a reader can do where nothing was found.
std::string where_else_to_look(const Report& report) {
    return report.error_code.empty()
               ? "If backups fail all the same, set \"errorCode\" to the error code of the backup job and apply again."
               : "If backups still fail with it, ask Azure support, with the full report.";
}

std::string message_of(const Report& report) {
    const auto left = outcomes_where(report, is_cause);
    const auto fixed = joined({fixed_in(report), unproven_in(report)});
    const auto risks = risks_in(report);
    const auto unknown = unknown_in(report);
    if (!left.empty()) {
        const auto root = std::ranges::find(left, report.root_cause, &Outcome::remediation);
        const auto& first = root == left.end() ? *left.front() : **root;
        std::vector<const Outcome*> others;
        std::ranges::copy_if(left, std::back_inserter(others), [&](const auto* outcome) { return outcome != &first; });
        return joined({"Action needed: " + action_for(first, report.mode), told_cause(first),
                       others.empty() ? "" : fmt::format("Also found: {}.", ids_of(others)), fixed, changes_in(report),
                       risks, unknown, error_code_in(report)});
    }
    const auto told = std::ranges::find_if(report.outcomes, [&](const Outcome& outcome) {
        return outcome.remediation == report.root_cause && outcome.finding.history;
    });
    if (told != report.outcomes.end() && fixed_in(report).empty() && !anything_changed(report)) {
        return joined({"Start a backup now to see whether it succeeds.",
                       fmt::format("The last one failed because of: {}.", cause_of(*told)), report.root_cause_reason,
                       risks, unknown, error_code_in(report)});
    }
    if (!fixed.empty()) {
        return joined({unproven_in(report).empty() ? "Start a backup now to see it succeed."
                                                   : "Start a backup now: only its success proves the repair.",
                       fixed, changes_in(report), risks, unknown, error_code_in(report)});
    }
    if (!unknown.empty()) {
        return joined(
            {"Nothing broken was found in what could be checked in this VM.", unknown, risks, error_code_in(report)});
    }
    const auto checks = report.outcomes.size();
    const auto number = checks == 1 ? std::string("1 check") : fmt::format("{} checks", checks);
    if (!risks.empty()) {
        return joined({fmt::format("No cause of a failing backup was found in this VM ({}).", number), risks,
                       error_code_in(report)});
    }
    return joined({fmt::format("Nothing to do in this VM: {} found no cause of a failing backup.", number),
                   error_code_in(report), where_else_to_look(report)});
}

StatusWord word_for_outcome(const Outcome& outcome) {
    return is_risk(outcome) ? StatusWord::warning : word_for(outcome.finding.state);
}

Substatus layer_substatus(const Report& report, Layer layer) {
    const auto in_layer = outcomes_where(report, [&](const auto& o) { return o.remediation->layer == layer; });
    const auto state = report.layer_state(layer);
    const auto code = static_cast<int>(state);
    const auto name = std::string(to_string(layer));
    if (in_layer.empty()) return {name, word_for(state), code, "Nothing is checked in this layer."};
    std::vector<std::string> causes;
    for (const auto* outcome : in_layer) {
        if (outcome->finding.state == State::healthy || outcome->finding.state == State::not_applicable) continue;
        causes.push_back(fmt::format("{} ({})", outcome->remediation->id, to_string(outcome->finding.state)));
    }
    auto message =
        fmt::format("{}; {} {}", to_string(state), in_layer.size(), in_layer.size() == 1 ? "check" : "checks");
    if (!causes.empty()) message += fmt::format(": {}", fmt::join(causes, ", "));
    return {name, word_for(state), code, sentence(std::move(message))};
}

Substatus cause_substatus(const Outcome& outcome, RunMode mode) {
    const auto& finding = outcome.finding;
    auto message = joined({fmt::format("{}{}: {}.", is_risk(outcome) ? "risk, " : "", to_string(finding.state),
                                       outcome.remediation->title),
                           sentence(summary_beneath_title(outcome))});
    for (const auto& evidence : finding.evidence) {
        message += fmt::format("\n{}: {}", evidence.where, evidence.seen);
        if (!evidence.expected.empty()) message += fmt::format(" (expected: {})", evidence.expected);
    }
    for (const auto& change : outcome.changes) message += "\nChanged: " + shown(change);
    if (is_left(outcome)) message += "\nTo do: " + action_for(outcome, mode);
    return {outcome.remediation->id, word_for_outcome(outcome), static_cast<int>(finding.state), std::move(message)};
}

void add_substatus(Status& status, const Report& report) {
    for (const auto layer : remediations::all_layers) status.substatus.push_back(layer_substatus(report, layer));
    for (const auto& outcome : report.outcomes) {
        const auto state = outcome.finding.state;
        if (state == State::healthy || state == State::not_applicable) continue;
        status.substatus.push_back(cause_substatus(outcome, report.mode));
    }
}

Status error(StatusCode code, std::string message) {
    return {StatusWord::error, static_cast<int>(code), std::move(message), {}};
}

}  // namespace

Status status_of(const Report& report, bool fail_on_unresolved) {
    // A cause that only a backup proves is not an error, because an extension in error makes that very backup fail.
    const bool failed = fail_on_unresolved && report.is_cause_left();
    Status status{failed ? StatusWord::error : StatusWord::success,
                  static_cast<int>(failed ? StatusCode::unresolved : StatusCode::none),
                  joined({message_of(report), notices_in(report)}),
                  {}};
    add_substatus(status, report);
    return status;
}

Status status_of_stopped(const Report& report) {
    Status status{StatusWord::success,
                  0,
                  joined({"Stopped before its end, because the extension was disabled; the next enable runs it again.",
                          fixed_in(report), changes_in(report)}),
                  {}};
    add_substatus(status, report);
    return status;
}

void add_pointers(Status& status, const Report& report, const std::string& program,
                  const std::filesystem::path& report_file) {
    std::string pointers;
    if (!report_file.empty()) pointers += fmt::format(" Full report: {}.", to_text(report_file));
    if (const auto undo = undo_command(report, program); !undo.empty()) pointers += " To take it back: " + undo;
    const auto room = status_message_limit - std::min(pointers.size(), status_message_limit / 2);
    status.message = cut(status.message, room, report_file.empty() ? "the log" : report_file) + pointers;
}

Status settings_invalid(const std::vector<std::string>& problems) {
    auto message = fmt::format("Correct the settings and apply them again; nothing was looked at or changed. {}",
                               fmt::join(problems, "\n"));
    auto status = error(StatusCode::settings_invalid, std::move(message));
    status.substatus.push_back({"settings", StatusWord::error, static_cast<int>(StatusCode::settings_invalid),
                                fmt::format("{}", fmt::join(problems, "\n"))});
    return status;
}

Status could_not_work(const std::string& why) {
    return error(StatusCode::could_not_work, joined({"The diagnosis could not be done:", sentence(why),
                                                     "Correct this and apply the extension again."}));
}

Status worker_ended(const std::string& how, const std::string& run_id, const std::string& program) {
    const auto changed =
        run_id.empty() ? std::string("Nothing was changed.")
                       : fmt::format("It had begun to change things. To take that back: {} undo {}", program, run_id);
    return error(StatusCode::worker_ended,
                 joined({"Apply the extension again; if this returns, its log says how far it came.",
                         sentence("The run " + how), changed}));
}

Status in_progress(const std::string& what) {
    return {StatusWord::transitioning, 0, sentence(what), {}};
}

Status superseded(std::uint64_t by) {
    return {StatusWord::success, 0, fmt::format("Not run: settings number {} took the place of these.", by), {}};
}

}  // namespace handler
