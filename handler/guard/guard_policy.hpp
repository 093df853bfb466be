#pragma once

#include <optional>
#include <string>
#include <vector>

#include "handler/guard/guard_record.hpp"
#include "handler/guard/guard_settings.hpp"
#include "handler/report/status.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/knowledge/extension/backup_signs.hpp"

namespace handler {

/// The guard's decisions, without a machine: what a tick may do after what earlier ticks noted.

inline constexpr std::chrono::minutes settles_after_boot{15};
inline constexpr std::chrono::hours between_attempts{24};  ///< for the same cause
inline constexpr unsigned most_attempts_in_a_row = 3;
inline constexpr std::chrono::minutes clock_tolerance{10};

/// Returns the record that is valid now: a new one on another computer. If the clock was changed, all its times become
/// `now`: the counts stay, and its waiting times begin again.
GuardRecord record_for_today(GuardRecord record, const machine::local::Computer& computer, GuardTime now);

/// Returns why a diagnosis is due, as a clause after "because"; nullopt where nothing happened since the last one.
std::optional<std::string> reason_to_look(const GuardRecord& record, const remediations::BackupSigns& signs,
                                          GuardTime now);

/// Returns the same short text for texts, or findings, that differ only in numbers (times, process ids).
std::string shape_of(std::string_view text);
std::string shape_of(const remediations::Finding& finding);
/// Returns how the newest backup that ended has failed, "result 121"; empty where it succeeded or none is known.
std::string failure_in(const remediations::Report& report);

/// The judgement of a repair by the backups since.
struct Verdict {
    std::string cause;
    Treatment::State state = Treatment::State::proven;  ///< proven or not_healed
    std::string run_id;
    std::string backup;  ///< "the backup of 2026-11-30T19:04:04Z"
};
/// Returns a verdict for each repair that waits for one, and notes it in the record. A repair keeps waiting where no
/// backup ended since, or where one failed for another reason.
std::vector<Verdict> judge_treatments(GuardRecord& record, const remediations::Report& report);

/// The cause that may be repaired now, and those that may not.
struct RepairChoice {
    const remediations::Outcome* outcome = nullptr;  ///< an outcome of the report; nullptr where none may be repaired
    /// One sentence each, for people: what is broken and could be repaired, but not now.
    std::vector<std::string> held_back;
    GuardTime next_try{};  ///< when one of those may be tried; the epoch where none ever may in the current state
};
/// Chooses the root cause first, then other causes of the report, but none that follows from another.
RepairChoice choose_repair(const GuardRecord& record, const GuardSettings& settings, const remediations::Report& report,
                           GuardTime now);

/// Notes an attempt in the record. Call it before the repair, so that a repair that ends this process counts too.
void note_attempt(GuardRecord& record, const remediations::Outcome& outcome, const remediations::Report& report,
                  GuardTime now);

/// Returns the text for the substatus "guard" and `guard status`: "repair, every 1 h. Last look 2026-11-30T19:04:04Z.
/// ...". scripts/fleet-status reads it.
std::string guard_text(const GuardSettings& settings, const GuardRecord& record);

/// Returns the same as a substatus; nullopt where there is no guard.
std::optional<Substatus> guard_substatus(const std::filesystem::path& state_folder);

}  // namespace handler
