#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::command_too_late {

using machine::Machine;

namespace {

constexpr auto too_late_line = "CRP timeout limit has reached, will not take snapshot.";
constexpr auto ticks_line = "utcTicks in long format";
constexpr int too_late_code = 402;

/// .NET ticks: units of 100 ns since the year 1.
std::optional<std::chrono::system_clock::time_point> asked_at(std::string_view line) {
    const auto start = line.find(ticks_line);
    if (start == std::string_view::npos) return std::nullopt;
    line.remove_prefix(start + std::string_view(ticks_line).size());
    line.remove_prefix(std::min(line.find_first_of("0123456789"), line.size()));
    std::int64_t ticks = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), ticks).ec != std::errc()) return std::nullopt;
    constexpr std::int64_t ticks_to_1970 = 621'355'968'000'000'000;
    constexpr std::int64_t ticks_to_2100 = 662'380'416'000'000'000;
    if (ticks < ticks_to_1970 || ticks > ticks_to_2100) return std::nullopt;
    return std::chrono::system_clock::time_point(std::chrono::seconds((ticks - ticks_to_1970) / 10'000'000));
}

Finding diagnose(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto* folder = version_in_use(*installed);
    const auto* line = logs.find_current(Log::extension, too_late_line);
    const auto* attempt = logs.newest_attempt();
    const bool by_log = line && (!attempt || !attempt->result || *attempt->result == too_late_code);
    const bool by_status = folder && folder->status && folder->status->code == too_late_code &&
                           !(attempt && attempt->succeeded.value_or(false));
    if (!by_log && !by_status) return Finding::healthy("The extension was started in time for the last backup.");
    std::vector<Evidence> evidence;
    if (by_status) evidence.push_back({folder->status->file, "code 402: " + folder->status->message, "code 0 or 1"});
    if (line) evidence.push_back(line->newest.evidence("no such line"));
    std::string delay = "more than 140 minutes";
    if (const auto* ticks = logs.find_current(Log::extension, ticks_line)) {
        const auto asked = asked_at(ticks->newest.text);
        if (asked && ticks->newest.time && *ticks->newest.time > *asked) {
            const auto waited = std::chrono::duration_cast<std::chrono::minutes>(*ticks->newest.time - *asked);
            delay = fmt::format("{} minutes", waited.count());
            evidence.push_back(ticks->newest.evidence("a request at most 140 minutes old"));
        }
    }
    return Finding::needs_operator(
        fmt::format("The guest agent started the extension {} after Azure had asked for the backup, and it refused.",
                    delay),
        std::move(evidence),
        "Back up again now. If it happens again, see in /var/log/waagent.log what the agent did between the request "
        "and the start: it was stopped, the VM was off or paused, or other extensions ran first (they run one after "
        "the other, for up to 90 minutes).");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "command-too-late",
        .title = "The guest agent started the backup too late",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"402", "FailedGuestAgentInvokedCommandTooLate", "InvokedCommandTooLate"},
        .disruption = Disruption::none,
        .explanation =
            "The extension refuses a request that is older than 140 minutes, because Azure no longer waits for its "
            "snapshot. It compares the time of the request with the host's clock, or with the machine's where the host "
            "does not answer. A stopped or busy agent, or a wrong clock, makes a request old.",
        .source = "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/freezesnapshotter.py",
        .signals = {judged(Log::extension, ticks_line),
                    proof(Log::extension, too_late_line),
                    {.role = Role::proof, .results = {402}}},
        .consequences = {"extension-error"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::command_too_late
