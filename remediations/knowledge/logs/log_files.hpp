#pragma once

#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

enum class Compression { none, gzip, unsupported };

/// A file with lines of a log.
struct LogFile {
    Log log;
    machine::Path path;
    machine::FileStatus status;
    Compression compression = Compression::none;
    bool has_host = false;  ///< a system logger writes it: LogClock::has_host
    /// The lines of the file that belong to `log`. Those that others wrote into it do not.
    enum class Lines { all, of_the_kernel, of_the_agent };
    Lines lines = Lines::all;
};

struct LogFiles {
    std::vector<LogFile> files;  ///< for each log, oldest first
    /// Folders that exist but cannot be listed, files that cannot be read, and symbolic links, which are not followed.
    struct Unreadable {
        Log log;
        machine::Path path;
        machine::Error error;
    };
    std::vector<Unreadable> unreadable;
};

/// Returns the files of this machine's logs, rotated and compressed ones too; for an agent without a log of its own,
/// the system log. Leaves out rotated files whose last change is more than 35 days before the time of the machine,
/// because no backup policy retries for so long.
LogFiles find_log_files(const machine::Machine& machine);

/// Returns true if a file name is `base`, or a name that log rotation makes of it: base.1, base.2.gz, base-20261101,
/// base-20261101.gz, base.old.
bool is_log_name(std::string_view name, std::string_view base);

}  // namespace remediations
