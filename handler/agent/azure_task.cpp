#include "handler/agent/azure_task.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <stdexcept>

#include "remediations/formats/json.hpp"
#include "remediations/machine/clock_time.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

using machine::Result;
using remediations::azure::BegunBackup;
using std::chrono::system_clock;
namespace json = boost::json;

namespace {

constexpr std::int64_t task_schema = 1;
constexpr std::size_t task_limit = std::size_t{64} << 10;
constexpr std::pair<ProveMode, std::string_view> prove_words[] = {
    {ProveMode::no, "no"}, {ProveMode::snapshot, "snapshot"}, {ProveMode::vault, "vault"}};

json::array array_of(const std::vector<std::string>& texts) {
    json::array array;
    for (const auto& text : texts) array.emplace_back(text);
    return array;
}

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
    std::vector<std::string> texts;
    for (const auto& element : object.at(key).as_array()) texts.emplace_back(element.as_string());
    return texts;
}

std::int64_t number_at(const json::object& object, std::string_view key, std::int64_t least, std::int64_t most) {
    const auto number = object.at(key).as_int64();
    if (number < least || number > most) throw std::out_of_range("a number");
    return number;
}

std::int64_t seconds_of(system_clock::time_point time) {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

system_clock::time_point time_in(const json::value& value) {
    return machine::time_after_1970(std::chrono::seconds(value.as_int64()));
}

json::value value_of(const std::optional<BegunBackup>& begun) {
    if (!begun) return nullptr;
    return json::object{{"item", begun->item}, {"job", begun->job}, {"started", seconds_of(begun->started)}};
}

std::optional<BegunBackup> begun_in(const json::value& value) {
    if (value.is_null()) return std::nullopt;
    const auto& object = value.as_object();
    return BegunBackup{std::string(object.at("item").as_string()), std::string(object.at("job").as_string()),
                       time_in(object.at("started"))};
}

/// Throws what boost::json throws where a member is missing or of another type.
AzureTask task_from(const json::object& object) {
    number_at(object, "schema", task_schema, task_schema);
    AzureTask task;
    task.id = object.at("id").as_string();
    task.computer = object.at("computer").as_string();
    task.repairs = object.at("repairs").as_bool();
    task.attempts = static_cast<unsigned>(number_at(object, "attempts", 0, 1000));
    const auto prove = parse_prove_mode(object.at("prove").as_string());
    if (!prove) throw std::invalid_argument("an unknown way to prove");
    task.prove = *prove;
    task.prove_within = std::chrono::hours(number_at(object, "proveWithinHours", 1, most_prove_hours));
    task.begun = begun_in(object.at("begun"));
    if (const auto& changed = object.at("changed"); !changed.is_null()) task.changed = time_in(changed);
    task.done_inside = object.at("doneInside").as_string();
    task.done = object.at("done").as_string();
    task.azure = {true, task.repairs, std::string(object.at("identityClientId").as_string()),
                  std::string(object.at("vault").as_string())};
    task.max_disruption = remediations::parse_disruption(object.at("maxDisruption").as_string());
    task.error_code = object.at("errorCode").as_string();
    task.only = texts_at(object, "only");
    task.exclude = texts_at(object, "exclude");
    return task;
}

}  // namespace

std::string_view to_string(ProveMode mode) {
    return prove_words[static_cast<std::size_t>(mode)].second;
}

std::optional<ProveMode> parse_prove_mode(std::string_view word) {
    const auto* found = std::ranges::find(prove_words, word, &std::pair<ProveMode, std::string_view>::second);
    return found == std::end(prove_words) ? std::nullopt : std::optional(found->first);
}

std::filesystem::path azure_task_file(const std::filesystem::path& state_folder) {
    return state_folder / "azure.json";
}

std::optional<AzureTask> load_azure_task(const std::filesystem::path& state_folder) {
    // What lies in a folder that is not ours alone is not even read.
    if (!machine::local::check_only_we_write_to(state_folder)) return std::nullopt;
    const auto text = machine::local::read_file(azure_task_file(state_folder), task_limit);
    if (!text) return std::nullopt;
    const auto document = remediations::parse_json(*text, "azure.json");
    if (!document) return std::nullopt;
    try {
        return task_from(document->as_object());
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

Result<void> save_azure_task(const std::filesystem::path& state_folder, const AzureTask& task) {
    const json::object document{{"schema", task_schema},
                                {"id", task.id},
                                {"computer", task.computer},
                                {"repairs", task.repairs},
                                {"attempts", task.attempts},
                                {"prove", to_string(task.prove)},
                                {"proveWithinHours", task.prove_within.count()},
                                {"begun", value_of(task.begun)},
                                {"changed", task.changed ? json::value(seconds_of(*task.changed)) : json::value()},
                                {"doneInside", machine::valid_utf8(task.done_inside)},
                                {"done", machine::valid_utf8(task.done)},
                                {"identityClientId", task.azure.client_id},
                                {"vault", task.azure.vault_id},
                                {"maxDisruption", to_string(task.max_disruption)},
                                {"errorCode", machine::valid_utf8(task.error_code)},
                                {"only", array_of(task.only)},
                                {"exclude", array_of(task.exclude)}};
    return machine::local::write_durably(azure_task_file(state_folder), json::serialize(document));
}

void remove_azure_task(const std::filesystem::path& state_folder) {
    std::error_code code;
    std::filesystem::remove(azure_task_file(state_folder), code);
}

}  // namespace handler
