#include "remediations/knowledge/agent/system_access.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace remediations {

using machine::AccessEntry;
using machine::AccessType;
using machine::Error;
using machine::ErrorKind;
using machine::Result;
using machine::SecurityDescriptor;

namespace {

constexpr auto everyone_sid = "S-1-1-0";
/// Groups in the token of a service that runs as SYSTEM.
constexpr const char* sids_of_system[] = {system_sid, administrators_sid, everyone_sid,
                                          "S-1-5-11", "S-1-5-6",          "S-1-2-0"};

constexpr std::uint32_t generic_all = 0x10000000;
constexpr std::uint32_t generic_execute = 0x20000000;
constexpr std::uint32_t generic_write = 0x40000000;
constexpr std::uint32_t generic_read = 0x80000000;
/// READ_CONTROL and WRITE_DAC.
constexpr std::uint32_t rights_of_owner = 0x00060000;

std::uint32_t resolved(std::uint32_t mask) {
    auto rights = mask & machine::file_all_access;
    if (mask & generic_all) rights |= machine::file_all_access;
    if (mask & generic_read) rights |= machine::file_read;
    if (mask & generic_write) rights |= machine::file_write;
    if (mask & generic_execute) rights |= machine::file_execute;
    return rights;
}

bool concerns_system(const AccessEntry& entry) {
    return (entry.flags & machine::for_inheritors_only) == 0 &&
           std::ranges::find(sids_of_system, entry.sid) != std::end(sids_of_system);
}

/// The text of a descriptor in pieces. The entries have the same number and order as the parser's.
struct Pieces {
    std::string before;  ///< "O:SYG:SYD:PAI"
    std::vector<std::string> entries;
};

Pieces pieces_of(const std::string& sddl) {
    Pieces pieces;
    const auto list = sddl.find("D:");
    if (list == std::string::npos) return {sddl, {}};
    // An empty list ends where the audit list begins.
    auto at = std::min({sddl.find('(', list), sddl.find("S:", list + 2), sddl.size()});
    pieces.before = sddl.substr(0, at);
    while (at < sddl.size() && sddl[at] == '(') {
        const auto start = at;
        for (int depth = 0; at < sddl.size();) {
            if (sddl[at] == '(') ++depth;
            if (sddl[at] == ')') --depth;
            ++at;
            if (depth == 0) break;
        }
        pieces.entries.push_back(sddl.substr(start, at - start));
    }
    return pieces;
}

}  // namespace

std::uint32_t rights_of_system(const SecurityDescriptor& descriptor) {
    if (!descriptor.has_access_list) return machine::file_all_access;
    std::uint32_t allowed = 0;
    std::uint32_t denied = 0;
    for (const auto& entry : descriptor.entries) {
        if (!concerns_system(entry)) continue;
        // The first entry that speaks of a right decides.
        if (entry.type == AccessType::allow) allowed |= resolved(entry.mask) & ~denied;
        if (entry.type == AccessType::deny) denied |= resolved(entry.mask) & ~allowed;
    }
    const bool is_owner = descriptor.owner == system_sid || descriptor.owner == administrators_sid;
    return allowed | (is_owner ? rights_of_owner : 0);
}

Result<std::string> with_full_control_for_system(const std::string& sddl, bool inherit) {
    const auto descriptor = machine::parse_security_descriptor(sddl);
    if (!descriptor) return descriptor.error();
    const auto pieces = pieces_of(sddl);
    if (!descriptor->has_access_list || pieces.entries.size() != descriptor->entries.size()) {
        return machine::Error::invalid("the security descriptor has no list of entries that could be added to");
    }
    std::vector<std::string> entries;
    const auto added = fmt::format("(A;{};FA;;;SY)", inherit ? "OICI" : "");
    bool is_added = false;
    for (std::size_t index = 0; index < pieces.entries.size(); ++index) {
        const auto& entry = descriptor->entries[index];
        if (entry.type == AccessType::deny && concerns_system(entry)) continue;
        // Windows wants denials first, and what is inherited last.
        if (!is_added && entry.type != AccessType::deny) {
            entries.push_back(added);
            is_added = true;
        }
        entries.push_back(pieces.entries[index]);
    }
    if (!is_added) entries.push_back(added);
    return fmt::format("{}{}", pieces.before, fmt::join(entries, ""));
}

Result<FolderAccess> folder_access(const machine::Machine& machine, const std::vector<machine::Path>& folders,
                                   std::uint32_t needed, const std::string& expected) {
    FolderAccess access;
    for (const auto& folder : folders) {
        const auto unseen = [&](const Error& error) {
            return Error{error.kind, fmt::format("{}: {}", folder, error.message), error.code};
        };
        const auto sddl = machine.files().security(folder);
        if (!sddl && sddl.error().kind == ErrorKind::not_found) continue;
        if (!sddl) return unseen(sddl.error());
        const auto descriptor = machine::parse_security_descriptor(*sddl);
        if (!descriptor) return unseen(descriptor.error());
        access.evidence.push_back({folder, *sddl, expected});
        if ((rights_of_system(*descriptor) & needed) != needed) access.closed.push_back(folder);
    }
    return access;
}

Result<void> open_to_system(const std::vector<machine::Path>& folders, bool inherit, Changes& changes) {
    for (const auto& folder : folders) {
        const auto sddl = changes.machine().files().security(folder);
        if (!sddl) return sddl.error();
        const auto wanted = with_full_control_for_system(*sddl, inherit);
        if (!wanted) return wanted.error();
        if (auto set = changes.set_security(folder, *wanted); !set) return set;
    }
    return {};
}

}  // namespace remediations
