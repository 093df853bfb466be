#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "remediations/os_snapshot/freeze_failures.hpp"
#include "remediations/os_snapshot/pressure.hpp"
#include "remediations/remediation.hpp"

namespace remediations {

namespace {

constexpr double high_pressure = 10;      ///< percent of the last minute in which all tasks waited
constexpr std::uint64_t low_percent = 5;  ///< of all memory
constexpr std::uint64_t low_kib = 256 * 1024;

constexpr auto killed = "Out of memory: Kill";
constexpr auto killed_in_group = "Memory cgroup out of memory: Kill";

/// Agent and extension are Python; safefreeze is the extension's helper.
constexpr std::array<std::string_view, 3> of_backup = {"(python", "(waagent)", "(safefreeze)"};

/// "MemAvailable:    123 kB"
std::optional<std::uint64_t> kib_of(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == std::string_view::npos || (at != 0 && text[at - 1] != '\n')) return std::nullopt;
    auto rest = text.substr(at + name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
}

Finding diagnose(const machine::Machine& machine) {
    const auto text = machine.files().read("/proc/meminfo");
    if (!text && text.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The kernel does not tell its memory.");
    }
    if (!text) return Finding::unknown("/proc/meminfo", text.error());
    const auto total = kib_of(*text, "MemTotal");
    const auto available = kib_of(*text, "MemAvailable");
    std::vector<Evidence> evidence;
    bool is_low = false;
    if (total && available) {  // MemAvailable is there since Linux 3.14
        const auto limit = std::min(*total / 100 * low_percent, low_kib);
        is_low = *available < limit;
        evidence.push_back({"/proc/meminfo", fmt::format("{} of {} MiB available", *available / 1024, *total / 1024),
                            fmt::format("at least {} MiB", limit / 1024)});
    }
    if (const auto pressure = pressure_of(machine, "memory")) {
        is_low = is_low || pressure->full >= high_pressure;
        evidence.push_back({"/proc/pressure/memory", fmt::format("{:.0f} % of the last minute", pressure->full),
                            fmt::format("below {:.0f} %", high_pressure)});
    }
    const auto* failed = last_failed_backup(machine);
    bool hit_backup = false;
    for (const auto* pattern : {killed, killed_in_group}) {
        const auto* match = machine.derived<LogEvidence>().find_current(Log::kernel, pattern);
        if (match == nullptr) continue;
        evidence.push_back(match->newest.evidence("no process killed for want of memory"));
        is_low = true;
        const bool is_ours = std::ranges::any_of(
            of_backup, [&](auto name) { return match->newest.text.find(name) != std::string::npos; });
        hit_backup = hit_backup || (is_ours && failed != nullptr && belongs_to(match->newest, *failed));
    }
    if (!is_low) return Finding::healthy("There is enough memory.", std::move(evidence));
    auto finding =
        Finding::needs_operator(hit_backup ? "The kernel killed a process of the backup, because memory ran out."
                                           : "Memory runs or ran out on this VM.",
                                std::move(evidence),
                                "Find what uses the memory (`ps aux --sort=-rss`), move the backup to another time, "
                                "add swap, or give the VM more "
                                "memory.");
    return hit_backup ? finding : std::move(finding).as_risk();
}

}  // namespace

extern const Remediation memory_pressure{
    .id = "memory-pressure",
    .title = "Memory runs out",
    .layer = Layer::os_snapshot,
    .scope = Scope::linux,
    .error_codes = {"ExtensionFailedOutOfMemoryError", "VMRestorePointClientError", "UserErrorFsFreezeTimeout",
                    "GuestAgentSnapshotTaskStatusError"},
    .explanation =
        "Where memory runs out, the kernel ends processes, those of agent and extension among them, or everything "
        "waits for "
        "swap. It is a cause where the kernel ended one of them during the last backup; otherwise a risk.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
    .log_lines = {{Log::kernel, killed}, {Log::kernel, killed_in_group}},
    .testimonies = {{.line = {Log::agent, "Cannot allocate memory"}},
                    {.line = {Log::extension, "Cannot allocate memory"}},
                    {.line = {Log::commands, "MemoryError"}},
                    {.line = {Log::kernel, killed}, .with = "python", .heals_unsaid = true},
                    {.line = {Log::kernel, killed}, .with = "safefreeze", .heals_unsaid = true}},
    .consequences = {"extension-error", "freeze-timeout-too-short"},
    .diagnose = diagnose,
};

}  // namespace remediations
