#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <set>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::mounts_to_skip_ineffective {

namespace {

using MountPoints = std::set<std::string>;

/// Removes blanks, quotes and the slash at the end.
std::string plain(std::string_view entry) {
    auto text = boost::algorithm::trim_copy_if(std::string(python_strip(entry)), boost::is_any_of("\"' \t\r\n"));
    while (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
}

/// Returns the mount points that an entry means but does not name exactly; empty where there are none.
std::vector<std::string> meant_by(const std::string& entry, const MountPoints& mount_points) {
    if (mount_points.contains(entry)) return {};
    if (const auto name = plain(entry); mount_points.contains(name)) return {name};
    std::vector<std::string> names;
    boost::algorithm::split(names, entry, boost::is_any_of("; \t\r\n"), boost::token_compress_on);
    std::vector<std::string> meant;
    for (const auto& name : names) {
        if (plain(name).empty()) continue;
        if (!mount_points.contains(plain(name))) return {};
        meant.push_back(plain(name));
    }
    return meant;
}

MountPoints mount_points_of(const std::vector<machine::Mount>& mounts) {
    MountPoints names;
    for (const auto& mount : mounts) names.insert(mount.target);
    return names;
}

std::string corrected(const std::vector<std::string>& entries, const MountPoints& mount_points) {
    std::vector<std::string> result;
    for (const auto& entry : entries) {
        auto names = meant_by(entry, mount_points);
        if (names.empty()) names.push_back(entry);
        for (auto& name : names) {
            if (std::ranges::find(result, name) == result.end()) result.push_back(std::move(name));
        }
    }
    std::erase(result, "");
    return boost::algorithm::join(result, ",");
}

Finding diagnose(const machine::Machine& machine) {
    const auto mounts = machine.mounts().list();
    if (!mounts) return Finding::unknown("the mount table", mounts.error());
    const auto configuration = VmBackupConfiguration::read(machine);
    if (!configuration) return Finding::unknown(VmBackupConfiguration::path, configuration.error());
    const auto entries = configuration->mounts_to_skip();
    if (entries.empty()) return Finding::not_applicable("No mounts are to be left out of the freeze.");
    const auto mount_points = mount_points_of(*mounts);
    const auto where = fmt::format("MountsToSkip in {}", VmBackupConfiguration::path);
    std::vector<Evidence> evidence;
    std::vector<std::string> ineffective;
    bool root_failed = false;
    for (const auto& entry : entries) {
        if (const auto names = meant_by(entry, mount_points); !names.empty()) {
            evidence.push_back({where, fmt::format("\"{}\"", entry), fmt::format("\"{}\"", fmt::join(names, ","))});
            ineffective.push_back(plain(entry));
        } else if (entry == "/") {
            evidence.push_back({where, "\"/\"", "no such entry: the root file system is always frozen"});
            root_failed = std::ranges::any_of(current_mount_failures(machine), [](const auto& failure) {
                return failure.mount_point == "/" && failure.step != MountFailure::Step::thaw;
            });
        } else if (!mount_points.contains(entry)) {
            evidence.push_back({where, fmt::format("\"{}\"", entry), "a mount point; nothing is mounted there now"});
        }
    }
    if (!ineffective.empty()) {
        return weighed_by_last_backup(
            Finding::broken(
                fmt::format("{} is to be left out of the freeze, but is not: entries are compared letter by letter.",
                            fmt::join(ineffective, ", ")),
                std::move(evidence), fmt::format("Write MountsToSkip = {}", corrected(entries, mount_points))),
            machine);
    }
    if (root_failed) {
        return Finding::needs_operator(
            "MountsToSkip names the root file system, which cannot be left out, and its freeze fails.",
            std::move(evidence), "Take / out of MountsToSkip and remove the reason why it cannot be frozen.");
    }
    return Finding::healthy("MountsToSkip names mounts exactly, or mounts that are not there.", std::move(evidence));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto mounts = changes.machine().mounts().list();
    if (!mounts) return mounts.error();
    const auto configuration = VmBackupConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    return set_vmbackup_setting(changes, "MountsToSkip",
                                corrected(configuration->mounts_to_skip(), mount_points_of(*mounts)));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "mounts-to-skip-ineffective",
        .title = "MountsToSkip names mounts in a way that has no effect",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "UserErrorFsFreezeTimeout", "UserErrorUnableToOpenMount", "121",
                        "122", "123"},
        .disruption = Disruption::none,
        .explanation =
            "The extension splits MountsToSkip at commas and compares each piece with a mount point letter by letter: "
            "a blank after a comma, quotes, a slash at the end or another separator make an entry mean nothing, and "
            "the mount is frozen all the same. The root file system cannot be left out. The fix writes the entries "
            "that mean a mount as the extension needs them and keeps the others.",
        .source = "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/fsfreezer.py",
        .consequences = {"freeze-failed", "mounts-listed-twice", "mount-unreachable", "freeze-timeout-too-short"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::mounts_to_skip_ineffective
