#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>
#include <optional>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::unsupported_system {

using machine::Machine;

namespace {

constexpr const char* supported_architectures[] = {"x86_64", "aarch64"};
/// os-release IDs: CoreOS and its successors.
constexpr std::string_view unsupported_distributions[] = {"coreos", "flatcar", "rhcos"};

constexpr std::string_view oldest_windows = "6.1.7601";

/// The support matrix requires 1 GB; a VM of that size shows less.
constexpr std::uint64_t least_memory_kib = std::uint64_t{700} << 10;

std::string os_release_id(const Machine& machine) {
    const auto text = machine.files().read("/etc/os-release");
    if (!text) return {};
    std::vector<std::string> lines;
    boost::split(lines, *text, boost::is_any_of("\n"));
    for (const auto& line : lines) {
        if (line.starts_with("ID=")) {
            return boost::algorithm::trim_copy_if(line.substr(3), boost::is_any_of("\"' "));
        }
    }
    return {};
}

/// Returns MemTotal of /proc/meminfo.
std::optional<std::uint64_t> memory_kib(const Machine& machine) {
    const auto text = machine.files().read("/proc/meminfo");
    constexpr std::string_view key = "MemTotal:";
    const auto start = text ? text->find(key) : std::string::npos;
    if (start == std::string::npos) return std::nullopt;
    const auto digits = boost::algorithm::trim_left_copy(text->substr(start + key.size(), 40));
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || !std::string_view(end).starts_with(" kB")) return std::nullopt;
    return value;
}

/// Returns what makes every backup of this VM fail.
std::vector<Evidence> unsupported(const Machine& machine) {
    std::vector<Evidence> evidence;
    const auto& architecture = machine.facts().architecture;
    if (std::ranges::find(supported_architectures, architecture) == std::end(supported_architectures)) {
        evidence.push_back({"architecture", architecture, "x86_64 or aarch64"});
    }
    if (machine.facts().platform == machine::Platform::windows) {
        const auto& version = machine.facts().os_version;
        if (!version.empty() && compare_versions(version, oldest_windows) < 0) {
            evidence.push_back({"version of Windows", version, "Windows Server 2008 R2 SP1 (6.1.7601) or later"});
        }
        return evidence;
    }
    const auto id = os_release_id(machine);
    if (std::ranges::find(unsupported_distributions, id) != std::end(unsupported_distributions)) {
        evidence.push_back({"/etc/os-release", "ID=" + id, "an endorsed distribution"});
    }
    if (const auto mounts = machine.mounts().list()) {
        const auto root = std::ranges::find(*mounts, "/", &machine::Mount::target);
        if (root != mounts->end() && root->type == "zfs") {
            evidence.push_back({"/", "zfs on " + root->source, "ext4, xfs or btrfs"});
        }
    }
    return evidence;
}

/// Returns violations of the support matrix with which backups can still succeed.
std::vector<Evidence> limited(const Machine& machine) {
    std::vector<Evidence> evidence;
    if (const auto memory = memory_kib(machine); memory && *memory < least_memory_kib) {
        evidence.push_back({"/proc/meminfo", fmt::format("{} MiB of memory", *memory / 1024), "at least 1 GB"});
    }
    return evidence;
}

Finding diagnose(const Machine& machine) {
    const auto& azure = machine.derived<AzureVm>();
    if (!azure.is_one()) {
        return Finding::needs_operator("This machine is not a VM in Azure, so Azure VM backup does not apply to it.",
                                       azure.evidence(),
                                       "Use this tool inside the Azure VM whose backup fails. To back up a machine "
                                       "elsewhere use Azure Backup Server or the MARS agent.");
    }
    if (auto evidence = unsupported(machine); !evidence.empty()) {
        auto finding = Finding::needs_operator(
            "Azure VM backup does not support this system.", std::move(evidence),
            machine.facts().platform == machine::Platform::windows
                ? "Move the workload to a 64-bit Windows Server that Azure Backup supports; or choose an agentless, "
                  "crash-consistent backup policy where that is offered."
                : "Move the workload to a VM with an endorsed 64-bit distribution and ext4, xfs or btrfs as the file "
                  "system of its root; or choose an agentless, crash-consistent backup policy where that is offered.");
        return newest_backup_succeeded(machine) ? std::move(finding).as_risk() : finding;
    }
    if (auto evidence = limited(machine); !evidence.empty() && !newest_backup_succeeded(machine)) {
        return Finding::needs_operator(
                   "The VM has less memory than Azure VM backup asks for.", std::move(evidence),
                   "Choose a VM size with at least 1 GB of memory; move data that must be consistent "
                   "to ext4, xfs or btrfs.")
            .as_risk();
    }
    return Finding::healthy("Azure VM backup supports this kind of system.",
                            {{"architecture", machine.facts().architecture, "x86_64 or aarch64"}});
}

}  // namespace

Remediation remediation() {
    return {
        .id = "unsupported-system",
        .title = "Azure VM backup does not support this system",
        .layer = Layer::managed_disk,
        .scope = Scope::both,
        .error_codes = {"UserErrorUnSupportedDistribution", "UserErrorUnsupportedDiskConfiguration"},
        .disruption = Disruption::none,
        .explanation =
            "Azure VM backup needs a VM in Azure with a 64-bit system, at least 1 GB of memory and a distribution that "
            "Azure endorses; CoreOS and ZFS are not supported. What else is in the VM's way follows from that.",
        .source = "https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas",
        .consequences = {"agent-not-installed", "agent-not-running", "agent-hung", "agent-too-old",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::unsupported_system
