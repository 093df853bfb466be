#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "remediations/changes/changes.hpp"
#include "remediations/machine/security_descriptor.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

inline constexpr auto system_sid = "S-1-5-18";              ///< the account of the guest agent and the extensions
inline constexpr auto administrators_sid = "S-1-5-32-544";  ///< a group that SYSTEM is a member of

/// Returns the access rights of a process of SYSTEM to a file or folder: from entries for itself and for its groups
/// (Administrators, Everyone, Authenticated Users, services), and as owner. They are masks of
/// machine/security_descriptor.hpp; generic rights are resolved. Conditional entries do not count.
std::uint32_t rights_of_system(const machine::SecurityDescriptor& descriptor);

/// Returns the descriptor with full control for SYSTEM added: for this object, or with `inherit` also for everything
/// below it. Removes the denials that apply to SYSTEM; keeps everything else except the audit list. ErrorKind::invalid
/// where `sddl` is not a security descriptor.
machine::Result<std::string> with_full_control_for_system(const std::string& sddl, bool inherit);

/// The access of SYSTEM to some folders. Folders that do not exist are left out.
struct FolderAccess {
    std::vector<Evidence> evidence;     ///< one for each folder
    std::vector<machine::Path> closed;  ///< folders in which SYSTEM lacks a needed right
};

/// `needed` is the mask of needed rights; `expected` describes them in the evidence. The error's message names the
/// folder.
machine::Result<FolderAccess> folder_access(const machine::Machine& machine, const std::vector<machine::Path>& folders,
                                            std::uint32_t needed, const std::string& expected);

/// Gives SYSTEM full control of each folder with with_full_control_for_system().
machine::Result<void> open_to_system(const std::vector<machine::Path>& folders, bool inherit, Changes& changes);

}  // namespace remediations
