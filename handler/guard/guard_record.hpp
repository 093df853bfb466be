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

/// One cause that the guard repaired, and the result.
struct Treatment {
    enum class State {
        waiting,     ///< for a backup that proves it
        proven,      ///< a backup succeeded since
        not_healed,  ///< a backup failed in the same way since; the repair was undone as far as possible
    };
    std::string cause;
    State state = State::waiting;
    std::string run_id;     ///< of the journal; empty where nothing was changed
    GuardTime time{};       ///< of the newest attempt
    unsigned in_a_row = 0;  ///< number of attempts since a backup proved one
    std::string shape;      ///< shape_of() the finding at that time
    std::string failure;    ///< how the newest backup before it failed; empty where none is known to have failed

    friend bool operator==(const Treatment&, const Treatment&) = default;
};

/// The guard's memory of earlier ticks: <state>/guard/record.json. Only ticks that did something write it.
/// Without the file, or with a damaged one, the guard starts from the beginning.
struct GuardRecord {
    machine::local::Computer computer;  ///< at the last look
    GuardTime looked{};                 ///< when it last diagnosed; the epoch where it never did
    std::string seen;                   ///< BackupSigns::fingerprint at that time
    bool look_again = false;            ///< true if something is left that may be tried from `next_try` on
    GuardTime next_try{};
    std::string repairing;          ///< the cause whose repair began and has not ended
    unsigned repairs_in_a_row = 0;  ///< of any cause, since a backup succeeded
    GuardTime last_repair{};
    GuardTime folder_missing_since{};  ///< the epoch while the extension's folder exists
    std::string told;  ///< shape of the last line for console and system log; empty since the agent works again
    std::vector<Treatment> treatments;

    friend bool operator==(const GuardRecord&, const GuardRecord&) = default;

    Treatment* find(const std::string& cause);
    const Treatment* find(const std::string& cause) const;
};

/// The most treatments that are kept; the oldest proven ones are removed first.
inline constexpr std::size_t most_treatments = 64;

std::filesystem::path guard_record_file(const std::filesystem::path& state_folder);
GuardRecord load_guard_record(const std::filesystem::path& state_folder);
machine::Result<void> save_guard_record(const std::filesystem::path& state_folder, GuardRecord record);

}  // namespace handler
