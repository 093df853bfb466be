#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/log_line.hpp"

namespace remediations {

/// How far the Windows extension came: the last of these that its log shows. A run passes through them in this order.
enum class BackupPhase {
    none,
    configuration,       ///< reads its settings
    visual_cpp_runtime,  ///< looks for, or installs, the Visual C++ 2013 runtime
    services,            ///< waits for VSS, COM+ and MSDTC services to run
    provider,            ///< installs its VSS provider and registers it
    writer_metadata,     ///< GatherWriterMetadata
    snapshot_set,        ///< adds volumes to the snapshot set
    writer_status,       ///< GatherWriterStatus before the backup
    prepare,             ///< PrepareForBackup
    volume_snapshot,     ///< DoSnapshotSet
    backup_complete,     ///< BackupComplete
    host_snapshot,       ///< the host's part of the snapshot ended
    finished,            ///< the whole of it ended
};

/// A mount that could not be opened or frozen.
struct FreezeFailure : LogLine {
    std::string mount;
    std::string reason;  ///< strerror's text, in the system's language; empty where the version logs none
};

/// One run of the backup extension as its log tells it.
struct BackupAttempt {
    std::optional<std::chrono::system_clock::time_point> started;
    std::optional<std::chrono::system_clock::time_point> ended;  ///< of its last line that was understood

    /// nullopt while it runs, or where its log breaks off.
    std::optional<bool> succeeded;
    bool begins_unseen = false;  ///< the lines with which a run begins are not in the log
    /// Linux: the extension's own result code: 0 and 1 are success. 761 is logged as 76; here it is 761 where the log
    /// names it. The word beside it says "success" even for some failures and is not believed.
    std::optional<int> result;
    std::string result_text;  ///< Linux: what stands behind the code; often empty

    /// Linux: the last of the nine steps that was logged ("****** 6."), 0 before the first. Steps 2, 3
    /// and 8 may be written late.
    int last_step = 0;
    BackupPhase phase = BackupPhase::none;  ///< Windows
    /// Linux: who was to take the snapshot: firstHostThenGuest, onlyHost, onlyGuest, firstGuestThenHost; empty where
    /// the version does not log it.
    std::string snapshot_method;
    /// Linux: HTTP status of the host's snapshot service, or what the extension puts in its place: 555 no answer,
    /// 556 the service does not run on the host, 557 an empty answer, 558 an exception.
    std::optional<int> host_pre_snapshot;
    std::optional<int> host_do_snapshot;

    /// The line that best explains a failure: of the errors that can lead to its result, the first of the most
    /// specific kind; the sentence every failure ends with only where there is nothing else. `file` is empty when no
    /// line tells of an error.
    LogLine decisive;
    /// Mounts that could not be opened or frozen; at most 20.
    std::vector<FreezeFailure> freeze_failures;

    /// It has no result and will get none: a later run began, the machine started anew, or no process of it is left.
    bool broke_off = false;

    std::uint64_t begin_position = 0;  ///< where its first line stands among all lines of the log
    std::uint64_t end_position = 0;    ///< where its last line stands among all lines of the log
};

}  // namespace remediations
