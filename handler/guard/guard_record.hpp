#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "remediations/machine/local/computer.hpp"
#include "remediations/machine/result.hpp"

namespace handler {

using GuardTime = std::chrono::system_clock::time_point;

/// One cause that the guard repaired, and what became of that.
struct Treatment {
    enum class State {
        waiting,     ///< for the next backup to prove it
        proven,      ///< a backup succeeded since
        not_healed,  ///< a backup failed the same way since; the repair was taken back as far as that goes
    };
    std::string cause;
    State state = State::waiting;
    std::string run_id;     ///< of the journal; empty where nothing was changed
    GuardTime time{};       ///< of the newest attempt
    unsigned in_a_row = 0;  ///< attempts since a backup proved one
    std::string shape;      ///< of what was seen then: shape_of()
    std::string failure;    ///< how the newest backup before it ended; empty where none is known to have failed

    friend bool operator==(const Treatment&, const Treatment&) = default;
};

/// What the guard knows from its earlier ticks: <state>/guard/record.json. Only ticks write it, and only those that did
/// something. No file, or a damaged one: the guard starts afresh.
struct GuardRecord {
    machine::local::Computer computer;  ///< at the last look
    GuardTime looked{};                 ///< when it last diagnosed; the epoch where it never did
    std::string seen;                   ///< BackupSigns::fingerprint of then
    bool look_again = false;            ///< something was left that may be tried from `next_try` on
    GuardTime next_try{};
    std::string repairing;          ///< the cause whose repair began and has not come to its end
    unsigned repairs_in_a_row = 0;  ///< of whatever cause, since a backup succeeded
    GuardTime last_repair{};
    GuardTime folder_missing_since{};  ///< the epoch while the extension's folder is there
    std::string told;  ///< shape of the last line for console and system log; empty since the agent is back
    std::vector<Treatment> treatments;

    friend bool operator==(const GuardRecord&, const GuardRecord&) = default;

    Treatment* find(const std::string& cause);
    const Treatment* find(const std::string& cause) const;
};

/// Of treatments; the oldest proven ones go first.
inline constexpr std::size_t most_treatments = 64;

std::filesystem::path guard_record_file(const std::filesystem::path& state_folder);
GuardRecord load_guard_record(const std::filesystem::path& state_folder);
machine::Result<void> save_guard_record(const std::filesystem::path& state_folder, GuardRecord record);

}  // namespace handler
