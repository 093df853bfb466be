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

/// Takes back the steps from `first_step` on, newest first. Puts back only what is still as the
/// run left it; what somebody changed since is left alone and said so. Doing it twice is harmless, and so is
/// doing it again after a crash. What a tool rewrote goes back to what stood there before the tool ran. Services that
/// the run restarted are restarted once more when anything was put back.
std::vector<UndoneStep> undo(Journal& journal, machine::Machine& machine, unsigned first_step = 1);

}  // namespace remediations
