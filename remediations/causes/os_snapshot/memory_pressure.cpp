#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>
#include <charconv>

#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/pressure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::memory_pressure {

namespace {

constexpr double high_pressure = 10;      ///< percent of the last minute in which all tasks waited
constexpr std::uint64_t low_percent = 5;  ///< of all memory
constexpr std::uint64_t low_kib = std::uint64_t{256} << 10;

constexpr auto killed = "Out of memory: Kill";
constexpr auto killed_in_group = "Memory cgroup out of memory: Kill";

/// The name of .NET's exception.
constexpr auto out_of_memory = "System.OutOfMemoryException";
constexpr std::uint32_t no_memory = 0x8007000E;  // E_OUTOFMEMORY

/// Agent and extension run in Python; safefreeze is the extension's helper.
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

/// The event that Windows is low on virtual memory; it names the programs that use most.
EventPattern exhausted() {
    return {"System", "Microsoft-Windows-Resource-Exhaustion-Detector", {2004}};
}

/// Returns the kinds of memory that are nearly used up, as evidence; empty where there are none, or Windows does not
/// report it.
machine::Result<std::vector<Evidence>> low_memory(const machine::Machine& machine) {
    struct Kind {
        const char* free;
        const char* all;
        const char* name;
    };
    // In KiB. Virtual is what Windows can promise: memory and page files.
    constexpr Kind kinds[] = {{"FreePhysicalMemory", "TotalVisibleMemorySize", "memory"},
                              {"FreeVirtualMemory", "TotalVirtualMemorySize", "memory and page files"}};
    constexpr std::uint64_t least_percent = 10;  // Azure Backup's documentation expects failures above 90 % in use
    const auto answer = machine.wmi().query(R"(root\cimv2)",
                                            "SELECT FreePhysicalMemory, TotalVisibleMemorySize, FreeVirtualMemory, "
                                            "TotalVirtualMemorySize FROM Win32_OperatingSystem");
    std::vector<Evidence> evidence;
    if (!answer) return answer.error();
    if (answer->empty()) return evidence;
    for (const auto& kind : kinds) {
        const auto free = machine::number_property(answer->front(), kind.free);
        const auto all = machine::number_property(answer->front(), kind.all);
        if (!free || !all || *free >= *all / 100 * least_percent) continue;
        evidence.push_back({kind.name, fmt::format("{} of {} MiB free", *free / 1024, *all / 1024),
                            fmt::format("at least {} %", least_percent)});
    }
    return evidence;
}

Finding diagnose_windows(const machine::Machine& machine, const Question& question) {
    constexpr auto advice =
        "Find what uses the memory (Task Manager, Details), move the backup to another time, enlarge the page file, or "
        "give the VM more memory.";
    const auto& last = machine.derived<LastRun>();
    const auto& text = last.failure_text();
    if (last.is_failure() && (boost::contains(text, out_of_memory) || names_code(text, no_memory))) {
        return Finding::needs_operator("Memory ran out in the last backup.", last.evidence(), advice);
    }
    const auto* event = newest_current(machine, exhausted());
    if (event == nullptr && backups_are_in_question(machine, question)) {
        auto low = low_memory(machine);
        if (!low) return Finding::unknown("the free memory", low.error());
        if (!low->empty()) {
            return Finding::needs_operator("Little memory is left on this VM.", std::move(*low), advice).as_risk();
        }
    }
    if (event == nullptr) return Finding::healthy("Windows did not run out of memory since the last good backup.");
    auto finding = Finding::needs_operator("Memory ran out on this VM.", {evidence_of(*event, "enough memory")},
                                           std::string("The event names the largest programs. ") + advice);
    return machine.derived<LastRun>().is_failure() ? finding : std::move(finding).as_risk();
}

/// Returns what shows that the agent does not run since the kernel killed it; nullopt where it ended otherwise.
std::optional<Evidence> end_of_agent(const machine::Machine& machine) {
    const auto& service = agent_service_of(machine);
    if (!service || service->state == machine::ServiceState::running) return std::nullopt;
    const auto lines = newest_journal_lines(machine, service->name);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        if (line->find("Failed with result 'oom-kill'") != std::string::npos) {
            return Evidence{"journal of " + service->name, *line, "an agent that runs"};
        }
        const bool is_of_later = line->find("Failed with result") != std::string::npos ||
                                 line->starts_with("Started ") || line->starts_with("Stopped ");
        if (is_of_later) return std::nullopt;
    }
    return std::nullopt;
}

Finding diagnose(const machine::Machine& machine, const Question& question) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_windows(machine, question);
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
    auto end = end_of_agent(machine);
    const bool hit_agent = end.has_value();
    if (end) evidence.push_back(std::move(*end));
    for (const auto* pattern : {killed, killed_in_group}) {
        const auto* match = machine.derived<LogEvidence>().find_current(Log::kernel, pattern);
        if (match == nullptr) continue;
        const bool is_ours = std::ranges::any_of(
            of_backup, [&](auto name) { return match->newest.text.find(name) != std::string::npos; });
        const bool hit = is_ours && failed != nullptr && belongs_to(match->newest, *failed);
        // A control group's own limit: a container or a service asked for more than it may have, the VM has enough.
        if (std::string_view(pattern) == killed_in_group && !hit) continue;
        evidence.push_back(match->newest.evidence("no process killed for want of memory"));
        is_low = true;
        hit_backup = hit_backup || hit;
    }
    if (!is_low && !hit_agent) return Finding::healthy("There is enough memory.", std::move(evidence));
    auto finding =
        Finding::needs_operator(hit_backup  ? "The kernel killed a process of the backup, because memory ran out."
                                : hit_agent ? "The kernel killed the guest agent for want of memory."
                                            : "Memory runs or ran out on this VM.",
                                std::move(evidence),
                                "Find what uses the memory (`ps aux --sort=-rss`), move the backup to another time, "
                                "add swap, or give the VM more memory.");
    return hit_backup || hit_agent ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "memory-pressure",
        .title = "Memory runs out",
        .layer = Layer::os_snapshot,
        .scope = Scope::both,
        .error_codes = {"ExtensionFailedOutOfMemoryError", "VMRestorePointClientError", "UserErrorFsFreezeTimeout",
                        "GuestAgentSnapshotTaskStatusError"},
        .explanation =
            "Where memory runs out, the kernel ends processes, those of agent and extension among them, or everything "
            "waits for swap. It is a cause where the kernel ended one of them during the last backup; otherwise a "
            "risk.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = {judged(Log::kernel, killed),
                    judged(Log::kernel, killed_in_group),
                    judged(exhausted()),
                    proof(Log::agent, "Cannot allocate memory"),
                    proof(Log::extension, "Cannot allocate memory"),
                    proof(Log::commands, "MemoryError"),
                    {.role = Role::proof, .line = {Log::kernel, killed}, .with = {"python"}, .heals_unsaid = true},
                    {.role = Role::proof, .line = {Log::kernel, killed}, .with = {"safefreeze"}, .heals_unsaid = true},
                    proof(Log::agent, out_of_memory),
                    proof(Log::extension, out_of_memory),
                    proof(Log::extension, "0x8007000E")},
        .consequences = {"extension-error", "freeze-timeout-too-short", "vss-writer-refused", "vss-writer-failed",
                         "snapshot-too-slow", "backup-attempt-failed", "backup-extension-state",
                         "extension-run-broke-off", "agent-not-running", "agent-hung", "agent-crash-looping",
                         "agent-restart-policy"},
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::memory_pressure
