#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/device_mapper.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::device_mapper_suspended {

namespace {

/// Programs that suspend a device for a moment while they replace its table.
constexpr std::array<std::string_view, 13> tools = {"dmsetup",  "lvm",      "lvcreate", "lvconvert", "lvremove",
                                                    "lvresize", "lvextend", "lvreduce", "lvchange",  "pvmove",
                                                    "vgchange", "dmeventd", "fsadm"};

/// Lists dmeventd only while it blocks, because it always runs.
std::vector<std::string> running_tools(const machine::Machine& machine) {
    std::vector<std::string> running;
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return running;
    for (const auto& process : *processes) {
        if (!process.of_system || std::ranges::find(tools, process.name) == tools.end()) continue;
        if (process.name == "dmeventd" && process.blocked_in.empty()) continue;
        running.push_back(fmt::format("{} (pid {})", process.name, process.pid));
    }
    return running;
}

Finding diagnose(const machine::Machine& machine) {
    const auto devices = mapped_devices(machine);
    if (!devices) return Finding::unknown("/sys/block", devices.error());
    if (devices->empty()) {
        return Finding::not_applicable("There is no device of LVM or another user of the device mapper.");
    }
    std::vector<Evidence> evidence;
    std::vector<std::string> suspended;
    for (const auto& device : *devices) {
        if (!device.suspended) continue;
        evidence.push_back({fmt::format("/sys/block/{}/dm/suspended ({})", device.kernel_name, device.name), "1", "0"});
        suspended.push_back(device.name);
    }
    if (suspended.empty()) {
        return Finding::healthy("No device of the device mapper is suspended.",
                                {{"/sys/block/dm-*/dm/suspended", fmt::format("0 on all {}", devices->size()), "0"}});
    }
    const auto summary =
        fmt::format("{} is suspended: whatever reads or writes there waits, and freezing it never ends.",
                    fmt::join(suspended, ", "));
    if (const auto running = running_tools(machine); !running.empty()) {
        evidence.push_back({"processes", fmt::format("{}", fmt::join(running, ", ")), "none that changes volumes"});
        return Finding::needs_operator(summary, std::move(evidence),
                                       "Let the running change of the volumes end; if it hangs, see `dmsetup info` and "
                                       "`dmesg`, then run the diagnosis again.");
    }
    const auto dmsetup = dmsetup_program(machine);
    if (dmsetup.empty()) {
        return Finding::needs_operator(
            summary, std::move(evidence),
            "Install dmsetup (package dmsetup or device-mapper), then run `dmsetup resume NAME`.");
    }
    auto finding =
        Finding::broken(summary, std::move(evidence),
                        fmt::format("Make sure that nobody is changing these volumes, then run `{} resume {}`.",
                                    dmsetup, suspended.front()));
    finding.subjects = std::move(suspended);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& name : finding.subjects) {
        const auto resumed = changes.run_tool({dmsetup_program(changes.machine()), {"resume", name}},
                                              fmt::format("resume the suspended device {}", name));
        if (!resumed) return resumed.error();
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "device-mapper-suspended",
        .title = "A volume of the device mapper is suspended",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "UserErrorFsFreezeTimeout", "121", "122"},
        .disruption = Disruption::workload,
        .explanation =
            "LVM suspends a volume for a moment while it changes its table. Where the program died in between, the "
            "volume stays suspended: all input and output waits, and so does the freeze. The fix resumes it, with "
            "approval only, because what was being changed may be half done.",
        .source = "https://www.man7.org/linux/man-pages/man8/dmsetup.8.html",
        .consequences = {"freeze-failed", "freeze-timeout-too-short", "mount-unreachable", "file-system-frozen"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::device_mapper_suspended
