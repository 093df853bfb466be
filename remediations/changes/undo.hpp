#pragma once

#include <string>
#include <vector>

#include "remediations/changes/journal.hpp"

namespace remediations {

struct UndoneStep {
    std::string description;
    enum class Result { undone, already_so, left_alone, not_undoable, failed } result = Result::undone;
    std::string detail;
};

/// Undoes the steps from `first_step` on, newest first. Puts a value back only where the slot still holds what the run
/// left; a slot that somebody changed since is left alone, and the result says so. Calling it twice, or again after a
/// crash, does no harm. A slot that a tool rewrote gets its value from before the tool. Services that the run restarted
/// are restarted once more if anything was put back.
std::vector<UndoneStep> undo(Journal& journal, machine::Machine& machine, unsigned first_step = 1);

/// Undoes that step alone, in the same way.
std::vector<UndoneStep> undo_step(Journal& journal, machine::Machine& machine, unsigned number);

}  // namespace remediations
