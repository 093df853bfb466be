#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/snapshot/pressure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::cpu_pressure {

namespace {

constexpr double high_pressure = 60;           ///< percent of the last minute
constexpr unsigned high_load_on_windows = 90;  ///< percent, above which Azure Backup's documentation expects failures
constexpr double high_load = 4;                ///< runnable tasks for each processor, mean of 5 minutes

/// Counts the lines "cpu0", "cpu1"... of /proc/stat.
std::size_t processors_in(std::string_view stat) {
    std::size_t count = 0;
    for (std::size_t at = stat.find("\ncpu"); at != std::string_view::npos; at = stat.find("\ncpu", at + 1)) ++count;
    return count;
}

/// Returns the second number of /proc/loadavg.
std::optional<double> load_of_five_minutes(std::string_view text) {
    const auto blank = text.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    double value = 0;
    const auto rest = text.substr(blank + 1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return error == std::errc() && value >= 0 ? std::optional(value) : std::nullopt;
}

/// Returns the load of all processors over the last second, in percent; nullopt where Windows does not report it. Takes
/// about a second.
machine::Result<std::optional<std::uint64_t>> load_on_windows(const machine::Machine& machine) {
    const auto processors = machine.wmi().query(R"(root\cimv2)", "SELECT LoadPercentage FROM Win32_Processor");
    if (!processors) return processors.error();
    std::uint64_t sum = 0;
    std::uint64_t count = 0;
    for (const auto& processor : *processors) {
        const auto percent = machine::number_property(processor, "LoadPercentage");
        if (!percent || *percent > 100) continue;
        sum += *percent;
        ++count;
    }
    return count == 0 ? std::nullopt : std::optional(sum / count);
}

/// The load is that of this moment; where Azure tells that scheduled backups begin at this hour, it is theirs too.
void add_hour_of_backups(const machine::Machine& machine, std::vector<Evidence>& evidence) {
    constexpr std::chrono::minutes same_hour{60};
    if (!machine.azure().access()) return;
    const auto& jobs = machine.derived<azure::BackupJobs>().jobs();
    const auto start = jobs ? azure::usual_start(*jobs) : std::nullopt;
    if (!start) return;
    const auto now = machine.facts().now;
    const auto time_of_day =
        std::chrono::duration_cast<std::chrono::minutes>(now - std::chrono::floor<std::chrono::days>(now));
    if (azure::time_between(*start, time_of_day) > same_hour) return;
    evidence.push_back({"backup jobs of the vault",
                        fmt::format("scheduled backups begin at {:02}:{:02} UTC, the hour of this load",
                                    start->count() / 60, start->count() % 60),
                        "a quieter hour in the backup policy"});
}

Finding diagnose_windows(const machine::Machine& machine, const Question& question) {
    if (!backups_are_in_question(machine, question)) {
        return Finding::healthy("No backup failed, so the load of the processors is not measured.");
    }
    const auto answer = load_on_windows(machine);
    if (!answer) return Finding::unknown("the load of the processors", answer.error());
    const auto& load = *answer;
    if (!load) return Finding::healthy("Windows does not tell the load of its processors.");
    std::vector<Evidence> evidence{{"processors (Win32_Processor)", fmt::format("{} % busy", *load),
                                    fmt::format("below {} %", high_load_on_windows)}};
    if (*load < high_load_on_windows) {
        return Finding::healthy("The processors keep up with the work.", std::move(evidence));
    }
    add_hour_of_backups(machine, evidence);
    return Finding::needs_operator(
               "The processors are overloaded; agent, extension and VSS writers come to their turn late.",
               std::move(evidence),
               "Move the backup to a quieter time, stop what uses the processors (Task Manager, Details), or give the "
               "VM more of them.")
        .as_risk();
}

Finding diagnose(const machine::Machine& machine, const Question& question) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_windows(machine, question);
    const auto load_text = machine.files().read("/proc/loadavg");
    if (!load_text && load_text.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The kernel does not tell its load.");
    }
    if (!load_text) return Finding::unknown("/proc/loadavg", load_text.error());
    const auto stat = machine.files().read("/proc/stat");
    if (!stat) return Finding::unknown("/proc/stat", stat.error());
    const auto processors = std::max<std::size_t>(1, processors_in(*stat));
    const auto load = load_of_five_minutes(*load_text);
    if (!load) {
        return Finding::unknown("/proc/loadavg", machine::Error::invalid("expected three numbers in /proc/loadavg"));
    }
    std::vector<Evidence> evidence{{"/proc/loadavg",
                                    fmt::format("{:.2f} over 5 minutes, {} processors", *load, processors),
                                    fmt::format("below {:.0f}", high_load * static_cast<double>(processors))}};
    const auto pressure = pressure_of(machine, "cpu");
    if (pressure) {
        evidence.push_back({"/proc/pressure/cpu", fmt::format("{:.0f} % of the last minute", pressure->some),
                            fmt::format("below {:.0f} %", high_pressure)});
    }
    // A high load of tasks that wait for a disk is not a load of the processors.
    const bool is_high =
        pressure ? pressure->some >= high_pressure : *load >= high_load * static_cast<double>(processors);
    if (!is_high) return Finding::healthy("The processors keep up with the work.", std::move(evidence));
    add_hour_of_backups(machine, evidence);
    return Finding::needs_operator(
               "The processors are overloaded; agent and extension come to their turn late.", std::move(evidence),
               "Move the backup to a quieter time, stop what uses the processors (`top`), or give the VM more of them.")
        .as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "cpu-pressure",
        .title = "The processors are overloaded",
        .layer = Layer::os_snapshot,
        .scope = Scope::both,
        .error_codes = {"UserErrorFsFreezeTimeout", "VMRestorePointClientError", "GuestAgentSnapshotTaskStatusError",
                        "GuestAgentSnapshotTaskStatusErrorWin", "ExtensionFailedTimeoutVMNetworkUnresponsive",
                        "ExtensionFailedVssWriterInBadState"},
        .explanation =
            "On an overloaded VM the agent starts the backup late and the extension or a VSS writer misses its time "
            "limits. This is the state now, which may differ from that at the time of the backup, so it counts as a "
            "risk only.",
        .source = "https://docs.kernel.org/accounting/psi.html",
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::cpu_pressure
