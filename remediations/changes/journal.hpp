#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/changes/planned_step.hpp"
#include "remediations/changes/slot.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// The result of a step in the journal. A step without an outcome was interrupted by a crash.
enum class StepOutcome {
    done,
    failed,
    undone,
    left_alone,
    discarded,  ///< its quarantine was removed to make room: it cannot be undone any more
};

/// The value of a slot before a tool ran that may rewrite it.
struct KeptValue {
    boost::json::object slot;  ///< Slot::identity()
    SlotValue value;
};

/// One change. Exactly one of `slot` (a value that can be put back) and `action` (something that happens) is filled.
struct JournalStep {
    unsigned number = 0;  ///< given by the journal, from 1
    std::string remediation;
    std::string description;
    boost::json::object slot = {};  ///< Slot::identity()
    SlotValue before = {};
    SlotValue after = {};
    /// Where a tool of the same fix rewrote the slot: the value that the tool left. `before` is then older than the
    /// tool.
    std::optional<SlotValue> found = {};
    std::string action = {};           ///< "restart-service", "run-tool", "thaw", "end-process", "azure-reapply"
    std::string subject = {};          ///< the service, command line, mount point or process that the action concerns
    std::vector<KeptValue> kept = {};  ///< of a tool
    std::optional<StepOutcome> outcome = {};
};

/// With this begin the actions that are requests to Azure. One without an outcome may have been done all the same.
inline constexpr std::string_view azure_action = "azure-";

/// Returns what undo can do about the step.
PlannedStep::Undo undo_of(const JournalStep& step);

/// How Journal::open() treats damaged lines.
enum class Damage {
    refuse,  ///< open() fails
    skip,    ///< damaged lines are left out; Journal::damage() names them
};

/// The write-ahead log of what one run changes: <state>/runs/<run id>/journal.jsonl, one JSON object a line:
///
///     {"format":1}                                         line 1
///     {"begin":1, "remediation", "description", "slot", "before", "after" [, "found"]}
///     {"begin":1, "remediation", "description", "action", "subject" [, "kept"]}
///     {"end":1, "outcome" [, "detail"]}                    the step was made, failed, or was undone
///     {"commit":1}                                         all steps up to this one belong to fixes that ended
///     {"summary":{...}}
///
/// A begin is on the disk before its change is made. The last member of each line is "crc32": eight hexadecimal digits
/// of the CRC-32 (as in gzip) of the line's bytes before `,"crc32"`. All other members are required, and no others are
/// known. Format 0 has no checksums and no line for the format, and says "step", "outcome" and "settled" for begin, end
/// and commit; it is read, and lines of format 1 are added to it. A last line torn by a crash is ignored, because
/// nothing was done after it.
class Journal {
public:
    /// Creates the journal of a new run. The run's id is the time and a number that always grows, whatever the clock
    /// says: 20261121T014907Z-0017.
    static machine::Result<Journal> create(const std::filesystem::path& state_folder,
                                           std::chrono::system_clock::time_point now);
    /// Opens the journal of an earlier run. ErrorKind::invalid names file and line of the damage.
    /// ErrorKind::unsupported: a newer format, which is never read.
    static machine::Result<Journal> open(const std::filesystem::path& state_folder, const std::string& run_id,
                                         Damage damage = Damage::refuse);
    /// Returns the ids of all runs, oldest first: by number, then by time. A folder without a journal is not a run.
    static std::vector<std::string> runs(const std::filesystem::path& state_folder);

    const std::string& run_id() const { return run_id_; }
    const std::filesystem::path& folder() const { return folder_; }
    /// Returns the steps in order of their numbers. The numbers have gaps where damaged lines were skipped.
    const std::vector<JournalStep>& steps() const { return steps_; }
    /// Returns the object of the last note(): what the run wants to tell a reader of `history`. Empty if there is none.
    const boost::json::object& summary() const { return summary_; }
    /// Returns one text for each skipped line: "...journal.jsonl:3: its checksum is wrong"
    const std::vector<std::string>& damage() const { return damage_; }

    /// Adds a step and sets step.number. It is synced to disk when the call returns. After a failed write the content
    /// of the disk is not known: all later writes fail too, until the journal is opened again.
    machine::Result<void> begin(JournalStep& step);
    machine::Result<void> end(unsigned step_number, StepOutcome outcome, const std::string& detail = {});
    /// Marks all steps so far as belonging to fixes that ended: they helped or were rolled back.
    machine::Result<void> commit();
    machine::Result<void> note(boost::json::object summary);

    /// Returns the number of the first step that a crash interrupted; where there is none, the number after the last
    /// step.
    unsigned first_uncommitted_step() const { return committed_ + 1; }
    /// Returns true if a fix was interrupted or could not be rolled back.
    bool has_uncommitted_steps() const { return !steps_.empty() && steps_.back().number > committed_; }

private:
    Journal(std::string run_id, std::filesystem::path folder)
        : run_id_(std::move(run_id)), folder_(std::move(folder)) {}
    machine::Result<void> append(const boost::json::object& line);
    /// Takes in one line. The Error says what is wrong with it.
    machine::Result<void> replay(std::string_view line, bool is_first);
    machine::Result<void> replay_format_0(const boost::json::object& line);
    machine::Result<void> replay_format_1(const boost::json::object& line);
    machine::Result<void> add(JournalStep step);
    machine::Result<void> set_outcome(std::uint64_t step_number, std::string_view word);
    machine::Result<void> set_committed(std::uint64_t step_number);

    std::optional<machine::Error> write_failure_;
    std::string run_id_;
    std::filesystem::path folder_;
    bool is_new_ = false;       ///< nothing has been written yet
    bool is_format_0_ = false;  ///< line 1 has no checksum
    bool skips_damage_ = false;
    std::vector<JournalStep> steps_;
    boost::json::object summary_;
    std::vector<std::string> damage_;
    unsigned committed_ = 0;  ///< number of the last committed step
};

}  // namespace remediations
