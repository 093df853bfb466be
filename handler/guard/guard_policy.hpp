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

/// The guard's decisions, without a machine: what a tick may do, given what the earlier ones noted.

inline constexpr std::chrono::minutes settles_after_boot{15};
inline constexpr std::chrono::hours between_attempts{24};  ///< at one cause
inline constexpr unsigned most_attempts_in_a_row = 3;
inline constexpr std::chrono::minutes clock_tolerance{10};

/// The record as it counts today: a new one for another computer, or where there is none. Where the clock was set, all
/// its times become `now`: what it counts stays, what it waits for begins anew.
GuardRecord record_for_today(GuardRecord record, const machine::local::Computer& computer, GuardTime now);

/// Why a diagnosis is due, to follow "because"; nothing where nothing happened since the last one.
std::optional<std::string> reason_to_look(const GuardRecord& record, const remediations::BackupSigns& signs,
                                          GuardTime now);

/// The same for texts, and findings, that differ in numbers (times, process ids) alone; short.
std::string shape_of(std::string_view text);
std::string shape_of(const remediations::Finding& finding);
/// How the newest backup that ended did fail, "result 121"; empty where it succeeded, or none is known.
std::string failure_in(const remediations::Report& report);

/// What the backups since a repair say of it.
struct Verdict {
    std::string cause;
    Treatment::State state = Treatment::State::proven;  ///< proven or not_healed
    std::string run_id;
    std::string backup;  ///< "the backup of 2026-11-30T19:04:04Z"
};
/// Of each repair that waits for one; notes them in the record. What still waits has no verdict: no backup ended since,
/// or one failed of something else.
std::vector<Verdict> judge_treatments(GuardRecord& record, const remediations::Report& report);

/// What may be repaired now, and what may not.
struct RepairChoice {
    const remediations::Outcome* outcome = nullptr;  ///< of the report; nullptr where nothing may be
    /// For people, a sentence each: what is broken and could be repaired, but not now.
    std::vector<std::string> held_back;
    GuardTime next_try{};  ///< when one of those may be tried; the epoch where none may ever be as it is now
};
/// The root cause first; then the others that the report has as causes, but none that follows from another.
RepairChoice choose_repair(const GuardRecord& record, const GuardSettings& settings, const remediations::Report& report,
                           GuardTime now);

/// Before the repair, so that one that ends this process counts too.
void note_attempt(GuardRecord& record, const remediations::Outcome& outcome, const remediations::Report& report,
                  GuardTime now);

/// For the substatus "guard" and `guard status`: "repair, every 1 h. Last look 2026-11-30T19:04:04Z. ...".
/// scripts/fleet-status reads it.
std::string guard_text(const GuardSettings& settings, const GuardRecord& record);

/// The same as the status shows it; nothing where there is no guard.
std::optional<Substatus> guard_substatus(const std::filesystem::path& state_folder);

}  // namespace handler
