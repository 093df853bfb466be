#include "handler/agent/system.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "handler/agent/verbose_log.hpp"
#include "handler/report/support_bundle.hpp"
#include "remediations/changes/journal.hpp"
#include "remediations/changes/recovery.hpp"
#include "remediations/knowledge/azure/attach.hpp"
#include "remediations/knowledge/azure/settled.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/snapshot/freeze_rehearsal.hpp"
#include "remediations/machine/local/cms.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/local/system_log.hpp"

namespace handler {

namespace {

/// A longer backup hangs, and a diagnosis must see what it left frozen. The engine still changes nothing.
constexpr auto longest_backup = std::chrono::hours(3);

std::optional<std::string> why_not_now() {
    const auto machine = machine::local_machine();
    const auto started = remediations::newest_backup_start(machine);
    if (!started) return started.error().message;
    if (*started && machine.facts().now - **started < longest_backup) return "a backup is running";
    if (auto installer = remediations::running_package_manager(machine); !installer.empty()) {
        return installer + " is installing or removing software";
    }
    return std::nullopt;
}

machine::Result<std::vector<remediations::UndoneStep>> undo_run(const std::string& run_id) {
    auto machine = machine::local_machine();
    if (const auto reason = remediations::why_not_to_disturb(machine)) {
        return machine::Error::refused(*reason);
    }
    auto journal = remediations::Journal::open(machine::local::state_folder(), run_id);
    if (!journal) return journal.error();
    return remediations::undo(*journal, machine);
}

machine::Result<std::string> recover_runs(const std::string& cause) {
    const auto state_folder = machine::local::state_folder();
    auto machine = machine::local_machine();
    if (const auto reason = remediations::why_not_to_disturb(machine)) {
        return machine::Error::refused(*reason);
    }
    const auto recovery = remediations::roll_back_interrupted_runs(state_folder, machine, [](const std::string&) {});
    if (!recovery) return recovery.error();
    if (!recovery->notices.empty()) return machine::Error::failed(recovery->notices.front());
    const auto runs = remediations::Journal::runs(state_folder);
    if (runs.empty()) return std::string();
    const auto journal = remediations::Journal::open(state_folder, runs.back());
    if (!journal) return journal.error();
    const auto lasts = [&](const remediations::JournalStep& step) {
        return step.remediation == cause && step.outcome == remediations::StepOutcome::done;
    };
    return std::ranges::any_of(journal->steps(), lasts) ? runs.back() : std::string();
}

GuardSystem guard_system() {
    return {
        .now = [] { return std::chrono::system_clock::now(); },
        .computer = machine::local::this_computer,
        .signs = [] { return remediations::backup_signs(machine::local_machine()); },
        .why_not_now = why_not_now,
        .undo = undo_run,
        .recover = recover_runs,
        .tell = [](const std::string& line) { machine::local::tell_system(line); },
        .install_job = machine::local::install_job,
        .remove_job = machine::local::remove_job,
    };
}

AzureSystem azure_system() {
    return {
        .settle = [](const remediations::azure::Choice& choice, std::chrono::seconds patience,
                     const std::function<bool()>& stop_requested) -> machine::Result<void> {
            auto machine = machine::local_machine();
            remediations::azure::attach(machine, choice);
            return remediations::azure::wait_until_settled(machine, patience, stop_requested);
        },
        .prove = [](const remediations::azure::Choice& choice,
                    const remediations::azure::ProveOptions& options) -> machine::Result<remediations::azure::Proof> {
            auto machine = machine::local_machine();
            remediations::azure::attach(machine, choice);
            return remediations::azure::prove_by_backup(machine, options);
        },
    };
}

}  // namespace

System local_system() {
    return {
        .variable = [](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            return value ? std::optional<std::string>(value) : std::nullopt;
        },
        .privileged = machine::local::is_privileged,
        .standard_input = []() -> machine::Result<std::string> {
            constexpr std::size_t limit = std::size_t{1} << 20;
            std::string text(limit + 1, '\0');
            std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
            text.resize(static_cast<std::size_t>(std::cin.gcount()));
            if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // what Windows PowerShell may begin with
            if (text.size() <= limit) return text;
            return machine::Error::invalid("standard input: expected settings of at most 1 MiB");
        },
        .executable = machine::local::this_executable(),
        .state_folder = machine::local::state_folder(),
        .start_detached = machine::local::start_detached,
        .run_supervised = machine::local::run_supervised,
        .decrypt = machine::local::decrypt_cms,
        .run = [](const remediations::RunOptions& options) -> machine::Result<remediations::Report> {
            const auto thawed = remediations::end_abandoned_rehearsal(*machine::local_freezer());
            auto machine = machine::local_machine();
            remediations::azure::attach(machine, options.azure);
            auto report = remediations::run(options, machine, machine::local::state_folder());
            if (report && !thawed.empty()) report->notices.push_back(thawed);
            return report;
        },
        .end_verbose_log = [](bool at_once) -> machine::Result<std::string> {
            using std::chrono::system_clock;
            auto machine = machine::local_machine();
            return end_verbose_log(machine::local::state_folder(), machine,
                                   at_once ? system_clock::time_point::max() : system_clock::now());
        },
        .make_bundle = [](const remediations::RunOptions& options) -> machine::Result<std::string> {
            auto machine = machine::local_machine();
            remediations::azure::attach(machine, options.azure);
            return make_support_bundle(machine, options);
        },
        .https = [](const machine::local::HttpsRequest& request) -> machine::Result<machine::HttpResponse> {
            auto answer = machine::local::https(request);
            if (!answer) return answer.error();
            return machine::HttpResponse(std::move(*answer));
        },
        .rehearse =
            [](const remediations::RehearsalOptions& options) -> machine::Result<remediations::FreezeRehearsal> {
            return remediations::rehearse_freeze(options, machine::local_machine(), *machine::local_freezer());
        },
        .guard = guard_system(),
        .azure = azure_system(),
    };
}

}  // namespace handler
