#include "handler/guard/guard_record.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "handler/guard/guard_settings.hpp"
#include "handler/report/plain_text.hpp"
#include "remediations/formats/json.hpp"
#include "remediations/machine/clock_time.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

using machine::Result;
namespace json = boost::json;

namespace {

constexpr std::int64_t record_schema = 1;
constexpr std::size_t guard_record_limit = std::size_t{256} << 10;
constexpr std::size_t longest_text = 512;
constexpr std::string_view state_words[] = {"waiting", "proven", "not-healed"};

std::int64_t seconds_of(GuardTime time) {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// Returns the nearest time that the clock can hold.
GuardTime time_at(const json::object& object, std::string_view key) {
    return machine::time_after_1970(std::chrono::seconds(object.at(key).as_int64()));
}

unsigned count_at(const json::object& object, std::string_view key) {
    return static_cast<unsigned>(std::clamp<std::int64_t>(object.at(key).as_int64(), 0, 1'000'000));
}

std::string text_at(const json::object& object, std::string_view key) {
    // This program writes no longer ones.
    if (object.at(key).as_string().size() > 2 * longest_text) throw std::invalid_argument("a text that is too long");
    return std::string(object.at(key).as_string());
}

Treatment treatment_from(const json::object& object) {
    Treatment treatment;
    treatment.cause = text_at(object, "cause");
    const auto* word = std::ranges::find(state_words, text_at(object, "state"));
    if (word == std::end(state_words)) throw std::invalid_argument("an unknown state");
    treatment.state = static_cast<Treatment::State>(word - std::begin(state_words));
    treatment.run_id = text_at(object, "run");
    treatment.time = time_at(object, "time");
    treatment.in_a_row = count_at(object, "inARow");
    treatment.shape = text_at(object, "shape");
    treatment.failure = text_at(object, "failure");
    return treatment;
}

GuardRecord record_from(const json::object& object) {
    if (object.at("schema").as_int64() != record_schema) throw std::invalid_argument("an unknown schema");
    GuardRecord record;
    record.computer.id = text_at(object, "computer");
    record.computer.boot = text_at(object, "boot");
    record.computer.uptime = std::chrono::floor<std::chrono::seconds>(time_at(object, "uptime").time_since_epoch());
    record.looked = time_at(object, "looked");
    record.seen = text_at(object, "seen");
    record.look_again = object.at("lookAgain").as_bool();
    record.next_try = time_at(object, "nextTry");
    record.repairing = text_at(object, "repairing");
    record.repairs_in_a_row = count_at(object, "repairsInARow");
    record.last_repair = time_at(object, "lastRepair");
    record.folder_missing_since = time_at(object, "folderMissingSince");
    record.told = text_at(object, "told");
    for (const auto& each : object.at("treatments").as_array()) {
        if (record.treatments.size() < most_treatments) record.treatments.push_back(treatment_from(each.as_object()));
    }
    return record;
}

std::string bounded(const std::string& text) {
    return machine::valid_utf8(shortened(machine::valid_utf8(text), longest_text));
}

json::object object_of(const Treatment& treatment) {
    return {{"cause", bounded(treatment.cause)},    {"state", state_words[static_cast<std::size_t>(treatment.state)]},
            {"run", bounded(treatment.run_id)},     {"time", seconds_of(treatment.time)},
            {"inARow", treatment.in_a_row},         {"shape", bounded(treatment.shape)},
            {"failure", bounded(treatment.failure)}};
}

void drop_oldest(std::vector<Treatment>& treatments) {
    while (treatments.size() > most_treatments) {
        const auto is_worth_less = [](const Treatment& left, const Treatment& right) {
            const auto is_proven = [](const Treatment& each) { return each.state == Treatment::State::proven; };
            if (is_proven(left) != is_proven(right)) return is_proven(left);
            return left.time < right.time;
        };
        treatments.erase(std::ranges::min_element(treatments, is_worth_less));
    }
}

}  // namespace

const Treatment* GuardRecord::find(const std::string& cause) const {
    const auto found = std::ranges::find(treatments, cause, &Treatment::cause);
    return found == treatments.end() ? nullptr : &*found;
}

Treatment* GuardRecord::find(const std::string& cause) {
    const auto found = std::ranges::find(treatments, cause, &Treatment::cause);
    return found == treatments.end() ? nullptr : &*found;
}

std::filesystem::path guard_record_file(const std::filesystem::path& state_folder) {
    return guard_folder(state_folder) / "record.json";
}

GuardRecord load_guard_record(const std::filesystem::path& state_folder) {
    const auto text = machine::local::read_file(guard_record_file(state_folder), guard_record_limit);
    if (!text) return {};
    const auto document = remediations::parse_json(*text, "record.json");
    if (!document) return {};
    try {
        return record_from(document->as_object());
    } catch (const std::exception&) {
        return {};
    }
}

Result<void> save_guard_record(const std::filesystem::path& state_folder, GuardRecord record) {
    drop_oldest(record.treatments);
    json::array treatments;
    for (const auto& treatment : record.treatments) treatments.push_back(object_of(treatment));
    const json::object document{{"schema", record_schema},
                                {"computer", bounded(record.computer.id)},
                                {"boot", bounded(record.computer.boot)},
                                {"uptime", record.computer.uptime.count()},
                                {"looked", seconds_of(record.looked)},
                                {"seen", bounded(record.seen)},
                                {"lookAgain", record.look_again},
                                {"nextTry", seconds_of(record.next_try)},
                                {"repairing", bounded(record.repairing)},
                                {"repairsInARow", record.repairs_in_a_row},
                                {"lastRepair", seconds_of(record.last_repair)},
                                {"folderMissingSince", seconds_of(record.folder_missing_since)},
                                {"told", bounded(record.told)},
                                {"treatments", std::move(treatments)}};
    return machine::local::write_durably(guard_record_file(state_folder), json::serialize(document));
}

}  // namespace handler
