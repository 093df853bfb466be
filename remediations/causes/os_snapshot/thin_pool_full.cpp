#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/snapshot/device_mapper.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/thin_pool_status.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::thin_pool_full {

namespace {

constexpr int nearly_full_percent = 95;

bool is_thin_pool(const MappedDevice& device) {
    return device.uuid.ends_with("-tpool") || device.name.ends_with("-pool") || device.name.ends_with("-tpool");
}

Finding diagnose(const machine::Machine& machine) {
    const auto devices = mapped_devices(machine);
    if (!devices) return Finding::unknown("/sys/block", devices.error());
    if (std::ranges::none_of(*devices, is_thin_pool)) return Finding::not_applicable("There is no thin pool.");
    const auto dmsetup = dmsetup_program(machine);
    if (dmsetup.empty()) {
        return Finding::unknown("the thin pools",
                                machine::Error::not_found("dmsetup, which tells how full they are, is not installed"));
    }
    const auto answer =
        machine.processes().query({dmsetup, {"status", "--target", "thin-pool"}, std::chrono::seconds(5)});
    if (!answer) return Finding::unknown(dmsetup + " status", answer.error());
    const auto pools = parse_thin_pool_status(answer->out);
    if (!pools) return Finding::unknown(dmsetup + " status", pools.error());
    std::vector<Evidence> evidence;
    std::string full;
    std::string nearly_full;
    for (const auto& pool : *pools) {
        evidence.push_back(
            {"thin pool " + pool.name,
             fmt::format("data {} %, metadata {} %, {}", pool.data_percent, pool.metadata_percent, pool.mode),
             fmt::format("both below {} %, rw", nearly_full_percent)});
        const bool is_full = pool.data_percent >= 100 || pool.metadata_percent >= 100 || pool.mode != "rw";
        const bool is_nearly = pool.data_percent >= nearly_full_percent || pool.metadata_percent >= nearly_full_percent;
        if (is_full && full.empty()) full = pool.name;
        if (is_nearly && nearly_full.empty()) nearly_full = pool.name;
    }
    constexpr auto extend =
        "Free space in it (fstrim, remove old snapshots), or extend it: `lvextend -L +SIZE VG/POOL`, for its metadata "
        "`lvextend --poolmetadatasize +SIZE VG/POOL`; \"needs_check\" asks for `lvconvert --repair VG/POOL`.";
    if (!full.empty()) {
        return Finding::needs_operator(
            fmt::format("The thin pool {} is full or has stopped: writes to its volumes wait or fail, and so does "
                        "freezing them.",
                        full),
            std::move(evidence), extend);
    }
    if (!nearly_full.empty()) {
        return Finding::needs_operator(fmt::format("The thin pool {} is nearly full.", nearly_full),
                                       std::move(evidence), extend)
            .as_risk();
    }
    return Finding::healthy("The thin pools have space.", std::move(evidence));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "thin-pool-full",
        .title = "A thin pool of LVM is full",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeFailed", "UserErrorFsFreezeTimeout", "121", "122"},
        .explanation =
            "Volumes of a thin pool share its space. When data or metadata of the pool run out, writes wait for a "
            "minute and then fail; the freeze, which first writes out what is in memory, hangs or fails with them.",
        .source = "https://docs.kernel.org/admin-guide/device-mapper/thin-provisioning.html",
        .consequences = {"freeze-failed", "freeze-timeout-too-short", "file-system-errors", "file-system-read-only"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::thin_pool_full
