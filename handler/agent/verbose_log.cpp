#include "handler/agent/verbose_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "handler/report/paths.hpp"
#include "handler/report/status.hpp"
#include "remediations/changes/journal.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/formats/json.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/machine/clock_time.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

namespace json = boost::json;
using machine::Result;
using remediations::Journal;
using remediations::UndoneStep;
using std::chrono::system_clock;

namespace {

constexpr auto remediation_id = "agent-verbose-log";

struct Schedule {
    system_clock::time_point until;
    std::string after;  ///< the newest run before this one: the run that switched it on is a later one
};

std::filesystem::path schedule_file(const std::filesystem::path& state_folder) {
    return state_folder / "verbose-log.json";
}

/// A damaged file means that the time is over: the journals tell what was switched on.
std::optional<Schedule> load(const std::filesystem::path& state_folder) {
    constexpr std::size_t largest = 4096;
    const auto file = schedule_file(state_folder);
    const auto text = machine::local::read_file(file, largest);
    if (!text) return std::nullopt;
    const auto document = remediations::parse_json(*text, to_text(file));
    Schedule schedule;
    if (!document || !document->is_object()) return schedule;
    const auto* until = document->get_object().if_contains("until");
    const auto* after = document->get_object().if_contains("after");
    if (until && until->is_int64()) schedule.until = machine::time_after_1970(std::chrono::seconds(until->get_int64()));
    if (after && after->is_string()) schedule.after = after->get_string();
    return schedule;
}

/// Returns the first step that switched it on in a run; nullopt where the run has none.
std::optional<unsigned> first_step(const Journal& journal) {
    const auto step = std::ranges::find(journal.steps(), remediation_id, &remediations::JournalStep::remediation);
    return step == journal.steps().end() ? std::nullopt : std::optional(step->number);
}

}  // namespace

std::optional<system_clock::time_point> verbose_log_ends(const std::filesystem::path& state_folder) {
    const auto schedule = load(state_folder);
    return schedule ? std::optional(schedule->until) : std::nullopt;
}

Result<std::string> begin_verbose_log(
    const std::filesystem::path& state_folder, system_clock::time_point until, remediations::Disruption max_disruption,
    const std::function<Result<remediations::Report>(const remediations::RunOptions&)>& run) {
    if (const auto on = verbose_log_ends(state_folder)) {
        return fmt::format("The guest agent's log is verbose until {}, as it was.", utc_text(*on));
    }
    const auto runs = Journal::runs(state_folder);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(until.time_since_epoch()).count();
    const json::object schedule{{"until", seconds}, {"after", runs.empty() ? std::string() : runs.back()}};
    const auto file = schedule_file(state_folder);
    if (auto kept = machine::local::write_durably(file, json::serialize(schedule)); !kept) return kept.error();
    remediations::RunOptions options;
    options.mode = remediations::RunMode::fix;
    options.max_disruption = max_disruption;
    options.only = {remediation_id};
    const auto report = run(options);
    std::error_code ignored;
    if (!report || report->outcomes.empty() || report->outcomes[0].finding.state != remediations::State::fixed) {
        std::filesystem::remove(file, ignored);
        if (!report) return report.error();
        if (report->outcomes.empty()) return machine::Error::unsupported("only the Linux guest agent has one");
        const auto& finding = report->outcomes[0].finding;
        return fmt::format("It was left as it is: {} {}", finding.summary, finding.action);
    }
    return fmt::format("The guest agent's log is verbose until {}; then this is taken back by itself.",
                       utc_text(until));
}

Result<std::string> end_verbose_log(const std::filesystem::path& state_folder, machine::Machine& machine,
                                    system_clock::time_point now) {
    const auto schedule = load(state_folder);
    if (!schedule || now < schedule->until) return std::string();
    if (const auto reason = remediations::why_not_to_disturb(machine)) {
        return machine::Error::refused("the verbose log is not taken back yet, because " + *reason);
    }
    std::string left;
    // In the order of the runs, not of their times: the clock may have been set back.
    const auto runs = Journal::runs(state_folder);
    const auto before = std::ranges::find(runs, schedule->after);
    for (auto run = before == runs.end() ? runs.begin() : before + 1; run != runs.end(); ++run) {
        auto journal = Journal::open(state_folder, *run);
        if (!journal) return journal.error();
        const auto first = first_step(*journal);
        if (!first) continue;
        for (const auto& step : remediations::undo(*journal, machine, *first)) {
            if (step.result == UndoneStep::Result::failed) {
                return machine::Error::failed(fmt::format("{}: {}", step.description, step.detail));
            }
            if (step.result == UndoneStep::Result::left_alone) {
                left += fmt::format(" Left alone: {} ({}); set Logs.Verbose=n there yourself.", step.description,
                                    step.detail);
            }
        }
    }
    std::error_code error;
    if (!std::filesystem::remove(schedule_file(state_folder), error) && error) {
        return machine::Error::failed(to_text(schedule_file(state_folder)) + ": " + error.message());
    }
    return "The guest agent's log is no longer verbose." + left;
}

}  // namespace handler
