#include "remediations/knowledge/snapshot/freeze_rehearsal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::FreezeReport;
using machine::FreezeTrial;
using machine::Machine;
using machine::Mount;
using machine::Result;

namespace {

using Outcome = RehearsedMount::Outcome;

/// The extension's wait before it begins, in seconds (fsfreezer.py).
constexpr long sleep_before_freeze = 3;

struct Planned {
    RehearsedMount mount;
    std::string device;
};

FreezeRehearsal could_not(std::string summary, std::string action) {
    return {State::unknown, std::move(summary), std::move(action), {}};
}

/// Returns why nothing may be frozen now; the summary is empty where freezing is allowed.
FreezeRehearsal refusal(const Machine& machine, const machine::Freezer& freezer) {
    const auto backup = running_backup_processes(machine);
    if (!backup) return could_not("Whether a backup runs could not be seen: " + backup.error().message, "");
    if (!backup->empty()) {
        return could_not(fmt::format("A backup may be running: {}", fmt::join(*backup, ", ")),
                         "Rehearse again when the backup has ended.");
    }
    const auto listeners = freezer.permission_listeners();
    if (!listeners) {
        return could_not(
            "Whether a process decides about access to files could not be seen: " + listeners.error().message, "");
    }
    if (listeners->empty()) return {};
    std::vector<std::string> names;
    for (const auto& process : *listeners) names.push_back(fmt::format("{} (pid {})", process.name, process.pid));
    return could_not(
        fmt::format("The kernel asks {} before a file may be opened (fanotify); a freeze can hang while it waits for a "
                    "file system that is frozen",
                    fmt::join(names, ", ")),
        fmt::format("Stop {} for the time of the rehearsal. If backups hang, exclude the backup extension's folder "
                    "under /var/lib/waagent from its watch.",
                    fmt::join(names, ", ")));
}

Planned planned(const Mount& mount, const std::string& mount_point) {
    Planned plan;
    plan.mount.mount_point = mount_point;
    plan.mount.source = mount.source;
    plan.mount.type = mount.type;
    plan.mount.outcome = Outcome::unknown;
    plan.device = mount.device;
    return plan;
}

void leave_out(Planned& plan, std::string reason) {
    plan.mount.outcome = Outcome::left_out;
    plan.mount.reason = std::move(reason);
}

/// Sorts like the extension: newest mount first, and / last.
void put_in_order(std::vector<Planned>& plan) {
    std::ranges::reverse(plan);
    std::stable_partition(plan.begin(), plan.end(), [](const auto& one) { return one.mount.mount_point != "/"; });
}

std::vector<Planned> what_the_extension_freezes(const std::vector<FreezeTarget>& targets) {
    std::vector<Planned> plan;
    for (const auto& target : targets) {
        plan.push_back(planned(target.mount, target.mount_point));
        if (target.skipped && target.mount_point != "/") {
            leave_out(plan.back(), "named in MountsToSkip");
        } else if (target.hidden_by) {
            leave_out(plan.back(), fmt::format("a mount on {} hides it", target.hidden_by->target));
        }
    }
    return plan;
}

Result<std::vector<Planned>> what_was_asked_for(const std::vector<machine::Path>& mount_points,
                                                const std::vector<Mount>& mounts) {
    std::vector<std::pair<std::size_t, Planned>> chosen;
    for (auto mount_point : mount_points) {
        while (mount_point.size() > 1 && mount_point.ends_with('/')) mount_point.pop_back();
        const auto found = std::find_if(mounts.rbegin(), mounts.rend(),
                                        [&](const auto& mount) { return mount.target == mount_point; });
        if (found == mounts.rend()) {
            return machine::Error::invalid(fmt::format("{} is not a mount point", mount_point));
        }
        chosen.emplace_back(mounts.rend() - found, planned(*found, mount_point));
    }
    std::ranges::stable_sort(chosen, {}, [](const auto& one) { return one.first; });
    std::vector<Planned> plan;
    for (auto& one : chosen) plan.push_back(std::move(one.second));
    return plan;
}

/// Keeps one freeze for each file system, through the mount point that comes first.
void leave_out_repetitions(std::vector<Planned>& plan) {
    std::map<std::string, std::string> frozen_through;
    for (auto& one : plan) {
        if (one.mount.outcome == Outcome::left_out) continue;
        const auto [first, is_new] = frozen_through.emplace(one.device, one.mount.mount_point);
        if (!is_new) leave_out(one, fmt::format("the same file system as {}", first->second));
    }
}

Result<void> leave_out_system(std::vector<Planned>& plan, const RehearsalOptions& options,
                              const machine::Freezer& freezer) {
    std::map<std::string, std::string> path_on_device;
    std::vector<machine::Path> paths = {"/"};
    paths.insert(paths.end(), options.system_paths.begin(), options.system_paths.end());
    for (const auto& path : paths) {
        const auto device = freezer.device_holding(path);
        if (!device) return device.error();
        path_on_device.emplace(*device, path);
    }
    for (auto& one : plan) {
        const auto found = path_on_device.find(one.device);
        if (one.mount.outcome == Outcome::left_out || found == path_on_device.end()) continue;
        leave_out(one, fmt::format("it holds {}, and only --include-system (rehearsalIncludesSystem) freezes that",
                                   found->second));
    }
    return {};
}

/// Returns MountsToSkip with one more mount point, without blanks, because the extension compares each piece exactly.
std::string skip_advice(const VmBackupConfiguration& configuration, const machine::Path& mount_point) {
    if (mount_point == "/") return "The extension cannot leave out /.";
    auto list = configuration.text_of("MountsToSkip", "");
    if (!list.empty()) list += ',';
    return fmt::format("To back up without freezing it, set MountsToSkip = {}{} in [{}] of {}.", list, mount_point,
                       VmBackupConfiguration::section, VmBackupConfiguration::path);
}

void judge(RehearsedMount& mount, const FreezeTrial& trial, const VmBackupConfiguration& configuration) {
    mount.sync = trial.sync;
    mount.freezing = trial.freezing;
    mount.frozen = trial.frozen;
    if (trial.outcome) {
        mount.outcome = Outcome::freezable;
        return;
    }
    const auto& error = trial.outcome.error();
    mount.reason = error.message;
    mount.outcome = Outcome::not_freezable;
    if (trial.still_frozen) {
        mount.action = fmt::format("Thaw it now: fsfreeze --unfreeze {}; if that fails: echo j > /proc/sysrq-trigger.",
                                   mount.mount_point);
        return;
    }
    switch (error.kind) {
        case ErrorKind::refused:
            mount.action = fmt::format(
                "Find out what keeps it frozen (another backup or snapshot program); if nothing does: fsfreeze "
                "--unfreeze {}.",
                mount.mount_point);
            break;
        case ErrorKind::timed_out:
            mount.outcome = Outcome::unknown;
            mount.action =
                fmt::format("Look for a slow or dead disk below {} (dmesg), and rehearse again.", mount.mount_point);
            break;
        case ErrorKind::access_denied:
            mount.outcome = Outcome::unknown;
            mount.action = "Rehearse as root, outside of a container.";
            break;
        default:
            mount.action = skip_advice(configuration, mount.mount_point);
    }
}

double seconds(std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
}

std::string in_ms(std::chrono::microseconds time) {
    return fmt::format("{:.1f} ms", seconds(time) * 1000);
}

std::size_t count(const FreezeRehearsal& rehearsal, Outcome outcome) {
    return static_cast<std::size_t>(std::ranges::count(rehearsal.mounts, outcome, &RehearsedMount::outcome));
}

std::string file_systems(std::size_t number) {
    return number == 1 ? "1 file system" : fmt::format("{} file systems", number);
}

std::string names(const FreezeRehearsal& rehearsal, Outcome outcome) {
    std::vector<std::string> mount_points;
    for (const auto& mount : rehearsal.mounts) {
        if (mount.outcome == outcome) mount_points.push_back(mount.mount_point);
    }
    return fmt::format("{}", fmt::join(mount_points, ", "));
}

/// Returns the expected time of the extension's own freeze, which does not write the dirty data before.
std::chrono::microseconds expected_freeze(const FreezeRehearsal& rehearsal) {
    std::chrono::microseconds time{};
    for (const auto& mount : rehearsal.mounts) time += mount.sync + mount.freezing;
    return time;
}

/// Returns advice where the extension would give up before everything is frozen (result code 122); else an empty text.
std::string too_slow(const FreezeRehearsal& rehearsal, const VmBackupConfiguration& configuration) {
    const auto wait = configuration.integer_of("SafeFreezeWaitInSeconds", default_freeze_wait);
    const auto waited = wait - wait % 2;  // it looks every two seconds
    const auto needed = sleep_before_freeze + seconds(expected_freeze(rehearsal));
    if (needed < static_cast<double>(waited)) return {};
    const auto enough = std::max(2 * static_cast<long>(needed + 1), default_freeze_wait);
    return fmt::format(
        "Set SafeFreezeWaitInSeconds = {} and timeout = {} in [{}] of {}: the freeze took {:.0f} s, "
        "mostly to write out what was dirty, and the backup extension waits {} s for it.",
        enough, std::max(enough, configuration.integer_of("timeout", default_freeze_timeout)),
        VmBackupConfiguration::section, VmBackupConfiguration::path, seconds(expected_freeze(rehearsal)), waited);
}

void conclude(FreezeRehearsal& rehearsal, const FreezeReport& report, const VmBackupConfiguration& configuration) {
    const auto freezable = count(rehearsal, Outcome::freezable);
    const auto not_freezable = count(rehearsal, Outcome::not_freezable);
    std::vector<std::string> said;
    std::vector<std::string> actions;
    if (not_freezable != 0) {
        said.push_back(fmt::format("{} cannot be frozen ({})", file_systems(not_freezable),
                                   names(rehearsal, Outcome::not_freezable)));
    }
    if (freezable != 0) {
        const auto longest = std::ranges::max(rehearsal.mounts, {}, &RehearsedMount::frozen).frozen;
        said.push_back(fmt::format("{} {} frozen and thawed, for {} at most", file_systems(freezable),
                                   freezable == 1 ? "was" : "were", in_ms(longest)));
    }
    if (count(rehearsal, Outcome::unknown) != 0) {
        said.push_back(fmt::format("not tried: {}", names(rehearsal, Outcome::unknown)));
    }
    if (count(rehearsal, Outcome::left_out) != 0) {
        said.push_back(fmt::format("left out: {}", names(rehearsal, Outcome::left_out)));
    }
    if (!report.cut_short.empty()) said.push_back(report.cut_short);
    if (report.last_resort) said.emplace_back("a thaw failed, so the kernel was asked to thaw everything (SysRq j)");
    for (const auto& mount : rehearsal.mounts) {
        if (!mount.action.empty()) actions.push_back(mount.action);
    }
    const auto slow = too_slow(rehearsal, configuration);
    if (!slow.empty()) actions.push_back(slow);

    rehearsal.summary = fmt::format("{}", fmt::join(said, "; "));
    rehearsal.action = fmt::format("{}", fmt::join(actions, " "));
    if (not_freezable != 0 || !slow.empty()) {
        rehearsal.state = State::needs_operator;
    } else if (count(rehearsal, Outcome::unknown) != 0 || freezable == 0 || !report.cut_short.empty()) {
        rehearsal.state = State::unknown;
    } else {
        rehearsal.state = State::healthy;
    }
}

}  // namespace

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::freezable:
            return "freezable";
        case Outcome::not_freezable:
            return "not-freezable";
        case Outcome::unknown:
            return "unknown";
        case Outcome::left_out:
            return "left-out";
    }
    return "";
}

Result<FreezeRehearsal> rehearse_freeze(const RehearsalOptions& options, const Machine& machine,
                                        machine::Freezer& freezer) {
    if (machine.facts().platform == machine::Platform::windows) {
        return FreezeRehearsal{
            State::not_applicable, "On Windows a backup does not freeze file systems; VSS does.", "", {}};
    }
    const auto mounts = machine.mounts().list();
    if (!mounts) return could_not("The mounts could not be seen: " + mounts.error().message, "");
    const auto configuration = VmBackupConfiguration::read(machine);
    if (!configuration) {
        return could_not(
            fmt::format("{} could not be read: {}", VmBackupConfiguration::path, configuration.error().message), "");
    }
    auto plan = what_was_asked_for(options.mount_points, *mounts);
    if (!plan) return plan.error();
    if (options.mount_points.empty()) {
        plan = what_the_extension_freezes(
            freeze_targets(*mounts, *configuration, machine.derived<ResourceDisk>().device()));
    }
    if (plan->empty()) {
        return FreezeRehearsal{State::not_applicable,
                               "There is no file system that a backup would freeze (ext3, ext4, xfs or btrfs on a disk "
                               "of its own).",
                               "",
                               {}};
    }
    put_in_order(*plan);
    leave_out_repetitions(*plan);
    if (!options.include_system) {
        if (const auto seen = leave_out_system(*plan, options, freezer); !seen) {
            return could_not("Which file systems hold the system could not be seen: " + seen.error().message, "");
        }
    }

    FreezeRehearsal rehearsal;
    std::vector<machine::FreezeTarget> targets;
    for (const auto& one : *plan) {
        rehearsal.mounts.push_back(one.mount);
        if (one.mount.outcome != Outcome::left_out) targets.push_back({one.mount.mount_point, one.device});
    }
    if (targets.empty()) {
        rehearsal.summary = "Nothing was rehearsed: all that a backup would freeze is left out";
        rehearsal.action =
            "To freeze the file systems that hold the system too, for some milliseconds, use --include-system "
            "(rehearsalIncludesSystem).";
        return rehearsal;
    }
    // First the lock, so that a backup that starts now waits for us.
    const auto lock = freezer.lock(freeze_lock_file);
    if (!lock) {
        const bool held = lock.error().kind == ErrorKind::refused;
        return could_not(held ? "Another program freezes file systems now: " + lock.error().message
                              : "The freezers' lock could not be taken: " + lock.error().message,
                         held ? "Rehearse again when it has ended." : "");
    }
    if (auto refused = refusal(machine, freezer); !refused.summary.empty()) {
        refused.mounts = std::move(rehearsal.mounts);
        return refused;
    }
    const auto report = freezer.freeze_and_thaw(targets, options.limits);
    if (!report) return could_not("Nothing was frozen: " + report.error().message, "");
    auto trial = report->trials.begin();
    for (auto& mount : rehearsal.mounts) {
        if (mount.outcome != Outcome::left_out && trial != report->trials.end()) judge(mount, *trial++, *configuration);
    }
    conclude(rehearsal, *report, *configuration);
    return rehearsal;
}

std::string end_abandoned_rehearsal(machine::Freezer& freezer) {
    const auto thawed = freezer.thaw_abandoned();
    if (!thawed) {
        return fmt::format("A rehearsal was ended by force and may have left a file system frozen: {}.",
                           thawed.error().message);
    }
    if (thawed->empty()) return {};
    return fmt::format("A rehearsal that was ended by force had left {} frozen: thawed now.", fmt::join(*thawed, ", "));
}

}  // namespace remediations
