#include "remediations/changes/journal.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "remediations/machine/local/durable_file.hpp"

namespace remediations {

using machine::Error;
using machine::ErrorKind;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

constexpr auto journal_name = "journal.jsonl";

constexpr std::pair<StepOutcome, std::string_view> outcome_words[] = {{StepOutcome::done, "done"},
                                                                      {StepOutcome::failed, "failed"},
                                                                      {StepOutcome::undone, "undone"},
                                                                      {StepOutcome::left_alone, "left-alone"}};

std::string text_of(const json::object& object, std::string_view field) {
    const auto* value = object.if_contains(field);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// Applies one line of the journal to what was read so far; false when the line says nothing known.
bool replay(const json::object& line, std::vector<JournalStep>& steps, json::object& summary, unsigned& settled) {
    if (const auto* last = line.if_contains("settled")) {
        const auto number = json::try_value_to<unsigned>(*last);
        if (!number || *number > steps.size()) return false;
        settled = *number;
        return true;
    }
    if (const auto* note = line.if_contains("summary"); note && note->is_object()) {
        summary = note->get_object();
        return true;
    }
    const auto* number = line.if_contains("step");
    if (!number || !number->is_int64() || number->get_int64() < 1) return false;
    const auto step_number = static_cast<std::size_t>(number->get_int64());
    if (const auto word = text_of(line, "outcome"); !word.empty()) {
        const auto* known =
            std::ranges::find(outcome_words, std::string_view(word), &std::pair<StepOutcome, std::string_view>::second);
        if (known == std::end(outcome_words) || step_number > steps.size()) return false;
        steps[step_number - 1].outcome = known->first;
        return true;
    }
    if (step_number != steps.size() + 1) return false;
    JournalStep step;
    step.number = static_cast<unsigned>(step_number);
    step.remediation = text_of(line, "remediation");
    step.description = text_of(line, "description");
    step.action = text_of(line, "action");
    step.subject = text_of(line, "subject");
    if (const auto* slot = line.if_contains("slot"); slot && slot->is_object()) step.slot = slot->get_object();
    if (const auto* before = line.if_contains("before")) step.before = *before;
    if (const auto* after = line.if_contains("after")) step.after = *after;
    if (step.slot.empty() == step.action.empty()) return false;
    steps.push_back(std::move(step));
    return true;
}

}  // namespace

Result<Journal> Journal::create(const std::filesystem::path& state_folder, std::chrono::system_clock::time_point now) {
    const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(now);
    const auto stamp = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
    for (unsigned attempt = 1; attempt < 10'000; ++attempt) {
        const auto run_id = fmt::format("{}-{:04}", stamp, attempt);
        const auto folder = state_folder / "runs" / run_id;
        std::error_code error;
        if (std::filesystem::exists(folder, error)) continue;
        if (auto made = machine::local::make_private_folder(folder); !made) return made.error();
        return Journal(run_id, folder);
    }
    return Error{ErrorKind::failed, fmt::format("{}: no free run id for {}", (state_folder / "runs").string(), stamp),
                 0};
}

Result<Journal> Journal::open(const std::filesystem::path& state_folder, const std::string& run_id) {
    const auto known = runs(state_folder);
    if (std::ranges::find(known, run_id) == known.end()) {
        return Error{ErrorKind::not_found, fmt::format("no run '{}' in {}", run_id, (state_folder / "runs").string()),
                     0};
    }
    Journal journal(run_id, state_folder / "runs" / run_id);
    const auto path = journal.folder_ / journal_name;
    const auto content = machine::local::read_file(path, std::size_t{256} << 20);
    if (!content) return content.error();
    std::string_view rest = *content;
    for (unsigned line_number = 1; !rest.empty(); ++line_number) {
        const auto end = rest.find('\n');
        if (end == std::string_view::npos) break;  // torn by a crash while it was written: it was never acted on
        boost::system::error_code error;
        const auto line = json::parse(rest.substr(0, end), error);
        rest.remove_prefix(end + 1);
        if (error || !line.is_object() ||
            !replay(line.get_object(), journal.steps_, journal.summary_, journal.settled_)) {
            return Error{ErrorKind::invalid,
                         fmt::format("{}:{}: not a journal line: {}", path.string(), line_number,
                                     error ? error.message() : "expected a step, an outcome or a summary"),
                         0};
        }
    }
    return journal;
}

std::vector<std::string> Journal::runs(const std::filesystem::path& state_folder) {
    std::vector<std::string> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(state_folder / "runs", error), end; !error && entry != end;
         entry.increment(error)) {
        std::error_code ignored;
        if (std::filesystem::exists(entry->path() / journal_name, ignored)) {
            found.push_back(entry->path().filename().string());
        }
    }
    std::ranges::sort(found);
    return found;
}

Result<void> Journal::append(const json::object& line) {
    if (write_failure_) return *write_failure_;
    auto written = machine::local::append_line_durably(folder_ / journal_name, json::serialize(line) + "\n");
    if (!written) write_failure_ = written.error();
    return written;
}

Result<void> Journal::intend(JournalStep& step) {
    step.number = static_cast<unsigned>(steps_.size()) + 1;
    json::object line{{"step", step.number}, {"remediation", step.remediation}, {"description", step.description}};
    if (step.action.empty()) {
        line["slot"] = step.slot;
        line["before"] = step.before;
        line["after"] = step.after;
    } else {
        line["action"] = step.action;
        line["subject"] = step.subject;
    }
    if (auto written = append(line); !written) return written.error();
    steps_.push_back(step);
    return {};
}

Result<void> Journal::conclude(unsigned step_number, StepOutcome outcome, const std::string& detail) {
    const auto* word = std::ranges::find(outcome_words, outcome, &std::pair<StepOutcome, std::string_view>::first);
    json::object line{{"step", step_number}, {"outcome", word->second}};
    if (!detail.empty()) line["detail"] = detail;
    if (auto written = append(line); !written) return written.error();
    steps_.at(step_number - 1).outcome = outcome;
    return {};
}

Result<void> Journal::note(json::object summary) {
    if (auto written = append({{"summary", summary}}); !written) return written.error();
    summary_ = std::move(summary);
    return {};
}

Result<void> Journal::settle() {
    const auto last = static_cast<unsigned>(steps_.size());
    if (auto written = append({{"settled", last}}); !written) return written.error();
    settled_ = last;
    return {};
}

std::optional<std::string> Journal::cut_short(const std::filesystem::path& state_folder) {
    const auto known = runs(state_folder);
    if (known.empty()) return std::nullopt;
    const auto newest = open(state_folder, known.back());
    const bool is_whole = newest && !newest->summary().empty() && newest->settled_ == newest->steps_.size();
    return newest && !is_whole ? std::optional(known.back()) : std::nullopt;
}

namespace {

/// A service that was removed since took its settings with it: nothing is left that could be put back.
UndoneStep not_put_back(const std::string& description, const Error& error) {
    using enum UndoneStep::Result;
    return {description, error.kind == ErrorKind::not_found ? left_alone : failed, error.message};
}

UndoneStep revert(const JournalStep& step, Machine& machine) {
    using enum UndoneStep::Result;
    const auto failed_with = [&](const Error& error) { return UndoneStep{step.description, failed, error.message}; };
    const auto slot = make_slot(step.slot);
    if (!slot) return failed_with(slot.error());
    const auto now = (*slot)->read(machine);
    if (!now) return not_put_back(step.description, now.error());
    UndoneStep result{step.description, already_so, {}};
    if (*now == step.after || (*slot)->is_between(*now, step.before, step.after)) {
        if (*now != step.before) result.result = undone;
    } else if (*now != step.before) {
        result = {step.description, left_alone, "somebody changed it since"};
    }
    if (result.result == undone) {
        if (const auto written = (*slot)->write(machine, step.before); !written) return failed_with(written.error());
    }
    if (const auto cleaned = (*slot)->clean_up(machine, step.before); !cleaned) return failed_with(cleaned.error());
    return result;
}

}  // namespace

std::vector<UndoneStep> undo(Journal& journal, Machine& machine, unsigned first_step) {
    using enum UndoneStep::Result;
    std::vector<UndoneStep> results;
    std::map<std::string, std::vector<JournalStep>> restarts;  // by service
    bool put_back = false;
    bool put_back_before = false;        // by an undo that a crash may have kept from its restarts
    const auto steps = journal.steps();  // a copy: concluding a step changes the journal's own
    for (auto step = steps.rbegin(); step != steps.rend() && step->number >= first_step; ++step) {
        const bool is_undone = step->outcome == StepOutcome::undone;
        if (step->action == "restart-service") restarts[step->subject].push_back(*step);
        if (is_undone || !step->action.empty()) {
            put_back_before = put_back_before || (is_undone && step->action.empty());
            results.push_back(
                is_undone ? UndoneStep{step->description, already_so, {}}
                          : UndoneStep{step->description, not_undoable, "this happened and cannot be taken back"});
            continue;
        }
        auto result = revert(*step, machine);
        put_back = put_back || result.result == undone;
        if (result.result == undone || result.result == already_so || result.result == left_alone) {
            const auto outcome = result.result == left_alone ? StepOutcome::left_alone : StepOutcome::undone;
            if (auto noted = journal.conclude(step->number, outcome); !noted) result.detail = noted.error().message;
        }
        results.push_back(std::move(result));
    }
    for (const auto& [service, its_steps] : restarts) {
        const auto is_open = [](const JournalStep& step) { return step.outcome != StepOutcome::undone; };
        // A restart that was cut short may have left the service stopped.
        const auto is_half_done = [](const JournalStep& step) { return !step.outcome; };
        const bool wanted = put_back || (put_back_before && std::ranges::any_of(its_steps, is_open)) ||
                            std::ranges::any_of(its_steps, is_half_done);
        UndoneStep result{"restart service " + service, undone, {}};
        if (wanted) {
            if (const auto restarted = machine.services().restart(service); !restarted) {
                results.push_back(not_put_back(result.description, restarted.error()));
                continue;
            }
        }
        for (const auto& step : its_steps) {
            if (!is_open(step)) continue;
            if (auto noted = journal.conclude(step.number, StepOutcome::undone); !noted) {
                result.detail = noted.error().message;
            }
        }
        if (wanted) results.push_back(std::move(result));
    }
    return results;
}

}  // namespace remediations
