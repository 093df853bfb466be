#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "handler/agent/environment.hpp"
#include "handler/agent/lock.hpp"
#include "handler/report/status.hpp"

namespace handler {

/// running:  begun; without a live process it was cut short.
/// finished: the run ended; its status is final.
/// rejected: the settings were wrong. They are read again at each enable, because what was missing (a certificate, a
///           newer version of this program) may have arrived since.
enum class SequenceState { running, finished, rejected };

/// The state of the settings that were last enabled.
struct SequenceRecord {
    std::uint64_t number = 0;
    SequenceState state = SequenceState::running;
    unsigned attempts = 1;    ///< number of times that the run was begun
    std::string run_id;       ///< of the journal; empty where nothing was changed
    std::string finished;     ///< UTC; empty while running
    std::string status_text;  ///< of the status file; empty while running

    friend bool operator==(const SequenceRecord&, const SequenceRecord&) = default;
};

/// Returns the path of the only store: sequence.json in the handler's own folder, so that a new installation begins
/// without one; `update` carries it to the next version. A sequence number names settings and does not order them,
/// because the agent does not promise that numbers grow. So the number in the store has the state that the store says;
/// any other number, higher or lower, is new.
std::filesystem::path sequence_file(const std::filesystem::path& handler_folder);

/// Returns nullopt where there is no store. ErrorKind::invalid where it is damaged. This program only replaces it as a
/// whole, so somebody else damaged it; the caller then runs again.
machine::Result<std::optional<SequenceRecord>> load_sequence(const std::filesystem::path& handler_folder);

/// Takes the lock. Hold it to read and then write the store.
machine::Result<FileLock> lock_sequence(const std::filesystem::path& handler_folder);
std::filesystem::path sequence_lock_file(const std::filesystem::path& handler_folder);
machine::Result<void> save_sequence(const std::filesystem::path& handler_folder, const SequenceRecord& record,
                                    const FileLock& sequence_lock);

std::filesystem::path status_file(const Environment& environment, std::uint64_t number);
/// Writes the status file. Creates the status folder where it is missing, but never the handler's folder: a folder that
/// the agent or an administrator removed must not come back incomplete.
machine::Result<void> write_status(const Environment& environment, std::uint64_t number, const std::string& text);

/// Ends a sequence: writes first the store, which is the truth, then the status file. If other settings were enabled
/// meanwhile, the store belongs to them, and only the status file is written.
machine::Result<void> conclude(const Environment& environment, std::uint64_t number, SequenceState state,
                               const std::string& run_id, const std::string& status_text,
                               const FileLock& sequence_lock);

/// Writes the status in the store to the status file, if that is missing or different.
machine::Result<void> restore_status(const Environment& environment, const SequenceRecord& record);

}  // namespace handler
