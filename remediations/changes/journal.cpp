#include "remediations/changes/journal.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <limits>

#include "remediations/changes/slot_kind.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace remediations {

using machine::Error;
using machine::ErrorKind;
using machine::Result;
namespace json = boost::json;

namespace {

constexpr auto journal_name = "journal.jsonl";
constexpr std::int64_t newest_format = 1;
constexpr std::size_t largest_journal = std::size_t{256} << 20;

constexpr std::string_view checksum_begin = R"(,"crc32":")";
constexpr std::string_view checksum_end = "\"}";
constexpr std::size_t checksum_digits = 8;
constexpr std::size_t checksum_length = checksum_begin.size() + checksum_digits + checksum_end.size();

constexpr std::pair<StepOutcome, std::string_view> outcome_words[] = {{StepOutcome::done, "done"},
                                                                      {StepOutcome::failed, "failed"},
                                                                      {StepOutcome::undone, "undone"},
                                                                      {StepOutcome::left_alone, "left-alone"},
                                                                      {StepOutcome::discarded, "discarded"}};

std::string checksum_of(std::string_view bytes) {
    boost::crc_32_type checksum;
    checksum.process_bytes(bytes.data(), bytes.size());
    return fmt::format("{:08x}", checksum.checksum());
}

std::string with_checksum(const json::object& line) {
    auto text = json::serialize(line);
    text.pop_back();  // the closing brace
    return fmt::format("{}{}{}{}", text, checksum_begin, checksum_of(text), checksum_end);
}

/// Returns true if the line ends like one with a checksum.
bool has_checksum(std::string_view line) {
    if (line.size() <= checksum_length) return false;
    const auto tail = line.substr(line.size() - checksum_length);
    return tail.starts_with(checksum_begin) && tail.ends_with(checksum_end);
}

bool checksum_fits(std::string_view line) {
    const auto body = line.substr(0, line.size() - checksum_length);
    return line.substr(body.size() + checksum_begin.size(), checksum_digits) == checksum_of(body);
}

Error damaged(std::string what) {
    return machine::Error::invalid(std::move(what));
}

/// Returns true if the line has all members of `required` and, besides, only members of `optional`.
bool has_members(const json::object& line, std::initializer_list<std::string_view> required,
                 std::initializer_list<std::string_view> optional = {}) {
    const auto has = [&](std::string_view name) { return line.contains(name); };
    const auto is_known = [&](const json::key_value_pair& member) {
        return std::ranges::find(required, std::string_view(member.key())) != required.end() ||
               std::ranges::find(optional, std::string_view(member.key())) != optional.end();
    };
    return std::ranges::all_of(required, has) && std::ranges::all_of(line, is_known);
}

std::uint64_t number_in(const json::object& line, std::string_view member) {
    const auto* value = line.if_contains(member);
    const bool fits = value && value->is_int64() && value->get_int64() > 0;
    return fits ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

/// Returns the parts of a step that both formats have; nullopt where a member is missing, unknown or of the wrong type.
std::optional<JournalStep> step_in(const json::object& line, std::string_view number_member) {
    const bool is_slot =
        has_members(line, {number_member, "remediation", "description", "slot", "before", "after"}, {"found"});
    const bool is_action =
        has_members(line, {number_member, "remediation", "description", "action", "subject"}, {"kept"});
    const auto number = number_in(line, number_member);
    if (is_slot == is_action || number == 0 || number > std::numeric_limits<unsigned>::max()) return std::nullopt;
    JournalStep step;
    step.number = static_cast<unsigned>(number);
    step.remediation = text_of(line, "remediation");
    step.description = text_of(line, "description");
    if (step.remediation.empty() || step.description.empty()) return std::nullopt;
    if (is_action) {
        step.action = text_of(line, "action");
        step.subject = text_of(line, "subject");
        if (step.action.empty() || step.subject.empty()) return std::nullopt;
        const auto* kept = line.if_contains("kept");
        if (kept && !kept->is_array()) return std::nullopt;
        for (const auto& each : kept ? kept->get_array() : json::array()) {
            const auto* object = each.if_object();
            if (!object || !has_members(*object, {"slot", "value"}) || !object->at("slot").is_object()) {
                return std::nullopt;
            }
            step.kept.push_back({object->at("slot").get_object(), object->at("value")});
        }
        return step;
    }
    const auto* slot = line.at("slot").if_object();
    if (!slot || slot->empty()) return std::nullopt;
    step.slot = *slot;
    step.before = line.at("before");
    step.after = line.at("after");
    if (const auto* found = line.if_contains("found")) step.found = *found;
    return step;
}

/// Returns false where a missing value of the step would make undo remove something. Format 0 has no checksum that
/// would show such damage, but its description says what was there before.
bool fits_its_description(const JournalStep& step) {
    if (!step.before.is_null()) return !step.description.starts_with("create ");
    const auto slot = make_slot(step.slot);
    return slot && (*slot)->describe(step.before, step.after) == step.description;
}

/// Returns the number at the end of a run id; 0 for a text that is not a run id.
std::uint64_t number_of_run(std::string_view run_id) {
    const auto digits = run_id.substr(std::min(run_id.rfind('-'), run_id.size() - 1) + 1);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

/// Returns the names of all run folders, also of those without a journal.
std::vector<std::string> run_folders(const std::filesystem::path& state_folder) {
    std::vector<std::string> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(state_folder / "runs", error), end; !error && entry != end;
         entry.increment(error)) {
        found.push_back(entry->path().filename().string());
    }
    return found;
}

}  // namespace

PlannedStep::Undo undo_of(const JournalStep& step) {
    using enum PlannedStep::Undo;
    if (step.outcome == StepOutcome::discarded) return cannot;
    if (!step.action.empty()) return step.action == "restart-service" ? needs_nothing : cannot;
    const auto slot = make_slot(step.slot);
    return slot && (*slot)->why_not_put_back(step.before).empty() ? puts_back : cannot;
}

Result<Journal> Journal::create(const std::filesystem::path& state_folder, std::chrono::system_clock::time_point now) {
    const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(now);
    const auto stamp = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
    std::uint64_t last = 0;
    for (const auto& folder : run_folders(state_folder)) last = std::max(last, number_of_run(folder));
    const auto run_id = fmt::format("{}-{:04}", stamp, last + 1);
    const auto folder = state_folder / "runs" / run_id;
    if (auto made = machine::local::make_private_folder(folder); !made) return made.error();
    Journal journal(run_id, folder);
    journal.is_new_ = true;
    return journal;
}

Result<Journal> Journal::open(const std::filesystem::path& state_folder, const std::string& run_id, Damage damage) {
    const auto known = runs(state_folder);
    if (std::ranges::find(known, run_id) == known.end()) {
        return machine::Error::not_found(fmt::format("no run '{}' in {}", run_id, (state_folder / "runs").string()));
    }
    Journal journal(run_id, state_folder / "runs" / run_id);
    journal.skips_damage_ = damage == Damage::skip;
    const auto path = journal.folder_ / journal_name;
    const auto content = machine::local::read_file(path, largest_journal);
    if (!content) return content.error();
    std::string_view rest = *content;
    journal.is_new_ = rest.find('\n') == std::string_view::npos;  // not even its first line was written whole
    for (unsigned line_number = 1; !rest.empty(); ++line_number) {
        const auto end = rest.find('\n');
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        Result<void> taken;
        if (end == std::string_view::npos) {
            // A crash cut it off while it was written: nothing was done after it. A complete line was not cut off
            // there.
            const bool is_whole = line.size() > 1 && has_checksum(line.substr(0, line.size() - 1));
            if (is_whole) taken = damaged("it does not end with a line feed");
        } else {
            taken = journal.replay(line, line_number == 1);
        }
        if (taken) continue;
        Error error = taken.error();
        error.message = fmt::format("{}:{}: not a journal line: {}", path.string(), line_number, error.message);
        if (damage == Damage::refuse || error.kind == ErrorKind::unsupported) return error;
        journal.damage_.push_back(std::move(error.message));
    }
    return journal;
}

std::vector<std::string> Journal::runs(const std::filesystem::path& state_folder) {
    auto found = run_folders(state_folder);
    std::erase_if(found, [&](const std::string& run) {
        std::error_code ignored;
        return !std::filesystem::exists(state_folder / "runs" / run / journal_name, ignored);
    });
    std::ranges::sort(found, {}, [](const std::string& run) { return std::pair(number_of_run(run), run); });
    return found;
}

Result<void> Journal::replay(std::string_view text, bool is_first) {
    boost::system::error_code code;
    const auto value = json::parse(text, code);
    const auto* parsed = code ? nullptr : value.if_object();
    const bool with_sum = has_checksum(text);
    if (with_sum && !checksum_fits(text)) return damaged("its checksum is wrong");
    if (!parsed) return damaged(code ? code.message() : "expected an object");
    if (const auto* format = parsed->if_contains("format"); is_first && format) {
        if (!format->is_int64() || format->get_int64() != newest_format) {
            return machine::Error::unsupported(
                fmt::format("a newer version of this program wrote it, in format {}; this one knows formats "
                            "up to {}",
                            json::serialize(*format), newest_format));
        }
        if (!with_sum || !has_members(*parsed, {"format", "crc32"})) return damaged("expected the format alone");
        return {};
    }
    if (!with_sum) {
        is_format_0_ = is_format_0_ || is_first || (skips_damage_ && steps_.empty());
        return is_format_0_ ? replay_format_0(*parsed) : damaged("it has no checksum");
    }
    if (is_first) return damaged("expected the format");
    auto line = *parsed;
    line.erase("crc32");
    return replay_format_1(line);
}

Result<void> Journal::replay_format_0(const json::object& line) {
    if (has_members(line, {"settled"})) {
        const auto* value = line.at("settled").if_int64();
        return value && *value >= 0 ? set_committed(static_cast<std::uint64_t>(*value)) : damaged("expected a number");
    }
    if (has_members(line, {"summary"}) && line.at("summary").is_object()) {
        summary_ = line.at("summary").get_object();
        return {};
    }
    if (has_members(line, {"step", "outcome"}, {"detail"})) {
        return set_outcome(number_in(line, "step"), text_of(line, "outcome"));
    }
    auto step = step_in(line, "step");
    if (!step || step->found || !step->kept.empty()) return damaged("expected a step, an outcome or a summary");
    if (step->action.empty() && !fits_its_description(*step)) {
        return damaged(fmt::format("\"{}\" does not fit what was there before", step->description));
    }
    return add(std::move(*step));
}

Result<void> Journal::replay_format_1(const json::object& line) {
    if (has_members(line, {"commit"})) {
        const auto* value = line.at("commit").if_int64();
        return value && *value >= 0 ? set_committed(static_cast<std::uint64_t>(*value)) : damaged("expected a number");
    }
    if (has_members(line, {"summary"}) && line.at("summary").is_object()) {
        summary_ = line.at("summary").get_object();
        return {};
    }
    if (has_members(line, {"end", "outcome"}, {"detail"})) {
        return set_outcome(number_in(line, "end"), text_of(line, "outcome"));
    }
    auto step = step_in(line, "begin");
    return step ? add(std::move(*step)) : damaged("expected a begin, end, commit or summary");
}

Result<void> Journal::add(JournalStep step) {
    const auto next = steps_.empty() ? 1 : steps_.back().number + 1;
    const bool in_order = skips_damage_ ? step.number >= next : step.number == next;
    if (!in_order) return damaged(fmt::format("expected step {}", next));
    steps_.push_back(std::move(step));
    return {};
}

Result<void> Journal::set_outcome(std::uint64_t step_number, std::string_view word) {
    const auto* known = std::ranges::find(outcome_words, word, &std::pair<StepOutcome, std::string_view>::second);
    const auto step = std::ranges::find(steps_, step_number, &JournalStep::number);
    if (known == std::end(outcome_words) || step == steps_.end()) return damaged("expected the outcome of a step");
    step->outcome = known->first;
    return {};
}

Result<void> Journal::set_committed(std::uint64_t step_number) {
    if (step_number > (steps_.empty() ? 0 : steps_.back().number)) return damaged("there is no such step");
    committed_ = static_cast<unsigned>(step_number);
    return {};
}

Result<void> Journal::append(const json::object& line) {
    if (write_failure_) return *write_failure_;
    const auto format = is_new_ ? with_checksum({{"format", newest_format}}) + "\n" : std::string();
    auto written = machine::local::append_line_durably(folder_ / journal_name, format + with_checksum(line) + "\n");
    if (!written) write_failure_ = written.error();
    is_new_ = false;
    return written;
}

Result<void> Journal::begin(JournalStep& step) {
    if (!damage_.empty()) return damaged(fmt::format("the journal of run {} is damaged", run_id_));
    step.number = steps_.empty() ? 1 : steps_.back().number + 1;
    json::object line{{"begin", step.number}, {"remediation", step.remediation}, {"description", step.description}};
    if (step.action.empty()) {
        line["slot"] = step.slot;
        line["before"] = step.before;
        line["after"] = step.after;
        if (step.found) line["found"] = *step.found;
    } else {
        line["action"] = step.action;
        line["subject"] = step.subject;
        json::array kept;
        for (const auto& each : step.kept) kept.push_back(json::object{{"slot", each.slot}, {"value", each.value}});
        if (!kept.empty()) line["kept"] = std::move(kept);
    }
    if (auto written = append(line); !written) return written.error();
    steps_.push_back(step);
    return {};
}

Result<void> Journal::end(unsigned step_number, StepOutcome outcome, const std::string& detail) {
    const auto* word = std::ranges::find(outcome_words, outcome, &std::pair<StepOutcome, std::string_view>::first);
    json::object line{{"end", step_number}, {"outcome", word->second}};
    if (!detail.empty()) line["detail"] = detail;
    if (auto written = append(line); !written) return written.error();
    if (auto step = std::ranges::find(steps_, step_number, &JournalStep::number); step != steps_.end()) {
        step->outcome = outcome;
    }
    return {};
}

Result<void> Journal::note(json::object summary) {
    if (auto written = append({{"summary", summary}}); !written) return written.error();
    summary_ = std::move(summary);
    return {};
}

Result<void> Journal::commit() {
    const auto last = steps_.empty() ? 0 : steps_.back().number;
    if (auto written = append({{"commit", last}}); !written) return written.error();
    committed_ = last;
    return {};
}

}  // namespace remediations
