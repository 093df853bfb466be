#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "handler/agent/environment.hpp"
#include "handler/agent/lock.hpp"
#include "handler/report/status.hpp"

namespace handler {

/// running:  begun, and without a live process cut short.
/// finished: the run ended; its status is final.
/// rejected: the settings were no good; they are read again at each enable, because what was
///           missing (a certificate, a newer version of this program) may have come since.
enum class SequenceState { running, finished, rejected };

/// What is known about the settings that were last enabled.
struct SequenceRecord {
    std::uint64_t number = 0;
    SequenceState state = SequenceState::running;
    unsigned attempts = 1;    ///< how often it was begun
    std::string run_id;       ///< of the journal, where anything was changed
    std::string finished;     ///< UTC; empty while running
    std::string status_text;  ///< of the status file; empty while running

    friend bool operator==(const SequenceRecord&, const SequenceRecord&) = default;
};

/// The one store: sequence.json in the handler's own folder, so that a fresh installation is fresh;
/// `update` carries it to the next version. The one rule: a sequence number names settings and does
/// not order them (the agent does not promise that numbers rise). The number in the store is
/// finished, running or rejected as the store says; any other number, higher or lower, is new.
std::filesystem::path sequence_file(const std::filesystem::path& handler_folder);

/// Nothing when there is none. ErrorKind::invalid when it is damaged; as it is only ever replaced
/// whole, that is somebody else's doing, and the answer to it is to run again.
machine::Result<std::optional<SequenceRecord>> load_sequence(const std::filesystem::path& handler_folder);

/// Whoever reads and then writes the store holds this.
machine::Result<FileLock> lock_sequence(const std::filesystem::path& handler_folder);
std::filesystem::path sequence_lock_file(const std::filesystem::path& handler_folder);
machine::Result<void> save_sequence(const std::filesystem::path& handler_folder, const SequenceRecord& record,
                                    const FileLock& sequence_lock);

std::filesystem::path status_file(const Environment& environment, std::uint64_t number);
/// Creates the status folder where it is missing, but never the handler's folder: a folder that the
/// agent or an administrator has removed must not come back half.
machine::Result<void> write_status(const Environment& environment, std::uint64_t number, const std::string& text);

/// Ends a sequence: first the store, which is the truth, then the status file. When other settings
/// were enabled meanwhile the store is theirs, and only the status file is written.
machine::Result<void> conclude(const Environment& environment, std::uint64_t number, SequenceState state,
                               const std::string& run_id, const std::string& status_text,
                               const FileLock& sequence_lock);

/// Puts the status of the store back where its file is missing or says something else.
machine::Result<void> restore_status(const Environment& environment, const SequenceRecord& record);

}  // namespace handler
