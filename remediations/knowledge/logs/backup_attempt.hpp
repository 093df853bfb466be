#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/log_line.hpp"

namespace remediations {

/// The steps of the Windows extension in their order. An attempt holds the last one that its log shows.
enum class BackupPhase {
    none,
    configuration,       ///< it reads its settings
    visual_cpp_runtime,  ///< it looks for, or installs, the Visual C++ 2013 runtime
    services,            ///< it waits until the services of VSS, COM+ and MSDTC run
    provider,            ///< it installs and registers its VSS provider
    writer_metadata,     ///< GatherWriterMetadata
    snapshot_set,        ///< it adds volumes to the snapshot set
    writer_status,       ///< GatherWriterStatus before the backup
    prepare,             ///< PrepareForBackup
    volume_snapshot,     ///< DoSnapshotSet
    backup_complete,     ///< BackupComplete
    host_snapshot,       ///< the host's part of the snapshot has ended
    finished,            ///< the whole run has ended
};

/// A mount that could not be opened or frozen.
struct FreezeFailure : LogLine {
    std::string mount;
    std::string reason;  ///< strerror's text, in the system's language; empty where the version logs none
};

/// One run of the backup extension, from its log.
struct BackupAttempt {
    std::optional<std::chrono::system_clock::time_point> started;
    std::optional<std::chrono::system_clock::time_point> ended;  ///< time of its last line that was understood

    /// nullopt while it runs, or where its log breaks off.
    std::optional<bool> succeeded;
    bool begins_unseen = false;  ///< the first lines of the run are not in the log
    /// Linux: the extension's result code: 0 and 1 are success. 761 is logged as 76; this is 761 where the log names
    /// it. The word beside the code is ignored, because it is "success" even for some failures.
    std::optional<int> result;
    std::string result_text;  ///< Linux: the text after the code; often empty

    /// Linux: the number of the last of the nine logged steps ("****** 6."); 0 before the first. Steps 2, 3 and 8 may
    /// be logged late.
    int last_step = 0;
    BackupPhase phase = BackupPhase::none;  ///< Windows
    /// Linux: who takes the snapshot: firstHostThenGuest, onlyHost, onlyGuest, firstGuestThenHost; empty where the
    /// version does not log it.
    std::string snapshot_method;
    /// Linux: the HTTP status of the host's snapshot service, or the extension's own code instead: 555 no answer, 556
    /// the service does not run on the host, 557 an empty answer, 558 an exception.
    std::optional<int> host_pre_snapshot;
    std::optional<int> host_do_snapshot;

    /// The line that explains a failure best: of the errors that can lead to its result, the first of the most specific
    /// kind. The sentence at the end of every failed run is taken only where there is nothing else. `file` is empty
    /// where no line reports an error.
    LogLine decisive;
    /// Mounts that could not be opened or frozen; at most 20.
    std::vector<FreezeFailure> freeze_failures;

    /// True if it has no result and will get none: a later run began, the machine was restarted, or no process of it is
    /// left.
    bool broke_off = false;

    std::uint64_t begin_position = 0;  ///< place of its first line among all lines of the log
    std::uint64_t end_position = 0;    ///< place of its last line among all lines of the log
};

}  // namespace remediations
