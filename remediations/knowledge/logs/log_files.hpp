#pragma once

#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

enum class Compression { none, gzip, unsupported };

/// One file in which lines of a log stand.
struct LogFile {
    Log log;
    machine::Path path;
    machine::FileStatus status;
    Compression compression = Compression::none;
    bool has_host = false;  ///< written by a system logger: LogClock::has_host
    /// What others wrote into it is no part of `log`.
    enum class Lines { all, of_the_kernel, of_the_agent };
    Lines lines = Lines::all;
};

struct LogFiles {
    std::vector<LogFile> files;  ///< of each log, oldest first
    /// Folders that exist but cannot be listed, files that cannot be looked at; symbolic links, which are not followed.
    struct Unreadable {
        Log log;
        machine::Path path;
        machine::Error error;
    };
    std::vector<Unreadable> unreadable;
};

/// Where this machine keeps its logs, rotated and compressed ones too; for an agent without a log of its own, the
/// system log. Rotated files that were written last more than 35 days before the machine was looked at are left out: no
/// backup policy retries that long.
LogFiles find_log_files(const machine::Machine& machine);

/// Whether a file name is `base` or one that log rotation makes of it: base.1, base.2.gz, base-20261101,
/// base-20261101.gz, base.old.
bool is_log_name(std::string_view name, std::string_view base);

}  // namespace remediations
