#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>

#include "remediations/knowledge/snapshot/device_mapper.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::file_system_errors {

namespace {

constexpr auto ext4_error = "EXT4-fs error (device ";
constexpr std::array xfs_shutdown_lines = {"Filesystem has been shut down", "Shutting down filesystem",
                                           "rectify the problem(s)"};
constexpr auto xfs_damage = "Metadata corruption detected at";
constexpr auto needs_cleaning = "Structure needs cleaning";
constexpr auto btrfs_error = "BTRFS error (device ";
constexpr auto btrfs_critical = "BTRFS critical (device ";

struct Damage {
    std::vector<Evidence> evidence;
    std::vector<std::string> mount_points;
    bool stops_the_freeze = false;
};

std::uint64_t number_in(const machine::Machine& machine, const machine::Path& file) {
    const auto text = machine.files().read(file);
    if (!text) return 0;
    std::uint64_t value = 0;
    std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

/// "sdc1" in "XFS (sdc1): ..." and "BTRFS error (device sdc1): ..."
std::string device_in(const std::string& line) {
    const auto open = line.find('(');
    const auto end = line.find_first_of(":)", open);
    if (open == std::string::npos || end == std::string::npos) return {};
    const auto word = line.substr(open + 1, end - open - 1);
    constexpr std::string_view label = "device ";
    return boost::algorithm::trim_copy(word.starts_with(label) ? word.substr(label.size()) : word);
}

class Examination {
public:
    Examination(const machine::Machine& machine, const std::vector<machine::Mount>& mounts,
                const std::vector<MappedDevice>& devices)
        : machine_(machine), mounts_(mounts), devices_(devices) {
        for (const auto& failure : current_mount_failures(machine)) {
            if (failure.reason == "Input/output error" || failure.reason == needs_cleaning) {
                failed_.push_back(failure);
            }
        }
    }

    Damage result() {
        look_at_ext4();
        look_at_xfs();
        look_at_btrfs();
        return std::move(damage_);
    }

private:
    const machine::Mount* mount_of(const std::string& kernel_name) const {
        const auto mount = std::ranges::find_if(mounts_, [&](const auto& one) {
            return is_freezable(one.type) && kernel_name_of(one, devices_) == kernel_name;
        });
        return mount == mounts_.end() ? nullptr : &*mount;
    }

    void add(const std::string& mount_point, Evidence evidence, bool stops_the_freeze) {
        damage_.evidence.push_back(std::move(evidence));
        if (std::ranges::find(damage_.mount_points, mount_point) == damage_.mount_points.end()) {
            damage_.mount_points.push_back(mount_point);
        }
        for (const auto& failure : failed_) {
            if (failure.mount_point != mount_point) continue;
            damage_.evidence.push_back(failure.line.evidence("frozen"));
            stops_the_freeze = true;
        }
        damage_.stops_the_freeze = damage_.stops_the_freeze || stops_the_freeze;
    }

    /// Reads the counter in the superblock, which the kernel keeps until the file system is checked.
    void look_at_ext4() {
        const auto names = machine_.files().list("/sys/fs/ext4");
        if (!names) return;
        for (const auto& name : *names) {
            const auto file = fmt::format("/sys/fs/ext4/{}/errors_count", name);
            const auto count = number_in(machine_, file);
            if (count == 0) continue;
            const auto* mount = mount_of(name);
            const auto last = number_in(machine_, fmt::format("/sys/fs/ext4/{}/last_error_time", name));
            auto seen = std::to_string(count);
            if (last != 0) {
                seen += fmt::format(", the last on {:%Y-%m-%d %H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(last)));
            }
            add(mount ? mount->target : "/dev/" + name, {file, std::move(seen), "0"}, false);
        }
        const auto* line = machine_.derived<LogEvidence>().find_current(Log::kernel, ext4_error);
        if (line != nullptr && !damage_.mount_points.empty()) {
            damage_.evidence.push_back(line->newest.evidence("no such line"));
        }
    }

    /// Checks for a shutdown: XFS then answers every access with an error until it is unmounted.
    void look_at_xfs() {
        for (const auto* text : xfs_shutdown_lines) {
            const auto* line = machine_.derived<LogEvidence>().find_current(Log::kernel, text);
            const auto* mount = line ? mount_of(device_in(line->newest.text)) : nullptr;
            if (mount == nullptr || mount->type != "xfs" || machine_.files().list(mount->target)) continue;
            add(mount->target, line->newest.evidence("no such line, and " + mount->target + " can be read"), true);
        }
        const auto* damaged = machine_.derived<LogEvidence>().find_current(Log::kernel, xfs_damage);
        const auto* mount = damaged ? mount_of(device_in(damaged->newest.text)) : nullptr;
        if (mount != nullptr) add(mount->target, damaged->newest.evidence("no such line"), false);
    }

    void look_at_btrfs() {
        const auto file_systems = machine_.files().list("/sys/fs/btrfs");
        if (!file_systems) return;
        for (const auto& uuid : *file_systems) {
            const auto folder = "/sys/fs/btrfs/" + uuid + "/devinfo";
            const auto devices = machine_.files().list(folder);
            if (!devices) continue;
            for (const auto& device : *devices) {
                const auto file = folder + "/" + device + "/error_stats";
                const auto text = machine_.files().read(file);
                if (!text || text->find_first_of("123456789") == std::string::npos) continue;
                auto seen = boost::algorithm::trim_copy(*text);
                std::ranges::replace(seen, '\n', ',');
                add(mount_point_of_btrfs(uuid), {file, std::move(seen), "0 everywhere"}, false);
            }
        }
        if (damage_.mount_points.empty()) return;
        for (const auto* text : {btrfs_critical, btrfs_error}) {
            const auto* line = machine_.derived<LogEvidence>().find_current(Log::kernel, text);
            const auto* mount = line ? mount_of(device_in(line->newest.text)) : nullptr;
            if (mount != nullptr) damage_.evidence.push_back(line->newest.evidence("no such line"));
        }
    }

    std::string mount_point_of_btrfs(const std::string& uuid) const {
        const auto devices = machine_.files().list("/sys/fs/btrfs/" + uuid + "/devices");
        if (devices) {
            for (const auto& device : *devices) {
                if (const auto* mount = mount_of(device)) return mount->target;
            }
        }
        return "btrfs " + uuid;
    }

    const machine::Machine& machine_;
    const std::vector<machine::Mount>& mounts_;
    const std::vector<MappedDevice>& devices_;
    std::vector<MountFailure> failed_;
    Damage damage_;
};

/// EUCLEAN: only a damaged file system returns this error.
Finding damaged_by_its_own_word(const machine::Machine& machine, Finding otherwise) {
    for (const auto& failure : current_mount_failures(machine)) {
        if (failure.reason != needs_cleaning) continue;
        return Finding::needs_operator(
            fmt::format("The file system of {} is damaged, and freezing it fails.", failure.mount_point),
            {failure.line.evidence("frozen")},
            fmt::format(
                "Have it checked: `findmnt {0}` names its device; unmount it, then `e2fsck -f DEVICE` (ext4) or "
                "`xfs_repair DEVICE` (xfs); for the root file system from a rescue VM. Look for disk errors in "
                "`dmesg` first.",
                failure.mount_point));
    }
    return otherwise;
}

Finding diagnose(const machine::Machine& machine) {
    const auto mounts = machine.mounts().list();
    if (!mounts) return damaged_by_its_own_word(machine, Finding::unknown("the mount table", mounts.error()));
    const auto devices = mapped_devices(machine);
    if (!devices) return Finding::unknown("/sys/block", devices.error());
    auto damage = Examination(machine, *mounts, *devices).result();
    if (damage.mount_points.empty()) {
        return damaged_by_its_own_word(machine, Finding::healthy("No file system has recorded an error."));
    }
    const auto names = fmt::format("{}", fmt::join(damage.mount_points, ", "));
    const auto action = fmt::format(
        "Have {} checked at the next occasion: unmount it, then `e2fsck -f DEVICE` (ext4), `xfs_repair DEVICE` (xfs) "
        "or `btrfs scrub start {}` (btrfs, mounted); for the root file system from a rescue VM. Look for disk errors "
        "in `dmesg` first.",
        names, damage.mount_points.front());
    if (damage.stops_the_freeze) {
        return Finding::needs_operator(fmt::format("The file system of {} is damaged, and freezing it fails.", names),
                                       std::move(damage.evidence), action);
    }
    return Finding::needs_operator(fmt::format("The file system of {} has recorded errors.", names),
                                   std::move(damage.evidence), action)
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "file-system-errors",
        .title = "A file system is damaged",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "UserErrorUnableToOpenMount", "121", "123"},
        .explanation =
            "ext4 and btrfs count the errors they met; xfs shuts itself down when it meets one it cannot get over, and "
            "then nothing on it can be opened, let alone frozen. Only a check of the unmounted file system heals it, "
            "so this says where and leaves the rest to a person.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = {judged(Log::kernel, btrfs_error),
                    judged(Log::kernel, btrfs_critical),
                    {.role = Role::proof, .line = {Log::kernel, xfs_shutdown_lines[0]}, .heals_unsaid = true},
                    {.role = Role::proof, .line = {Log::kernel, xfs_shutdown_lines[1]}, .heals_unsaid = true},
                    {.role = Role::proof, .line = {Log::kernel, xfs_shutdown_lines[2]}, .heals_unsaid = true},
                    {.role = Role::proof, .line = {Log::kernel, xfs_damage}, .heals_unsaid = true},
                    {.role = Role::proof, .line = {Log::kernel, ext4_error}, .heals_unsaid = true}},
        .consequences = {"file-system-read-only", "mount-unreachable", "freeze-failed"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::file_system_errors
