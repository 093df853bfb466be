#include "remediations/changes/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/slot_kind.hpp"
#include "remediations/changes/undo.hpp"

namespace remediations {

using machine::Error;
using machine::ErrorKind;
using machine::Result;

namespace {

std::vector<std::string> newest_first(const std::filesystem::path& state_folder) {
    auto runs = Journal::runs(state_folder);
    std::ranges::reverse(runs);
    return runs;
}

std::string unreadable(const std::string& run_id, const Error& error) {
    if (error.kind != ErrorKind::invalid) {
        return fmt::format("Whether run {} was interrupted is unknown, because its journal cannot be read: {}.", run_id,
                           error.message);
    }
    return fmt::format(
        "The journal of run {} is damaged, so it was not looked at whether that run was interrupted: {}. To take back "
        "what can still be read of it: backup-remediation undo {} --despite-damage",
        run_id, error.message, run_id);
}

bool has_quarantine(const std::filesystem::path& state_folder, const std::string& run_id) {
    std::error_code ignored;
    return std::filesystem::exists(state_folder / "runs" / run_id / "quarantine", ignored);
}

/// Kinds of slots whose original lies in the quarantine.
bool is_location(std::string_view kind) {
    return kind == location_kind.name || kind == unit_file_kind.name;
}

}  // namespace

bool any_run_was_interrupted(const std::filesystem::path& state_folder) {
    const auto runs = newest_first(state_folder);
    return std::ranges::any_of(runs, [&](const std::string& run) {
        const auto journal = Journal::open(state_folder, run);
        const bool went_on = run == runs.front() && journal && journal->summary().empty();
        return !journal || went_on || journal->has_uncommitted_steps();
    });
}

Result<Recovery> roll_back_interrupted_runs(const std::filesystem::path& state_folder, machine::Machine& machine,
                                            const std::function<void(const std::string&)>& progress) {
    Recovery recovery;
    const auto runs = newest_first(state_folder);
    for (const auto& run_id : runs) {
        auto journal = Journal::open(state_folder, run_id);
        if (!journal) {
            recovery.notices.push_back(unreadable(run_id, journal.error()));
            continue;
        }
        const bool is_newest = run_id == runs.front();
        const bool goes_on = is_newest && journal->summary().empty();
        if (!goes_on && !journal->has_uncommitted_steps()) continue;
        progress("taking back what run " + run_id + " left half done");
        const auto undone = undo(*journal, machine, journal->first_uncommitted_step());
        machine.forget_derived();
        const auto failed = std::ranges::find(undone, UndoneStep::Result::failed, &UndoneStep::result);
        if (failed != undone.end()) {
            // It stays uncommitted: every later run tries again. This run gets a journal of its own.
            recovery.notices.push_back(
                fmt::format("Run {} was interrupted and could not be rolled back: {} ({}). To try again: "
                            "backup-remediation undo {}",
                            run_id, failed->description, failed->detail, run_id));
            continue;
        }
        if (auto committed = journal->commit(); !committed) return committed.error();
        if (is_newest) recovery.journal.emplace(std::move(*journal));
    }
    return recovery;
}

Result<void> discard_old_quarantines(const std::filesystem::path& state_folder, std::size_t keep) {
    for (const auto& run_id : newest_first(state_folder)) {
        if (!has_quarantine(state_folder, run_id)) continue;
        if (keep > 0) {
            --keep;
            continue;
        }
        auto journal = Journal::open(state_folder, run_id);
        if (!journal || journal->has_uncommitted_steps()) continue;
        const auto steps = journal->steps();
        for (const auto& step : steps) {
            const bool lies_there = step.outcome != StepOutcome::undone && is_location(text_of(step.slot, "kind"));
            if (!lies_there) continue;
            if (auto noted = journal->end(step.number, StepOutcome::discarded); !noted) return noted;
        }
        std::error_code error;
        std::filesystem::remove_all(journal->folder() / "quarantine", error);
        if (error) {
            return machine::Error::failed(
                fmt::format("the quarantine of run {} cannot be removed: {}", run_id, error.message()), error.value());
        }
    }
    return {};
}

}  // namespace remediations
