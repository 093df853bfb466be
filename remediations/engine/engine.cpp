#include "remediations/engine/engine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/changes/journal.hpp"
#include "remediations/changes/recovery.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/failures.hpp"
#include "remediations/engine/root_cause.hpp"
#include "remediations/engine/signals.hpp"
#include "remediations/engine/watchdog.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/logs/line_prefix.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/machine/recorded/redact.hpp"
#include "remediations/model/error_codes.hpp"

namespace remediations {

namespace json = boost::json;
using machine::Machine;
using machine::Result;

namespace {

bool is_named(const std::vector<std::string>& ids, const Remediation& remediation) {
    return std::ranges::find(ids, remediation.id) != ids.end();
}

std::vector<Outcome> selected_for(const RunOptions& options, machine::Platform platform) {
    std::vector<Outcome> selected;
    for (const auto* remediation : catalogue()) {
        if (!applies_to(remediation->scope, platform)) continue;
        const bool named = is_named(options.only, *remediation);
        if (!named && (remediation->on_request || !options.only.empty())) continue;
        if (is_named(options.exclude, *remediation)) continue;
        const bool only_inside =
            !remediation->diagnose_in_azure && (remediation->diagnose || remediation->diagnose_for);
        if (options.from_outside && only_inside) continue;
        selected.push_back({remediation, {}, {}});
    }
    return selected;
}

/// Removes secrets from what a finding quotes of the machine (a log line, a command line).
Finding without_secrets(Finding finding) {
    using machine::recorded::redact;
    finding.summary = redact(finding.summary);
    finding.action = redact(finding.action);
    const auto clean = [](Evidence& evidence) {
        evidence = {redact(evidence.where), redact(evidence.seen), redact(evidence.expected)};
    };
    std::ranges::for_each(finding.evidence, clean);
    if (finding.history) clean(*finding.history);
    return finding;
}

/// Diagnoses a cause outside the VM by the vault's error code, which alone shows it.
Finding diagnose_by_code(const Remediation& remediation, const Question& question) {
    const auto& error_code = question.error_code;
    if (!explains(remediation, error_code)) {
        return Finding::not_applicable(
            "It cannot be seen from inside the VM, and no error code was given that means it.");
    }
    const auto* code = find_error_code(error_code);
    auto finding = Finding::needs_operator(
        fmt::format("{} means this.", error_code),
        {{question.error_code_place.empty() ? "error code of the backup job" : question.error_code_place, error_code,
          code ? std::string(code->meaning) : std::string("no error")}},
        remediation.instructions);
    finding.basis = Basis::error_code;
    return finding;
}

bool asks_azure(const Remediation& remediation, const Machine& machine) {
    return remediation.diagnose_in_azure && machine.azure().access().has_value();
}

/// Returns Azure's finding where the one from inside the VM is no more than a risk, because Azure knows it better.
Finding with_azure(Finding inside, const Remediation& remediation, const Machine& machine, const Question& question) {
    const bool is_cause = is_left(inside.state) && inside.weight == Weight::cause && !inside.is_suspicion;
    if (is_cause || !asks_azure(remediation, machine)) return inside;
    auto outside = remediation.diagnose_in_azure(machine, question);
    return outside.state == State::healthy || is_left(outside.state) ? std::move(outside) : std::move(inside);
}

/// Diagnoses a cause outside the VM by asking Azure. What the failed job says and Azure no longer shows becomes
/// history.
Finding diagnose_outside(const Remediation& remediation, const Machine& machine, const Question& question) {
    auto finding = without_secrets(remediation.diagnose_in_azure(machine, question));
    if (is_left(finding.state) || !explains(remediation, question.error_code)) return finding;
    if (finding.state != State::healthy) return diagnose_by_code(remediation, question);
    finding.history = diagnose_by_code(remediation, question).evidence.front();
    finding.history->expected.clear();
    return finding;
}

/// Returns what proves the cause: a log line that is newer than the start of the running agent, or an event since the
/// last good backup. `as_history`: lines only, for a machine that looks healthy.
std::optional<Evidence> proof_for(const Remediation& remediation, const Machine& machine, bool as_history) {
    const auto is_proof = [](const Signal& signal) { return signal.role == Role::proof; };
    if (std::ranges::none_of(remediation.signals, is_proof)) return std::nullopt;
    const auto* line = machine.derived<LogEvidence>().proof_for(remediation, as_history);
    if (line && !(line->time && agent_started_since(machine, *line->time))) return line->evidence("no such line");
    if (as_history) return std::nullopt;
    const auto* event = machine.derived<EventEvidence>().proof_for(remediation);
    const bool counts = event && machine.derived<LastRun>().bearing_of(event->time) == LastRun::Bearing::current;
    return counts ? std::optional(evidence_of(*event, "no such event")) : std::nullopt;
}

/// Adds what the logs prove to a diagnosis that found nothing, or that could not look.
Finding with_proof_in_logs(Finding finding, const Remediation& remediation, const Machine& machine) {
    const bool could_not_look = finding.state == State::unknown;
    if (!could_not_look && finding.state != State::healthy) return finding;
    auto proof = proof_for(remediation, machine, !could_not_look);
    if (!proof) return finding;
    if (!could_not_look) {
        proof->expected.clear();
        finding.history = std::move(proof);
        return finding;
    }
    auto evidence = std::move(finding.evidence);
    evidence.insert(evidence.begin(), std::move(*proof));
    auto told = Finding::needs_operator(
        fmt::format("{}, according to the log. What it is about could not be looked at.", remediation.title),
        std::move(evidence),
        fmt::format("Run \"backup-remediation diagnose --only {}\" as {} on the VM itself: it says what to change.",
                    remediation.id, machine.facts().platform == machine::Platform::windows ? "administrator" : "root"));
    told.basis = Basis::log;
    return told;
}

/// Returns true if an agent with this cause does not report to Azure.
bool silences_agent(const Remediation& remediation) {
    constexpr std::string_view silent_agents[] = {"agent-hung", "agent-not-running", "agent-status-not-reported"};
    return std::ranges::any_of(remediation.consequences, [&](const std::string& id) {
        return std::ranges::find(silent_agents, id) != std::end(silent_agents);
    });
}

/// Lowers to a risk what a log alone says of an agent whose status Azure has got a short while ago: it is over.
Finding unless_azure_hears_agent(Finding finding, const Remediation& remediation, const Machine& machine) {
    constexpr std::chrono::minutes short_while{15};
    if (!is_left(finding.state) || finding.basis != Basis::log || !silences_agent(remediation)) return finding;
    if (!machine.azure().access()) return finding;
    const auto& view = machine.derived<azure::VmInAzure>().view();
    if (!view || !view->agent_is_ready() || !view->agent_statuses.front().time) return finding;
    const auto heard = *view->agent_statuses.front().time;
    if (machine.facts().now - heard > short_while) return finding;
    finding.evidence.push_back(
        {"vmAgent of the instance view", fmt::format("Ready at {}, later than the log", azure::shown(heard)), ""});
    return std::move(finding).as_risk();
}

/// A healthy finding without evidence means that there was no such event. Returns unknown instead where the event log
/// could not be read.
Finding unless_events_are_unread(Finding finding, const Remediation& remediation, const Machine& machine) {
    if (finding.state != State::healthy || !finding.evidence.empty()) return finding;
    for (const auto& signal : remediation.signals) {
        if (signal.role != Role::judged || !signal.is_event()) continue;
        const auto* error = machine.derived<EventEvidence>().unread(signal.event.channel);
        if (error) return Finding::unknown(fmt::format("event log {}", signal.event.channel), *error);
    }
    return finding;
}

enum class Look { first, again };

/// Diagnoses one cause. An exception makes it State::unknown.
Finding diagnose_once(const Remediation& remediation, const Machine& machine, const RunOptions& options, Look look) {
    const auto& error_code = options.error_code;
    const Question question{error_code,
                            is_named(options.only, remediation),
                            options.error_code_place,
                            options.agent_installer,
                            options.azure_allow,
                            catalogue()};
    const bool looks_inside = !options.from_outside && (remediation.diagnose || remediation.diagnose_for);
    try {
        if (!looks_inside && asks_azure(remediation, machine)) return diagnose_outside(remediation, machine, question);
        if (!looks_inside) return diagnose_by_code(remediation, question);
        auto seen =
            remediation.diagnose_for ? remediation.diagnose_for(machine, question) : remediation.diagnose(machine);
        seen = with_azure(std::move(seen), remediation, machine, question);
        if (look == Look::first) seen = unless_events_are_unread(std::move(seen), remediation, machine);
        auto finding = without_secrets(with_proof_in_logs(std::move(seen), remediation, machine));
        finding = unless_azure_hears_agent(std::move(finding), remediation, machine);
        // A cause that shows only partly in the VM shows in the error code too.
        const bool is_told_by_code = !remediation.instructions.empty() && explains(remediation, error_code);
        return is_told_by_code && !is_left(finding.state) ? diagnose_by_code(remediation, question) : finding;
    } catch (const std::exception& error) {
        return Finding::unknown(remediation.id, machine::Error::failed(error.what()));
    }
}

/// What may not be repaired in Azure is left to a person.
Finding diagnose(const Remediation& remediation, const Machine& machine, const RunOptions& options,
                 Look look = Look::first) {
    auto finding = diagnose_once(remediation, machine, options, look);
    if (finding.state == State::broken && remediation.acts_in_azure && !options.azure.repair) {
        finding.state = State::needs_operator;
    }
    return finding;
}

/// Diagnoses again, after a change. A cause that was found broken without the event log may be found healed without it.
Finding diagnose_again(const Outcome& outcome, const Machine& machine, const RunOptions& options) {
    const auto look = outcome.finding.state == State::unknown ? Look::first : Look::again;
    return diagnose(*outcome.remediation, machine, options, look);
}

/// Diagnoses all causes. One that does not end in time becomes unknown; the others are not affected.
void diagnose_all(std::vector<Outcome>& outcomes, const Machine& machine, const RunOptions& options) {
    std::vector<const Remediation*> remediations;
    for (const auto& outcome : outcomes) remediations.push_back(outcome.remediation);
    auto findings = watched_findings(
        machine, remediations.size(),
        [remediations, options](const Machine& watched, std::size_t index) {
            return diagnose(*remediations[index], watched, options);
        },
        [&](std::size_t index) { return remediations[index]->id; });
    for (std::size_t index = 0; index < outcomes.size(); ++index) outcomes[index].finding = std::move(findings[index]);
}

constexpr auto prove_by_backup = "Start a backup: only its success proves it.";

/// Sets the state of a finding that is healthy after a repair. What was only suspected is not seen healed.
void mark_healed(Finding& finding, const Remediation& remediation, bool was_suspicion = false) {
    const bool is_seen = !remediation.only_next_backup_proves && !was_suspicion;
    finding.state = is_seen ? State::fixed : State::unproven;
    if (finding.state == State::unproven) finding.action = prove_by_backup;
}

bool is_healed(const Finding& finding) {
    return finding.state == State::fixed || finding.state == State::unproven;
}

std::vector<std::string> unproven_in(const std::vector<Outcome>& outcomes) {
    std::vector<std::string> ids;
    for (const auto& outcome : outcomes) {
        if (outcome.finding.state == State::unproven) ids.push_back(outcome.remediation->id);
    }
    return ids;
}

/// Returns the cause that this run repaired and that explains the outcome; nullptr where there is none.
const Remediation* repaired_origin_of(const Outcome& outcome, const std::vector<Outcome>& all) {
    const auto origin = std::ranges::find_if(all, [&](const Outcome& other) {
        const auto& consequences = other.remediation->consequences;
        return is_healed(other.finding) && !other.changes.empty() &&
               std::ranges::find(consequences, outcome.remediation->id) != consequences.end();
    });
    return origin == all.end() ? nullptr : origin->remediation;
}

/// Diagnoses again what is still left, because a later fix may have healed it: COM+ starts once MSDTC does. A
/// consequence that only the extension's last run or a log shows becomes unproven: only the next backup shows if it is
/// healed.
void look_again(std::vector<Outcome>& outcomes, const Machine& machine, const RunOptions& options) {
    if (std::ranges::none_of(outcomes, is_healed, &Outcome::finding)) return;
    for (auto& outcome : outcomes) {
        if (!is_left(outcome.finding.state) || is_unexplained(*outcome.remediation)) continue;
        auto now = diagnose_again(outcome, machine, options);
        if (now.state == State::healthy) {
            mark_healed(now, *outcome.remediation);
            now.summary = fmt::format("Healed by another fix: {}", outcome.finding.summary);
            outcome.finding = std::move(now);
            continue;
        }
        const bool shows_the_past = now.basis != Basis::now;
        if (const auto* origin = repaired_origin_of(outcome, outcomes); origin && shows_the_past) {
            outcome.finding = std::move(now);
            outcome.finding.state = State::unproven;
            outcome.finding.action =
                fmt::format("It follows from {}, which was repaired just now. {}", origin->id, prove_by_backup);
        }
    }
}

/// Returns the newest backups in the logs.
std::vector<BackupAttempt> attempts_of(const Machine& machine) {
    constexpr std::ptrdiff_t most_attempts = 30;
    try {
        const auto& all = machine.derived<LogEvidence>().attempts();
        return {all.end() - std::min(std::ssize(all), most_attempts), all.end()};
    } catch (const std::exception&) {
        return {};  // a diagnosis that needs them has said so
    }
}

/// Returns texts such as "maxDisruption to "workload"", "allowSecurityChanges to true".
std::vector<std::string> settings_for(const MissingApprovals& missing, const Remediation& remediation) {
    std::vector<std::string> settings;
    if (missing.disruption) {
        settings.push_back(fmt::format("maxDisruption to \"{}\"", to_string(remediation.disruption)));
    }
    if (missing.security) settings.emplace_back("allowSecurityChanges to true");
    if (missing.risk) settings.emplace_back("repairRisks to true");
    return settings;
}

/// Returns the outcomes in catalogue order, but those that follow from another finding after all that follow from none.
std::vector<Outcome*> repair_order(std::vector<Outcome>& outcomes) {
    std::vector<Outcome*> order;
    for (auto& outcome : outcomes) order.push_back(&outcome);
    std::stable_partition(order.begin(), order.end(),
                          [&](const auto* outcome) { return origins_of(*outcome->remediation, outcomes).empty(); });
    return order;
}

/// Makes the fixes of one run and holds what they share.
class Fixer {
public:
    Fixer(const RunOptions& options, Machine& machine, const std::filesystem::path& state_folder)
        : options_(options), machine_(machine), state_folder_(state_folder) {}

    /// Rolls back first what a crash interrupted, because half a fix can look healthy.
    Result<void> recover() {
        if (options_.mode != RunMode::fix || !any_run_was_interrupted(state_folder_)) return {};
        if (const auto reason = why_not_to_change()) {
            notices_.push_back(fmt::format("Earlier runs were not looked at, because {}.", *reason));
            held_back_ = left_because(*reason);
            return {};
        }
        auto recovery = roll_back_interrupted_runs(state_folder_, machine_, options_.progress);
        if (!recovery) return recovery.error();
        notices_ = std::move(recovery->notices);
        journal_ = std::move(recovery->journal);
        return {};
    }

    /// Shows what the run did before it was interrupted as this run's own changes.
    void show_earlier_fix(Outcome& outcome) const {
        if (!journal_ || outcome.finding.state != State::healthy) return;
        for (const auto& step : journal_->steps()) {
            const bool is_unsettled = !step.outcome && step.action.starts_with(azure_action);  // its effect is seen
            const bool lasts =
                (step.outcome == StepOutcome::done || is_unsettled) && step.remediation == outcome.remediation->id;
            if (lasts) outcome.changes.push_back({step.description, undo_of(step)});
        }
        if (!outcome.changes.empty()) mark_healed(outcome.finding, *outcome.remediation);
    }

    /// Treats one outcome. Error only where the journal cannot be written; then nothing was changed for this outcome.
    Result<void> treat(Outcome& outcome, const std::vector<Outcome>& all) {
        // Azure shows at once what a repair there has left: what a person had to see to before may be repaired now.
        if (outcome.remediation->acts_in_azure && is_left(outcome.finding.state) && repaired_origin_of(outcome, all)) {
            outcome.finding = diagnose_again(outcome, machine_, options_);
        }
        if (outcome.finding.state != State::broken || !outcome.remediation->fix) {
            if (outcome.finding.state == State::broken) outcome.finding.state = State::needs_operator;
            return {};
        }
        if (options_.part != Part::all && outcome.remediation->acts_in_azure != (options_.part == Part::azure)) {
            if (outcome.remediation->acts_in_azure) {
                outcome.finding.action = "Wait: this is repaired in Azure, once this extension has ended its work.";
            }
            return {};
        }
        // An earlier fix may have healed this one too.
        outcome.finding = diagnose_again(outcome, machine_, options_);
        if (outcome.finding.state != State::broken) {
            if (outcome.finding.state == State::healthy) mark_healed(outcome.finding, *outcome.remediation);
            return {};
        }
        if (const auto origins = origins_of(*outcome.remediation, all); !origins.empty()) {
            outcome.finding.action =
                fmt::format("It follows from {}: resolve that first, then run again.", fmt::join(origins, ", "));
            return {};
        }
        // Inside the VM not in the same run: a consequence that heals by itself once its origin is repaired needs no
        // change, and a dry run could not have foreseen it.
        if (const auto* origin = repaired_origin_of(outcome, all); origin && !outcome.remediation->acts_in_azure) {
            outcome.finding.action = fmt::format(
                "It follows from {}, which was repaired just now: run again if it is still so after the next backup.",
                origin->id);
            return {};
        }
        if (const auto missing = missing_approvals(outcome, options_); missing.any()) {
            outcome.finding.state = State::needs_approval;
            foresee(outcome);
            outcome.finding.action =
                fmt::format("Set {} and run again, or do it by hand: {}",
                            fmt::join(settings_for(missing, *outcome.remediation), " and "), outcome.finding.action);
            return {};
        }
        if (std::chrono::steady_clock::now() > options_.deadline) {
            outcome.finding.action = "The run's time was used up before this could be fixed: run again.";
            return {};
        }
        if (options_.stop_requested()) {
            outcome.finding.action = "The run was asked to stop before this could be fixed: run again.";
            return {};
        }
        // Looked at again before every fix, because a backup can start while we work.
        if (const auto reason = held_back_ ? std::nullopt : why_not_to_change()) {
            held_back_ = left_because(*reason);
        }
        if (held_back_) {
            outcome.finding.action = *held_back_;
            return {};
        }
        return options_.mode == RunMode::dry_run ? plan(outcome) : apply(outcome);
    }

    /// Plans the fix, for a report that only tells of it.
    void foresee(Outcome& outcome) const {
        Changes changes(machine_, nullptr, outcome.remediation->id, Changes::Mode::plan);
        if (call_fix(outcome, changes)) outcome.plan = changes.steps();
    }

    const std::vector<std::string>& notices() const { return notices_; }
    std::string run_id() const { return journal_ ? journal_->run_id() : std::string(); }
    Journal* journal() { return journal_ ? &*journal_ : nullptr; }

private:
    static std::string left_because(const std::string& reason) {
        return fmt::format("Run again later: this was left as it is, because {}.", reason);
    }

    /// From outside nobody sees what runs in the VM; a fix that acts in Azure looks there itself.
    std::optional<std::string> why_not_to_change() const {
        return options_.from_outside ? std::nullopt : why_not_to_disturb(machine_);
    }

    /// Calls the fix; turns an exception into an error.
    Result<void> call_fix(const Outcome& outcome, Changes& changes) const {
        try {
            return outcome.remediation->fix(outcome.finding, changes);
        } catch (const std::exception& error) {
            return machine::Error::failed(error.what());
        }
    }

    Result<void> plan(Outcome& outcome) {
        Changes changes(machine_, nullptr, outcome.remediation->id, Changes::Mode::plan);
        if (const auto planned = call_fix(outcome, changes); !planned) {
            outcome.finding.action =
                fmt::format("A fix would fail: {}. {}", planned.error().message, outcome.finding.action);
        }
        outcome.changes = changes.steps();
        return {};
    }

    Result<void> apply(Outcome& outcome) {
        if (!journal_) {
            auto created = Journal::create(state_folder_, std::chrono::system_clock::now());
            if (!created) return created.error();
            journal_.emplace(std::move(*created));
        }
        options_.progress("fixing " + outcome.remediation->id);
        const auto first_step = static_cast<unsigned>(journal_->steps().size()) + 1;
        Changes changes(machine_, &*journal_, outcome.remediation->id, Changes::Mode::apply);
        const auto fixed = call_fix(outcome, changes);
        machine_.forget_derived();
        outcome.changes = changes.steps();
        const auto before = outcome.finding;
        outcome.finding = diagnose_again(outcome, machine_, options_);
        // No look shows a cause that only the error code of a past job told, nor that it is gone.
        const bool only_code_tells = is_left(outcome.finding.state) && outcome.finding.basis == Basis::error_code &&
                                     outcome.remediation->only_next_backup_proves;
        if (fixed && (outcome.finding.state == State::healthy || only_code_tells)) {
            mark_healed(outcome.finding, *outcome.remediation, before.is_suspicion);
            outcome.finding.evidence = before.evidence;
            outcome.finding.summary = before.summary;
        } else if (!take_back(outcome, first_step, fixed ? "it is still not healthy" : fixed.error().message)) {
            held_back_ = fmt::format(
                "This was left as it is, because what was tried for {} could not be taken back whole: run again, or "
                "undo run {}.",
                outcome.remediation->id, run_id());
            return {};  // not committed: the next run begins with it
        }
        return journal_->commit();
    }

    /// Returns false where a step could not be undone.
    bool take_back(Outcome& outcome, unsigned first_step, const std::string& why) {
        auto undone = undo(*journal_, machine_, first_step);
        machine_.forget_derived();
        const auto lasting = [](const auto& step) {
            return step.result == UndoneStep::Result::left_alone || step.result == UndoneStep::Result::failed ||
                   step.result == UndoneStep::Result::not_undoable;
        };
        outcome.finding = diagnose_again(outcome, machine_, options_);
        outcome.finding.action =
            outcome.finding.state == State::healthy
                ? fmt::format("The fix failed ({}) and was taken back as far as that goes; yet all is well now.", why)
                : fmt::format(
                      "Its repair was tried and taken back, because it did not help ({}). Read what is quoted "
                      "here, and run again once something has changed.",
                      why);
        std::vector<PlannedStep> remaining;
        for (const auto& step : undone) {
            if (!lasting(step)) continue;
            const bool happened = step.result == UndoneStep::Result::not_undoable;
            const auto detail = happened ? std::string() : fmt::format(" ({})", step.detail);
            using enum PlannedStep::Undo;
            remaining.push_back({step.description + detail, happened ? cannot : puts_back});
        }
        outcome.changes = std::move(remaining);
        return std::ranges::none_of(undone, [](const auto& step) { return step.result == UndoneStep::Result::failed; });
    }

    const RunOptions& options_;
    Machine& machine_;
    const std::filesystem::path& state_folder_;
    std::optional<Journal> journal_;
    std::vector<std::string> notices_;
    std::optional<std::string> held_back_;  ///< a sentence: why this run may change nothing more
};

}  // namespace

MissingApprovals missing_approvals(const Outcome& outcome, const RunOptions& options) {
    const auto& finding = outcome.finding;
    return {.disruption = outcome.remediation->disruption > options.max_disruption,
            .security = finding.changes_security && !options.allow_security_changes,
            .risk = finding.weight == Weight::risk && !options.repair_risks &&
                    !is_named(options.only, *outcome.remediation)};
}

bool Report::is_cause_left() const {
    return std::ranges::any_of(outcomes, [](const auto& outcome) {
        return is_left(outcome.finding.state) && outcome.finding.weight == Weight::cause;
    });
}

bool Report::anything_left() const {
    const auto is_unproven = [](const auto& outcome) { return outcome.finding.state == State::unproven; };
    return is_cause_left() || std::ranges::any_of(outcomes, is_unproven);
}

State Report::layer_state(Layer layer) const {
    constexpr State worst_first[] = {State::broken,  State::needs_approval, State::needs_operator, State::unproven,
                                     State::unknown, State::fixed,          State::healthy};
    for (const auto state : worst_first) {
        const auto in_layer = [&](const Outcome& outcome) {
            const auto& finding = outcome.finding;
            const bool is_risk = is_left(finding.state) && finding.weight == Weight::risk;
            return outcome.remediation->layer == layer && (is_risk ? State::healthy : finding.state) == state;
        };
        if (std::ranges::any_of(outcomes, in_layer)) return state;
    }
    return State::not_applicable;
}

namespace {

/// Combines the single findings: tells of failures that no cause explains, and names one finding as the root cause.
void weigh(Report& report, const Machine& machine) {
    report.attempts = attempts_of(machine);
    std::vector<const Failure*> failures;
    try {
        failures = current_failures(machine);
        let_proven_risks_count(report.outcomes, failures);
        tell_unexplained(report.outcomes, failures, machine);
        quote_whole(report.outcomes, failures);
    } catch (const std::exception&) {
        failures.clear();  // a diagnosis that needs the logs has said so
    }
    // What the logs have said above is quoted as it stands there.
    for (auto& outcome : report.outcomes) {
        if (is_left(outcome.finding.state)) outcome.finding = without_secrets(std::move(outcome.finding));
    }
    let_risks_explain(report.outcomes, failures, report.error_code);
    auto root = root_cause_of(report.outcomes, report.error_code, failures);
    report.root_cause = root.remediation;
    report.root_cause_reason = std::move(root.reason);
    // The root cause of a failed backup is never shown as healthy: only the next backup shows if it is gone.
    const auto told = std::ranges::find(report.outcomes, report.root_cause, &Outcome::remediation);
    if (told == report.outcomes.end() || told->finding.state != State::healthy || !told->finding.history) return;
    auto& finding = told->finding;
    finding.state = State::unproven;
    finding.summary = fmt::format("{}, according to {}. The machine shows it no longer: {}", told->remediation->title,
                                  finding.history->where, finding.summary);
    finding.evidence.insert(finding.evidence.begin(), *finding.history);
    finding.action = prove_by_backup;
}

std::vector<TwoViews> view_of_azure(const Report& report, const Machine& machine) {
    try {
        auto views = azure_view(report, machine);
        for (auto& each : views) {
            each.in_vm = machine::recorded::redact(each.in_vm);
            each.in_azure = machine::recorded::redact(each.in_azure);
        }
        return views;
    } catch (const std::exception&) {
        return {};  // a diagnosis that needs the same answers has said so
    }
}

/// Returns when a run began, from its id: 20261121T014907Z-0001.
std::optional<std::chrono::system_clock::time_point> time_of_run(const std::string& id) {
    constexpr std::size_t length_of_time = 16;
    if (id.size() < length_of_time) return std::nullopt;
    const auto part = [&](std::size_t from, std::size_t length) { return id.substr(from, length); };
    const auto time =
        fmt::format("{}-{}-{}T{}:{}:{}Z ", part(0, 4), part(4, 2), part(6, 2), part(9, 2), part(11, 2), part(13, 2));
    return parse_log_line(time, {}).time;
}

/// The newest run that changed something inside the VM; nothing where there is none, or its journal cannot be read.
std::optional<Journal> newest_run_inside(const std::filesystem::path& state_folder) {
    auto runs = Journal::runs(state_folder);
    for (; !runs.empty(); runs.pop_back()) {
        auto journal = Journal::open(state_folder, runs.back());
        if (!journal) return std::nullopt;
        const auto is_in_azure = [](const JournalStep& step) { return step.action.starts_with(azure_action); };
        const bool is_of_azure = !journal->steps().empty() && std::ranges::all_of(journal->steps(), is_in_azure);
        if (!is_of_azure) return std::move(*journal);
    }
    return std::nullopt;
}

/// Follows up what the newest earlier run treated: a good backup since proves it, none has run yet, or it has come
/// back.
void follow_up_earlier_runs(std::vector<Outcome>& outcomes, const std::vector<BackupAttempt>& attempts,
                            const std::optional<WatchedBackup>& watched, const std::filesystem::path& state_folder) {
    const auto journal = newest_run_inside(state_folder);
    if (!journal) return;
    const auto* treated = journal->summary().if_contains("unproven");
    const auto* ids = treated ? treated->if_array() : nullptr;
    const auto time = time_of_run(journal->run_id());
    if (ids == nullptr || !time) return;
    const auto is_proof = [&](const BackupAttempt& attempt) {
        return attempt.succeeded == true && attempt.started && *attempt.started > *time;
    };
    const bool is_watched = watched && watched->started > *time;
    const bool proven = (is_watched && watched->is_good) || std::ranges::any_of(attempts, is_proof);
    for (auto& outcome : outcomes) {
        const auto& id = outcome.remediation->id;
        const auto is_this = [&](const json::value& each) { return each.is_string() && each.get_string() == id; };
        const auto lasts = [&](const JournalStep& step) {
            return step.remediation == id && step.outcome == StepOutcome::done;
        };
        // A treatment that was undone since does not count.
        if (std::ranges::none_of(*ids, is_this) || std::ranges::none_of(journal->steps(), lasts)) continue;
        auto& finding = outcome.finding;
        if (finding.state == State::healthy && proven) {
            finding.summary += fmt::format(" Run {} treated it, and a backup since then proves it.", journal->run_id());
            if (is_watched) finding.state = State::fixed;
        } else if (finding.state == State::healthy && is_watched) {
            finding.state = State::needs_operator;
            finding.summary +=
                fmt::format(" Run {} treated it, and yet {} failed.", journal->run_id(), watched->told_as);
            finding.action = "See what else is found, and the error of that backup job: the same repair will not help.";
        } else if (finding.state == State::healthy) {
            finding.state = State::unproven;
            finding.summary += fmt::format(" Run {} treated it, and no backup has succeeded since.", journal->run_id());
            finding.action = prove_by_backup;
        } else if (is_left(finding.state)) {
            finding.summary +=
                fmt::format(" Run {} treated it, and it came back: the same repair will not last.", journal->run_id());
        }
    }
}

}  // namespace

namespace {

/// Takes the error code of the newest backup job, where nobody gave a code and Azure tells one.
void take_code_of_job(RunOptions& options, const Machine& machine) {
    if (!options.error_code.empty()) return;
    const auto* job = machine.derived<azure::BackupJobs>().newest();
    if (!job || !job->has_failed()) return;
    options.error_code = job->error_code();
    options.error_code_place = job->where();
}

}  // namespace

Result<Report> run(const RunOptions& given, Machine& machine, const std::filesystem::path& state_folder) {
    auto options = given;
    std::optional<std::string> not_asked;
    if (const auto access = machine.azure().access()) {
        take_code_of_job(options, machine);
    } else if (access.error().kind != machine::ErrorKind::unsupported) {
        not_asked = fmt::format("Azure could not be asked: {}. \"backup-remediation access\" says more.",
                                access.error().message);
    }
    Report report;
    report.mode = options.mode;
    report.error_code = options.error_code;
    report.machine = machine.facts();
    report.outcomes = selected_for(options, machine.facts().platform);

    search_for_signals_of_catalogue(machine);
    Fixer fixer(options, machine, state_folder);
    if (const auto recovered = fixer.recover(); !recovered) return recovered.error();
    options.progress("diagnosing");
    diagnose_all(report.outcomes, machine, options);
    weigh(report, machine);
    // Not where single causes are named: then nothing else is asked of Azure.
    if (options.compare_with_azure && options.only.empty()) report.azure = view_of_azure(report, machine);
    report.notices = fixer.notices();
    if (not_asked) report.notices.push_back(*not_asked);
    if (options.follow_up) follow_up_earlier_runs(report.outcomes, report.attempts, options.backup, state_folder);
    if (options.mode == RunMode::diagnose) {
        for (auto& outcome : report.outcomes) {
            if (outcome.finding.state == State::broken && outcome.remediation->fix) fixer.foresee(outcome);
        }
        return report;
    }

    for (auto* outcome : repair_order(report.outcomes)) {
        fixer.show_earlier_fix(*outcome);
        if (const auto treated = fixer.treat(*outcome, report.outcomes); !treated) return treated.error();
    }
    look_again(report.outcomes, machine, options);
    const bool treated_all =
        !report.is_cause_left() && std::ranges::any_of(report.outcomes, is_healed, &Outcome::finding);
    if (report.root_cause == nullptr && treated_all) report.root_cause_reason.clear();  // it told of what is healed now
    report.run_id = fixer.run_id();
    if (auto* journal = fixer.journal()) {
        json::object summary{{"mode", "fix"},
                             {"rootCause", report.root_cause ? report.root_cause->id : ""},
                             {"unproven", json::value_from(unproven_in(report.outcomes))}};
        if (const auto access = machine.azure().access(); options.from_outside && access) summary["vm"] = access->vm_id;
        const auto noted = journal->note(std::move(summary));
        if (!noted) return noted.error();
    }
    return report;
}

}  // namespace remediations
