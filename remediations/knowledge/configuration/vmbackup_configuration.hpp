#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/changes/changes.hpp"
#include "remediations/formats/python_configuration.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// /etc/azure/vmbackup.conf, the only settings file that the Linux backup extension reads (Utils/HandlerUtil.py,
/// get_value_from_configfile). The extension ignores a file that it cannot read, without a message.
class VmBackupConfiguration {
public:
    static constexpr auto path = "/etc/azure/vmbackup.conf";
    static constexpr auto section = "SnapshotThread";

    /// Returns an empty configuration where there is no file: the extension brings none.
    static machine::Result<VmBackupConfiguration> read(const machine::Machine& machine);
    /// Parses the file's bytes; nullopt where there is no file.
    explicit VmBackupConfiguration(const std::optional<std::string>& bytes);

    bool exists() const { return exists_; }
    /// Returns true if Python can open and parse the file, or if there is none.
    bool is_readable() const;
    const TextEncoding& encoding() const { return encoding_; }
    /// Returns the parsed text, as far as it could be decoded.
    const PythonConfiguration& python() const { return python_; }
    /// Returns the text in UTF-8 with LF; empty where it could not be decoded.
    const std::string& text() const { return text_; }

    /// Returns a value of section [SnapshotThread]; `otherwise` where it is missing or empty.
    std::string text_of(std::string_view key, const std::string& otherwise) const;
    /// Returns `otherwise` also for a text that Python's int() does not accept, as the extension does.
    long integer_of(std::string_view key, long otherwise) const;
    /// Returns MountsToSkip split at commas and not trimmed, because the extension compares each piece with a mount
    /// point.
    std::vector<std::string> mounts_to_skip() const;
    bool skips(std::string_view mount_point) const;

    /// Returns the file's text with `key` of [SnapshotThread] set; everything else stays the same.
    std::string with_setting(std::string_view key, const std::string& value) const;

private:
    bool exists_;
    TextEncoding encoding_;
    std::string text_;
    PythonConfiguration python_;
};

/// Sets a key of [SnapshotThread]. Fails where the extension could not read the file.
machine::Result<void> set_vmbackup_setting(Changes& changes, std::string_view key, const std::string& value);

/// Adds mount points to MountsToSkip and keeps the existing ones. ErrorKind::invalid for a mount point with a comma,
/// which the list cannot contain.
machine::Result<void> skip_mounts(Changes& changes, const std::vector<std::string>& mount_points);

/// Returns the number that Python's int() makes of a text; nullopt where it accepts none.
std::optional<long> python_integer(std::string_view text);

}  // namespace remediations
