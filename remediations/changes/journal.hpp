#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "remediations/changes/slot.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// How a journalled step ended. A step without an outcome was cut short by a crash.
enum class StepOutcome { done, failed, undone, left_alone };

/// One intended change. Exactly one of `slot` (reversible) and `action` (not reversible) is filled.
struct JournalStep {
    unsigned number = 0;  ///< given by the journal, from 1
    std::string remediation;
    std::string description;
    boost::json::object slot;  ///< Slot::identity()
    SlotValue before;
    SlotValue after;
    std::string action;   ///< "restart-service", "run-tool", "thaw", "end-process"
    std::string subject;  ///< the service, command line, mount point or process the action is about
    std::optional<StepOutcome> outcome;
};

/// The durable list of what one run changed: <state>/runs/<run id>/journal.jsonl, one JSON object
/// a line. A last line torn by a crash is ignored; any other damage is an error that names the line.
class Journal {
public:
    /// A new run. Run ids sort by time: 20261121T014907Z-0001.
    static machine::Result<Journal> create(const std::filesystem::path& state_folder,
                                           std::chrono::system_clock::time_point now);
    static machine::Result<Journal> open(const std::filesystem::path& state_folder, const std::string& run_id);
    /// Oldest first. A folder without a journal is no run.
    static std::vector<std::string> runs(const std::filesystem::path& state_folder);

    const std::string& run_id() const { return run_id_; }
    const std::filesystem::path& folder() const { return folder_; }
    const std::vector<JournalStep>& steps() const { return steps_; }
    /// Whatever the run wants a reader of `history` to know, from the last note(); empty object if none.
    const boost::json::object& summary() const { return summary_; }

    /// Synced to disk when it returns. Sets step.number. After a line that could not be written nobody knows what
    /// is on the disk: every later one fails too, until the journal is opened again.
    machine::Result<void> intend(JournalStep& step);
    machine::Result<void> conclude(unsigned step_number, StepOutcome outcome, const std::string& detail = {});
    machine::Result<void> note(boost::json::object summary);
    /// Says that every step so far belongs to a fix that came to its end, helpful or taken back.
    machine::Result<void> settle();
    /// The first step of a fix that was cut short by a crash; beyond the last step if there is none.
    unsigned first_unsettled_step() const { return settled_ + 1; }

    /// The newest run, if a crash cut it short, so that it has no summary, or its last fix could not be taken back.
    static std::optional<std::string> cut_short(const std::filesystem::path& state_folder);

private:
    Journal(std::string run_id, std::filesystem::path folder)
        : run_id_(std::move(run_id)), folder_(std::move(folder)) {}
    machine::Result<void> append(const boost::json::object& line);

    std::optional<machine::Error> write_failure_;
    std::string run_id_;
    std::filesystem::path folder_;
    std::vector<JournalStep> steps_;
    boost::json::object summary_;
    unsigned settled_ = 0;  ///< number of the last settled step
};

struct UndoneStep {
    std::string description;
    enum class Result { undone, already_so, left_alone, not_undoable, failed } result = Result::undone;
    std::string detail;
};

/// Takes back the steps from `first_step` on, newest first. Puts back only what is still as the
/// run left it; what somebody changed since is left alone and said so. Doing it twice is harmless, and so is
/// doing it again after a crash. Services that the run restarted are restarted once more when anything was put back.
std::vector<UndoneStep> undo(Journal& journal, machine::Machine& machine, unsigned first_step = 1);

}  // namespace remediations
