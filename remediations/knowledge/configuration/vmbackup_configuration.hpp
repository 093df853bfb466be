#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/changes/changes.hpp"
#include "remediations/formats/python_configuration.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// /etc/azure/vmbackup.conf, the only file of settings that the Linux backup extension reads
/// (Utils/HandlerUtil.py, get_value_from_configfile). What it cannot read it ignores without a word.
class VmBackupConfiguration {
public:
    static constexpr auto path = "/etc/azure/vmbackup.conf";
    static constexpr auto section = "SnapshotThread";

    /// ErrorKind::not_found is an empty configuration: the extension has no such file of its own.
    static machine::Result<VmBackupConfiguration> read(const machine::Machine& machine);
    /// Of the file's bytes; nullopt where there is no file.
    explicit VmBackupConfiguration(const std::optional<std::string>& bytes);

    bool exists() const { return exists_; }
    /// Whether Python opens and parses the file; true where there is none.
    bool is_readable() const;
    const TextEncoding& encoding() const { return encoding_; }
    /// Of the text as far as it could be decoded.
    const PythonConfiguration& python() const { return python_; }
    /// In UTF-8 with LF; empty where it could not be decoded.
    const std::string& text() const { return text_; }

    /// Of section [SnapshotThread]; a missing or empty one gives `otherwise`.
    std::string text_of(std::string_view key, const std::string& otherwise) const;
    /// What Python's int() does not understand gives `otherwise`, as in the extension.
    long integer_of(std::string_view key, long otherwise) const;
    /// MountsToSkip split at commas, not trimmed: the extension compares each piece with a mount point.
    std::vector<std::string> mounts_to_skip() const;
    bool skips(std::string_view mount_point) const;

    /// The file's text with `key` of [SnapshotThread] set; everything else stays as it is.
    std::string with_setting(std::string_view key, const std::string& value) const;

private:
    bool exists_;
    TextEncoding encoding_;
    std::string text_;
    PythonConfiguration python_;
};

/// Sets a key of [SnapshotThread]; fails where the file is one that the extension cannot read.
machine::Result<void> set_vmbackup_setting(Changes& changes, std::string_view key, const std::string& value);

/// Adds mount points to MountsToSkip and keeps those that are there. ErrorKind::invalid for a mount
/// point with a comma, which the list cannot express.
machine::Result<void> skip_mounts(Changes& changes, const std::vector<std::string>& mount_points);

/// What Python's int() makes of a text.
std::optional<long> python_integer(std::string_view text);

}  // namespace remediations
