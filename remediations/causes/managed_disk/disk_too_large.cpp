#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "remediations/knowledge/network/azure_disks.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::disk_too_large {

namespace {

// The support matrix for Azure VM backup; pages that say 1, 4 or 32 TB are older.
constexpr std::uint64_t largest_disk_gib = std::uint64_t{64} << 10;
constexpr std::uint64_t largest_sum_gib = std::uint64_t{512} << 10;
constexpr std::size_t most_data_disks = 32;

Finding diagnose(const machine::Machine& machine) {
    const auto& vm = machine.derived<InstanceMetadata>().description();
    if (!vm) return disks_not_known(machine);
    std::vector<Evidence> evidence;
    std::uint64_t sum = 0;
    for (const auto& disk : vm->disks()) {
        sum += disk.size_gib;
        if (disk.size_gib <= largest_disk_gib) continue;
        evidence.push_back(
            {disk.described(), fmt::format("{} GiB", disk.size_gib), fmt::format("at most {} GiB", largest_disk_gib)});
    }
    if (sum > largest_sum_gib) {
        evidence.push_back(
            {metadata_source, fmt::format("{} GiB in all disks", sum), fmt::format("at most {} GiB", largest_sum_gib)});
    }
    if (vm->data_disks.size() > most_data_disks) {
        evidence.push_back({metadata_source, fmt::format("{} data disks", vm->data_disks.size()),
                            fmt::format("at most {}", most_data_disks)});
    }
    if (evidence.empty()) {
        return Finding::healthy(fmt::format(
            "Sizes and number of the disks are supported: {} data disks, {} GiB in all.", vm->data_disks.size(), sum));
    }
    return risk_where_backups_succeed(
        machine,
        Finding::needs_operator(
            "The disks are more, or larger, than Azure VM backup supports.", std::move(evidence),
            "Exclude the disk from the backup (selective disk backup in the backup policy's VM settings, or az "
            "backup protection update-for-vm --disk-list-setting exclude), or spread its data over smaller "
            "disks, or over several VMs."));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "disk-too-large",
        .title = "The VM's disks are more or larger than Azure Backup supports",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorUnsupportedDiskSize", "UserErrorBCMUnsupportedDiskCount"},
        .disruption = Disruption::none,
        .explanation =
            "Azure VM backup supports disks up to 64 TB, 512 TB in all, and 32 data disks. Older pages, and the text "
            "of the error, name lower limits. Excluded disks do not count.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .instructions =
            "See which disk the job's details name. Exclude it from the backup (selective disk backup), or spread its "
            "data over smaller disks. Disks with Azure Disk Encryption have a lower limit than others.",
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::disk_too_large
