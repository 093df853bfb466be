#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "remediations/changes/changes.hpp"
#include "remediations/machine/security_descriptor.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

inline constexpr auto system_sid = "S-1-5-18";              ///< the account that guest agent and extensions run as
inline constexpr auto administrators_sid = "S-1-5-32-544";  ///< of which SYSTEM is a member

/// What a process of SYSTEM may do with a file or folder: through entries for itself and for the groups it belongs to
/// (Administrators, Everyone, Authenticated Users, services), and as owner. Rights of machine/security_descriptor.hpp;
/// generic ones are resolved. Conditional entries do not count.
std::uint32_t rights_of_system(const machine::SecurityDescriptor& descriptor);

/// The descriptor with full control for SYSTEM added, for this object alone or, with `inherit`, for all below it.
/// Denials that take from SYSTEM are left out; everything else stays, the audit list apart. ErrorKind::invalid where
/// `sddl` is no security descriptor.
machine::Result<std::string> with_full_control_for_system(const std::string& sddl, bool inherit);

/// What SYSTEM may do with some folders; those that do not exist are left out.
struct FolderAccess {
    std::vector<Evidence> evidence;     ///< one for each folder
    std::vector<machine::Path> closed;  ///< those in which it lacks a right
};

/// `needed` are the rights it wants, `expected` says so for the evidence. The error's message names the folder.
machine::Result<FolderAccess> folder_access(const machine::Machine& machine, const std::vector<machine::Path>& folders,
                                            std::uint32_t needed, const std::string& expected);

/// Gives SYSTEM full control of each folder, as with_full_control_for_system does.
machine::Result<void> open_to_system(const std::vector<machine::Path>& folders, bool inherit, Changes& changes);

}  // namespace remediations
