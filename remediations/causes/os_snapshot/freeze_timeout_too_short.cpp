#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/freeze_targets.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::freeze_timeout_too_short {

namespace {

constexpr auto wait_key = "SafeFreezeWaitInSeconds";
constexpr auto frozen_key = "timeout";
/// Services on the VM stand still for this time.
constexpr long longest = 600;

constexpr auto took_longer = "freeze took longer than timeout";
constexpr auto sleep_failed = "Inconsistent snapshot because of SLEEP failure";
constexpr auto thaw_too_late = "Failed to receive timely Thaw from parent process";
constexpr auto time_taken = ", freezeTimeTaken=";
constexpr auto time_limit = "T:S freeze, timeout value ";
constexpr int fs_freeze_timeout = 122;

/// Returns the whole seconds of "0:01:06.123456".
std::optional<long> seconds_in(std::string_view duration) {
    std::vector<std::string> parts;
    boost::algorithm::split(parts, duration, boost::is_any_of(":"));
    if (parts.size() != 3) return std::nullopt;
    const auto hours = python_integer(parts[0]);
    const auto minutes = python_integer(parts[1]);
    const auto seconds = python_integer(std::string_view(parts[2]).substr(0, parts[2].find('.')));
    const auto fits = [](const auto& number) { return number && *number >= 0 && *number < 100; };
    if (!fits(hours) || !fits(minutes) || !fits(seconds)) return std::nullopt;
    return (*hours * 60 + *minutes) * 60 + *seconds;
}

/// Returns the word after `text` in the newest such line of the last run.
std::optional<std::string> logged(const machine::Machine& machine, const char* text) {
    const auto* match = machine.derived<LogEvidence>().find_current(Log::extension, text);
    const auto* newest = machine.derived<LogEvidence>().newest_attempt();
    if (match == nullptr || newest == nullptr || !belongs_to(match->newest, *newest)) return std::nullopt;
    const auto& line = match->newest.text;
    auto rest = line.substr(line.find(text) + std::string_view(text).size());
    return rest.substr(0, rest.find_first_of(", "));
}

struct Wish {
    std::string key;
    long seconds = 0;
};

/// Returns longer times for the steps that ran out of time in that backup. Adds what was looked at to `evidence`.
std::vector<Wish> longer_times(const machine::Machine& machine, const VmBackupConfiguration& configuration,
                               const BackupAttempt& failed, std::vector<Evidence>& evidence) {
    const auto wait = configuration.integer_of(wait_key, default_freeze_wait);
    const auto frozen = configuration.integer_of(frozen_key, default_freeze_timeout);
    const auto& log = machine.derived<LogEvidence>();
    std::vector<Wish> wishes;
    const auto* longer = log.find_current(Log::extension, took_longer);
    if (failed.result == fs_freeze_timeout || (longer != nullptr && belongs_to(longer->newest, failed))) {
        const auto text = logged(machine, time_taken);
        const auto measured = text ? seconds_in(*text).value_or(default_freeze_wait) : default_freeze_wait;
        const auto needed = std::min(longest, measured * 2);
        if (longer != nullptr) evidence.push_back(longer->newest.evidence("frozen in time"));
        evidence.push_back(
            {"freeze of the last backup", fmt::format("given up after {} s", measured), "frozen in time"});
        evidence.push_back({fmt::format("{} in {}", wait_key, VmBackupConfiguration::path), std::to_string(wait),
                            fmt::format("at least {}", needed)});
        if (wait < needed) wishes = {{wait_key, needed}, {frozen_key, std::max(frozen, needed)}};
    }
    const auto* late = log.find_current(Log::extension, thaw_too_late);
    if (late == nullptr) late = log.find_current(Log::extension, sleep_failed);
    if (wishes.empty() && late != nullptr && belongs_to(late->newest, failed)) {
        const auto text = logged(machine, time_limit);
        const auto used = text ? python_integer(*text).value_or(default_freeze_timeout) : default_freeze_timeout;
        const auto needed = std::min(longest, used * 2);
        evidence.push_back(late->newest.evidence("the snapshot is there before the time limit"));
        evidence.push_back({fmt::format("{} in {}", frozen_key, VmBackupConfiguration::path), std::to_string(frozen),
                            fmt::format("at least {}", needed)});
        if (frozen < needed) wishes = {{frozen_key, needed}};
    }
    return wishes;
}

Finding diagnose(const machine::Machine& machine) {
    const auto configuration = VmBackupConfiguration::read(machine);
    if (!configuration) return Finding::unknown(VmBackupConfiguration::path, configuration.error());
    const auto* failed = last_failed_backup(machine);
    if (failed == nullptr) return Finding::healthy("The last backup that the log tells of did not run out of time.");
    std::vector<Evidence> evidence;
    const auto wishes = longer_times(machine, *configuration, *failed, evidence);
    if (evidence.empty()) return Finding::healthy("The last backup did not run out of time for the freeze.");
    if (wishes.empty()) {
        return Finding::healthy(
            "The last backup ran out of time for the freeze, but the times have been raised since, or "
            "are as long as they may be.",
            std::move(evidence));
    }
    std::string settings;
    for (const auto& wish : wishes) {
        settings += fmt::format("{}{} = {}", settings.empty() ? "" : " and ", wish.key, wish.seconds);
    }
    return Finding::broken(
        "The file systems could not be frozen and released within the configured time.", std::move(evidence),
        fmt::format("Set {} in section [SnapshotThread] of {}, and run backups when less is written.", settings,
                    VmBackupConfiguration::path));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto configuration = VmBackupConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    const auto* failed = last_failed_backup(changes.machine());
    std::vector<Evidence> ignored;
    const auto wishes =
        failed ? longer_times(changes.machine(), *configuration, *failed, ignored) : std::vector<Wish>();
    for (const auto& wish : wishes) {
        const auto set = set_vmbackup_setting(changes, wish.key, std::to_string(wish.seconds));
        if (!set) return set.error();
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "freeze-timeout-too-short",
        .title = "The time for freezing the file systems is too short",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"UserErrorFsFreezeTimeout", "122"},
        .disruption = Disruption::none,
        .explanation =
            "Freezing writes out all unwritten data first. The extension waits SafeFreezeWaitInSeconds (66) for that, "
            "and keeps the file systems frozen for timeout seconds (60) at most. Where the log of the last backup "
            "shows that one of them ran out, the fix sets twice what was measured, 600 at most. While frozen, programs "
            "that write stand still; so nothing is raised without that evidence.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = {judged(Log::extension, time_taken),
                    judged(Log::extension, time_limit),
                    proof(Log::extension, took_longer),
                    proof(Log::extension, thaw_too_late),
                    proof(Log::extension, sleep_failed),
                    {.role = Role::proof, .results = {122}}},
        .consequences = {"extension-error", "freeze-failed"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::freeze_timeout_too_short
