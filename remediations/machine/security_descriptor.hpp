#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// AceFlags of winnt.h.
inline constexpr std::uint8_t inherited_by_files = 0x01;
inline constexpr std::uint8_t inherited_by_folders = 0x02;
inline constexpr std::uint8_t inherited_once = 0x04;       ///< children inherit it, grandchildren do not
inline constexpr std::uint8_t for_inheritors_only = 0x08;  ///< no effect on the object itself
inline constexpr std::uint8_t inherited = 0x10;            ///< inherited from the parent folder

/// Access masks of winnt.h for files.
inline constexpr std::uint32_t file_all_access = 0x001F01FF;
inline constexpr std::uint32_t file_read = 0x00120089;
inline constexpr std::uint32_t file_write = 0x00120116;
inline constexpr std::uint32_t file_execute = 0x001200A0;

enum class AccessType { allow, deny, other };  ///< other: conditional, or for one kind of object

struct AccessEntry {
    AccessType type = AccessType::allow;
    std::uint8_t flags = 0;  ///< AceFlags, as above
    std::uint32_t mask = 0;  ///< generic rights are kept as they are
    std::string sid;         ///< "S-1-5-18"; two letters where the SID depends on the domain: "DA", "LA"

    friend bool operator==(const AccessEntry&, const AccessEntry&) = default;
};

struct SecurityDescriptor {
    std::string owner;  ///< as in AccessEntry::sid; empty where the text has none
    std::string group;
    bool is_protected = false;     ///< it inherits nothing from the parent folder
    bool has_access_list = false;  ///< without a list, or with a null list, everybody has full access
    std::vector<AccessEntry> entries;

    friend bool operator==(const SecurityDescriptor&, const SecurityDescriptor&) = default;
};

/// Parses a security descriptor in SDDL. Ignores the audit list (S:), which is the last part. ErrorKind::invalid says
/// at which character it expected what; too_large above 1 MiB.
Result<SecurityDescriptor> parse_security_descriptor(std::string_view sddl);

/// Returns true if two descriptors of a file mean the same. The texts may differ: Windows does not return the text that
/// it was given.
bool same_file_security(const SecurityDescriptor& one, const SecurityDescriptor& other);

}  // namespace machine
