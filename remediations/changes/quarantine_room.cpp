#include "remediations/changes/quarantine_room.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "remediations/machine/mounts.hpp"

namespace remediations {

using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

constexpr std::uint64_t kept_free = 10;  ///< one part in so many of the file system stays free
constexpr int deepest_quarantine = 128;

/// Bytes of all files in a tree.
Result<std::uint64_t> size_of_tree(const Machine& machine, const Path& path, char separator, int depth) {
    if (depth == 0) return machine::Error::too_large(path + " lies too deep");
    const auto status = machine.files().status(path);
    if (!status) return status.error();
    if (status->kind != machine::FileKind::directory) return status->size;
    const auto names = machine.files().list(path);
    if (!names) return names.error();
    std::uint64_t total = 0;
    for (const auto& name : *names) {
        const auto size = size_of_tree(machine, path + separator + name, separator, depth - 1);
        if (!size) return size;
        total += std::min(*size, UINT64_MAX - total);
    }
    return total;
}

}  // namespace

Result<void> check_room_in_quarantine(const Machine& machine, const Path& tree, const Path& folder) {
    const char separator = machine.facts().platform == machine::Platform::windows ? '\\' : '/';
    const auto mounts = machine.mounts().list();
    if (!mounts) return {};
    // Within one file system nothing is copied.
    if (mount_holding(*mounts, tree) == mount_holding(*mounts, folder)) return {};
    const auto space = machine.files().space(folder);
    if (!space) return {};
    const auto size = size_of_tree(machine, tree, separator, deepest_quarantine);
    if (!size) return size.error();
    const auto reserve = space->total_bytes / kept_free;
    if (*size <= space->free_bytes && space->free_bytes - *size >= reserve) return {};
    constexpr unsigned mib = 20;
    return machine::Error::refused(
        fmt::format("{} ({} MiB) is not moved to quarantine: of the {} MiB that are free there, {} MiB (a tenth "
                    "of the file system) stay free",
                    tree, *size >> mib, space->free_bytes >> mib, reserve >> mib));
}

}  // namespace remediations
