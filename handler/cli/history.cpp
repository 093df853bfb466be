#include "handler/cli/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "handler/report/plain_text.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

namespace json = boost::json;
using remediations::Journal;
using remediations::StepOutcome;

namespace {

/// The run id begins with its time: 20261121T014907Z-0001.
std::string time_of(const std::string& run_id) {
    constexpr std::string_view shape = "00000000T000000Z-";
    const auto fits = [](char expected, char actual) {
        return expected == '0' ? actual >= '0' && actual <= '9' : actual == expected;
    };
    if (run_id.size() < shape.size() || !std::equal(shape.begin(), shape.end(), run_id.begin(), fits)) return {};
    const std::string_view id = run_id;
    return fmt::format("{}-{}-{} {}:{}:{} UTC", id.substr(0, 4), id.substr(4, 2), id.substr(6, 2), id.substr(9, 2),
                       id.substr(11, 2), id.substr(13, 2));
}

std::string text_of(const json::object& summary, std::string_view key) {
    const auto* value = summary.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string_view to_string(Undone undone) {
    switch (undone) {
        case Undone::nothing_to_undo:
            return "nothing-to-undo";
        case Undone::no:
            return "no";
        case Undone::partly:
            return "partly";
        case Undone::yes:
            return "yes";
    }
    return "";
}

std::string_view described(Undone undone) {
    switch (undone) {
        case Undone::nothing_to_undo:
            return "nothing to take back";
        case Undone::no:
            return "in place";
        case Undone::partly:
            return "partly taken back";
        case Undone::yes:
            return "taken back";
    }
    return "";
}

}  // namespace

Undone undone(const Journal& journal) {
    std::size_t reversible = 0;
    std::size_t taken_back = 0;
    bool restarts_to_come = false;
    for (const auto& step : journal.steps()) {
        if (step.slot.empty()) {
            // Undo is through once the services have restarted too.
            const bool restart = step.action == "restart-service";
            restarts_to_come = restarts_to_come || (restart && step.outcome != StepOutcome::undone);
            continue;
        }
        if (undo_of(step) != remediations::PlannedStep::Undo::puts_back) continue;
        ++reversible;
        if (step.outcome == StepOutcome::undone) ++taken_back;
    }
    if (reversible == 0) return Undone::nothing_to_undo;
    if (taken_back == reversible && restarts_to_come) return Undone::partly;
    if (taken_back == 0) return Undone::no;
    return taken_back == reversible ? Undone::yes : Undone::partly;
}

std::vector<PastRun> past_runs(const std::filesystem::path& state_folder) {
    std::vector<PastRun> runs;
    for (const auto& id : Journal::runs(state_folder)) {
        PastRun run;
        run.id = id;
        run.time = time_of(id);
        if (const auto journal = Journal::open(state_folder, id)) {
            run.mode = text_of(journal->summary(), "mode");
            run.root_cause = text_of(journal->summary(), "rootCause");
            run.changes = journal->steps().size();
            run.undone = undone(*journal);
        } else {
            run.problem = journal.error().message;
        }
        runs.push_back(std::move(run));
    }
    return runs;
}

std::string history_text(const std::vector<PastRun>& runs, const TextStyle& style) {
    Page page(style);
    if (runs.empty()) page.paragraph(0, "No run has changed anything on this VM.");
    for (const auto& run : runs) {
        const auto text = run.problem.empty()
                              ? fmt::format("{}; root cause {}; {} {}, {}", run.mode.empty() ? "interrupted" : run.mode,
                                            run.root_cause.empty() ? "unknown" : visible(run.root_cause), run.changes,
                                            run.changes == 1 ? "step" : "steps", described(run.undone))
                              : "cannot be read: " + visible(run.problem);
        page.entry(0, visible(run.id), 23, run.time);
        page.paragraph(2, text);
    }
    return std::move(page).text();
}

std::string history_json(const std::vector<PastRun>& runs) {
    const auto text_or_null = [](const std::string& text) {
        return text.empty() ? json::value(nullptr) : json::value(machine::valid_utf8(text));
    };
    json::array all;
    for (const auto& run : runs) {
        all.push_back(json::object{{"id", machine::valid_utf8(run.id)},
                                   {"time", text_or_null(run.time)},
                                   {"mode", text_or_null(run.mode)},
                                   {"rootCause", text_or_null(run.root_cause)},
                                   {"changes", run.changes},
                                   {"undone", to_string(run.undone)},
                                   {"problem", text_or_null(run.problem)}});
    }
    return machine::with_escaped_controls(json::serialize(json::object{{"schema", 1}, {"runs", std::move(all)}})) +
           "\n";
}

}  // namespace handler
