#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// Files that this program writes on the computer it runs on: status, journal, state.

/// Creates or replaces `path` atomically: after a crash at any moment it has either the old or the new content
/// (temporary file in the same folder, sync, rename, sync of the folder). Does not follow a symbolic link at `path`,
/// nor one on the path that somebody else created. Refuses a folder that somebody else owns or may write to.
/// `private_to_owner`: mode 0600, else 0644 (on Windows the folder's ACL decides).
Result<void> write_durably(const std::filesystem::path& path, std::string_view content, bool private_to_owner = true);

/// Does the same for a program that only root or SYSTEM may read and execute. A running instance is not affected.
Result<void> write_program_durably(const std::filesystem::path& path, std::string_view content);

/// Removes what an interrupted write_durably() left in a folder. Nothing may be written there meanwhile.
Result<void> remove_leftovers(const std::filesystem::path& folder);

/// Appends `line`, which must end with a line feed, and syncs before it returns. Creates the file (mode 0600) where it
/// does not exist. First cuts off what a crash left after the last line feed.
Result<void> append_line_durably(const std::filesystem::path& path, std::string_view line);

/// Returns the whole content; ErrorKind::not_found, ErrorKind::too_large above `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{16} << 20);

/// ErrorKind::refused where somebody but root or this user owns the folder or may write to it: who can change the names
/// in it can redirect a file that is opened by name. Windows: the same of everybody but SYSTEM and administrators.
Result<void> check_only_we_write_to(const std::filesystem::path& folder);

/// Keeps the folder open under a path that leads to this same folder while this object lives, even if the original path
/// leads elsewhere meanwhile.
class PinnedFolder {
public:
    /// Linux: checks the folder with check_only_we_write_to(). Windows: the guest agent makes the folders for logs and
    /// events, with an access control list of its own that is not judged here; links in them are not followed.
    static Result<PinnedFolder> open(const std::filesystem::path& folder);
    const std::filesystem::path& path() const { return path_; }

    /// Makes sure that `name` (a file name) can only open a regular file of this user that has no other name. Removes
    /// this name of a link, a FIFO or somebody else's file that was put there before the folder was private. Returns
    /// true if it removed one.
    Result<bool> drop_what_is_not_ours(const std::string& name) const;

private:
    std::filesystem::path path_;
    std::shared_ptr<void> handle_;
};

/// Creates the folder and its parents, accessible only to root, or to SYSTEM and administrators. Refuses a folder that
/// somebody else owns or may write to. Windows: every user may create folders in %ProgramData%, so a folder that
/// somebody else owns was never this program's: it is renamed. Returns its new name, else an empty path.
Result<std::filesystem::path> make_private_folder(const std::filesystem::path& folder);

/// Returns the folder for state that outlives an extension version: /var/lib/backup-remediation, or
/// %ProgramData%\BackupRemediation. BACKUP_REMEDIATION_STATE overrides it only for a process that does not run as root
/// or SYSTEM, so that tests and captures need no privilege.
std::filesystem::path state_folder();

}  // namespace machine::local
