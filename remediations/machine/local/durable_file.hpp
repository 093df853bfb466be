#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// What this program writes on the computer it runs on: status, journal, state.

/// Creates or replaces `path` so that after a crash at any moment either the old or the new
/// content is there, whole: temporary file in the same folder, sync, rename, sync of the folder.
/// Never follows a symbolic link at `path`, nor one on the way to it that somebody else made; refuses a folder that
/// somebody else owns or may write to. `private_to_owner`: mode 0600, else 0644 (on Windows
/// the folder's ACL decides).
Result<void> write_durably(const std::filesystem::path& path, std::string_view content, bool private_to_owner = true);

/// The same for a program that only root or SYSTEM may read and run; one that runs meanwhile goes on as it is.
Result<void> write_program_durably(const std::filesystem::path& path, std::string_view content);

/// Removes what write_durably left in a folder when a crash cut it short. Nothing may be written there meanwhile.
Result<void> remove_leftovers(const std::filesystem::path& folder);

/// Appends `line`, which ends with a line feed, and syncs before it returns; creates the file (mode 0600)
/// where it is absent. What a crash left behind the last line feed is cut off first.
Result<void> append_line_durably(const std::filesystem::path& path, std::string_view line);

/// Whole content; ErrorKind::not_found, ErrorKind::too_large above `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{16} << 20);

/// Error refused where somebody who is neither root nor we owns the folder or may write to it: whoever can change
/// its names can lead a file that is opened by name elsewhere. (On Windows the agent's folders' ACLs see to that.)
Result<void> check_only_we_write_to(const std::filesystem::path& folder);

/// The same folder under a name that leads to it whatever its path leads to meanwhile, as long as this lives.
class PinnedFolder {
public:
    /// Checks it as check_only_we_write_to does.
    static Result<PinnedFolder> open(const std::filesystem::path& folder);
    const std::filesystem::path& path() const { return path_; }

    /// Makes sure that nothing but a regular file of ours, with no other name, can be opened as `name` (a file name):
    /// a link, FIFO or other's file that was put there before the folder was ours alone loses that name. True where
    /// there was one.
    Result<bool> drop_what_is_not_ours(const std::string& name) const;

private:
    std::filesystem::path path_;
    std::shared_ptr<void> handle_;
};

/// Creates the folder and its parents, open to root or SYSTEM and administrators only.
/// Refuses a folder that somebody else owns or may write to. Windows, where every user may create folders in
/// %ProgramData%: one that somebody else owns was never ours; it gets another name, which is returned.
Result<std::filesystem::path> make_private_folder(const std::filesystem::path& folder);

/// Where state outlives an extension version: /var/lib/backup-remediation, or
/// %ProgramData%\BackupRemediation. BACKUP_REMEDIATION_STATE overrides it only for a process that
/// does not run as root or SYSTEM, so that tests and captures need no privilege.
std::filesystem::path state_folder();

}  // namespace machine::local
