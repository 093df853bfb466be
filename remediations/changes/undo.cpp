#include "remediations/changes/undo.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

namespace remediations {

using machine::Error;
using machine::ErrorKind;
using machine::Machine;

namespace {

/// The result for a service that was removed since, together with its settings: nothing can be put back.
UndoneStep not_put_back(const std::string& description, const Error& error) {
    using enum UndoneStep::Result;
    return {description, error.kind == ErrorKind::not_found ? left_alone : failed, error.message};
}

UndoneStep revert(const JournalStep& step, Machine& machine) {
    using enum UndoneStep::Result;
    if (step.outcome == StepOutcome::discarded) {
        return {step.description, left_alone,
                "it was removed from the quarantine since, to make room: only the newest runs' is kept"};
    }
    const auto failed_with = [&](const Error& error) { return UndoneStep{step.description, failed, error.message}; };
    const auto slot = make_slot(step.slot);
    if (!slot) return failed_with(slot.error());
    const auto now = (*slot)->read(machine);
    if (!now) return not_put_back(step.description, now.error());
    UndoneStep result{step.description, already_so, {}};
    // A crash after the tool kept this step from writing.
    const bool is_as_found = step.found && *now == *step.found;
    if (*now == step.after || is_as_found || (*slot)->is_between(*now, step.before, step.after)) {
        if (*now != step.before) result.result = undone;
    } else if (*now != step.before) {
        result = {step.description, left_alone, "somebody changed it since"};
    }
    if (auto reason = (*slot)->why_not_put_back(step.before); result.result == undone && !reason.empty()) {
        return {step.description, left_alone, std::move(reason)};
    }
    if (result.result == undone) {
        if (const auto written = (*slot)->write(machine, step.before); !written) return failed_with(written.error());
    }
    if (const auto cleaned = (*slot)->clean_up(machine, step.before); !cleaned) return failed_with(cleaned.error());
    return result;
}

/// Puts back the value of a slot before a tool ran; nullopt where the slot has that value.
std::optional<UndoneStep> put_back(const KeptValue& kept, Machine& machine) {
    using enum UndoneStep::Result;
    const auto slot = make_slot(kept.slot);
    if (!slot) return UndoneStep{"put back what a tool rewrote", failed, slot.error().message};
    const auto now = (*slot)->read(machine);
    if (!now) return not_put_back("put back what a tool rewrote", now.error());
    if (*now == kept.value) return std::nullopt;
    UndoneStep result{(*slot)->describe(*now, kept.value), undone, {}};
    if (const auto written = (*slot)->write(machine, kept.value); !written) {
        result = not_put_back(result.description, written.error());
    }
    return result;
}

/// Undoes the steps one after the other.
class Undo {
public:
    Undo(Journal& journal, Machine& machine) : journal_(journal), machine_(machine) {}

    void take_back(const JournalStep& step) {
        const bool is_undone = step.outcome == StepOutcome::undone;
        if (step.action == "restart-service") restarts_[step.subject].push_back(step);
        if (step.action.empty()) {
            is_undone ? already(step) : take_back_value(step);
            rewritten_.insert(boost::json::serialize(step.slot));
        } else if (is_undone) {
            already(step);
        } else {
            take_back_action(step);
        }
    }

    std::vector<UndoneStep> finish() && {
        for (const auto& [service, steps] : restarts_) restart(service, steps);
        return std::move(results_);
    }

private:
    void already(const JournalStep& step) {
        put_back_before_ = put_back_before_ || step.action.empty();
        results_.push_back({step.description, UndoneStep::Result::already_so, {}});
    }

    void take_back_value(const JournalStep& step) {
        using enum UndoneStep::Result;
        auto result = revert(step, machine_);
        put_back_ = put_back_ || result.result == undone;
        if (result.result != failed && step.outcome != StepOutcome::discarded) {
            note(step, result.result == left_alone ? StepOutcome::left_alone : StepOutcome::undone, result);
        }
        results_.push_back(std::move(result));
    }

    /// An action cannot be undone. Values that it rewrote are put back, unless undoing a later step has done that.
    void take_back_action(const JournalStep& step) {
        using enum UndoneStep::Result;
        results_.push_back({step.description, not_undoable, "this happened and cannot be taken back"});
        bool failed_any = false;
        for (const auto& kept : step.kept) {
            if (!rewritten_.insert(boost::json::serialize(kept.slot)).second) continue;
            auto result = put_back(kept, machine_);
            if (!result) continue;
            put_back_ = put_back_ || result->result == undone;
            failed_any = failed_any || result->result == failed;
            results_.push_back(std::move(*result));
        }
        if (!step.kept.empty() && !failed_any) note(step, StepOutcome::undone, results_.back());
    }

    void restart(const std::string& service, const std::vector<JournalStep>& steps) {
        const auto is_open = [](const JournalStep& step) { return step.outcome != StepOutcome::undone; };
        // A restart that was interrupted may have left the service stopped.
        const auto is_half_done = [](const JournalStep& step) { return !step.outcome; };
        const bool wanted = put_back_ || (put_back_before_ && std::ranges::any_of(steps, is_open)) ||
                            std::ranges::any_of(steps, is_half_done);
        UndoneStep result{"restart service " + service, UndoneStep::Result::undone, {}};
        if (wanted) {
            if (const auto restarted = machine_.services().restart(service); !restarted) {
                results_.push_back(not_put_back(result.description, restarted.error()));
                return;
            }
        }
        for (const auto& step : steps) {
            if (is_open(step)) note(step, StepOutcome::undone, result);
        }
        if (wanted) results_.push_back(std::move(result));
    }

    void note(const JournalStep& step, StepOutcome outcome, UndoneStep& result) {
        if (auto noted = journal_.end(step.number, outcome); !noted) result.detail = noted.error().message;
    }

    Journal& journal_;
    Machine& machine_;
    std::vector<UndoneStep> results_;
    std::map<std::string, std::vector<JournalStep>> restarts_;  ///< by service
    std::set<std::string> rewritten_;                           ///< the slots of steps that were undone already
    bool put_back_ = false;
    bool put_back_before_ = false;  ///< an earlier undo did, and a crash may have kept it from its restarts
};

}  // namespace

std::vector<UndoneStep> undo(Journal& journal, Machine& machine, unsigned first_step) {
    Undo work(journal, machine);
    const auto steps = journal.steps();  // a copy: ending a step changes the journal's own
    for (auto step = steps.rbegin(); step != steps.rend() && step->number >= first_step; ++step) work.take_back(*step);
    return std::move(work).finish();
}

std::vector<UndoneStep> undo_step(Journal& journal, machine::Machine& machine, unsigned number) {
    Undo work(journal, machine);
    const auto steps = journal.steps();
    const auto step = std::ranges::find(steps, number, &JournalStep::number);
    if (step != steps.end()) work.take_back(*step);
    return std::move(work).finish();
}

}  // namespace remediations
