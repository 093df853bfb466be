#include "handler/guard/guard_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "handler/report/paths.hpp"
#include "remediations/formats/json.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

using machine::ErrorKind;
using machine::Result;
namespace json = boost::json;

namespace {

constexpr std::int64_t guard_schema = 1;
constexpr std::size_t guard_settings_limit = std::size_t{64} << 10;

json::array array_of(const std::vector<std::string>& texts) {
    json::array array;
    for (const auto& text : texts) array.emplace_back(text);
    return array;
}

/// Throws the exceptions of boost::json where a member is missing or of another type. Keeps ids that only a later
/// version knows.
std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
    std::vector<std::string> texts;
    for (const auto& element : object.at(key).as_array()) texts.emplace_back(element.as_string());
    return texts;
}

GuardSettings settings_from(const json::object& object) {
    if (object.at("schema").as_int64() != guard_schema) throw std::invalid_argument("an unknown schema");
    GuardSettings settings;
    const auto mode = parse_guard_mode(object.at("mode").as_string());
    const auto hours = object.at("hours").as_int64();
    if (!mode || hours < 1 || hours > most_guard_hours) throw std::invalid_argument("a bad mode or bad hours");
    settings.mode = *mode;
    settings.every = std::chrono::hours(hours);
    settings.max_disruption = remediations::parse_disruption(object.at("maxDisruption").as_string());
    settings.allow_security_changes = object.at("allowSecurityChanges").as_bool();
    settings.only = texts_at(object, "only");
    settings.exclude = texts_at(object, "exclude");
    settings.agent_installer = object.at("agentInstaller").as_string();
    settings.by_hand = object.at("byHand").as_bool();
    settings.suspended = object.at("suspended").as_bool();
    settings.handler_folder = to_path(object.at("handlerFolder").as_string());
    settings.version = object.at("version").as_string();
    return settings;
}

constexpr std::pair<GuardMode, std::string_view> mode_words[] = {
    {GuardMode::off, "off"}, {GuardMode::watch, "watch"}, {GuardMode::repair, "repair"}};

}  // namespace

std::string_view to_string(GuardMode mode) {
    return mode_words[static_cast<std::size_t>(mode)].second;
}

std::optional<GuardMode> parse_guard_mode(std::string_view word) {
    const auto* found = std::ranges::find(mode_words, word, &std::pair<GuardMode, std::string_view>::second);
    return found == std::end(mode_words) ? std::nullopt : std::optional(found->first);
}

std::filesystem::path guard_folder(const std::filesystem::path& state_folder) {
    return state_folder / "guard";
}

std::filesystem::path guard_settings_file(const std::filesystem::path& state_folder) {
    return guard_folder(state_folder) / "settings.json";
}

Result<std::optional<GuardSettings>> load_guard_settings(const std::filesystem::path& state_folder) {
    const auto file = guard_settings_file(state_folder);
    // Does not even read a folder that others can write to.
    for (const auto& folder : {state_folder, guard_folder(state_folder)}) {
        const auto checked = machine::local::check_only_we_write_to(folder);
        if (!checked && checked.error().kind == ErrorKind::not_found) return std::nullopt;
        if (!checked) return checked.error();
    }
    const auto text = machine::local::read_file(file, guard_settings_limit);
    if (!text && text.error().kind == ErrorKind::not_found) return std::nullopt;
    if (!text) return text.error();
    const auto document = remediations::parse_json(*text, to_text(file));
    if (!document) return document.error();
    try {
        return std::optional(settings_from(document->as_object()));
    } catch (const std::exception& error) {
        return machine::Error::invalid(
            fmt::format("{}: expected what this program writes there: {}", to_text(file), error.what()));
    }
}

Result<void> save_guard_settings(const std::filesystem::path& state_folder, const GuardSettings& settings) {
    for (const auto& folder : {state_folder, guard_folder(state_folder)}) {
        if (auto made = machine::local::make_private_folder(folder); !made) return made.error();
    }
    const json::object document{{"schema", guard_schema},
                                {"mode", to_string(settings.mode)},
                                {"hours", settings.every.count()},
                                {"maxDisruption", to_string(settings.max_disruption)},
                                {"allowSecurityChanges", settings.allow_security_changes},
                                {"only", array_of(settings.only)},
                                {"exclude", array_of(settings.exclude)},
                                {"agentInstaller", settings.agent_installer},
                                {"byHand", settings.by_hand},
                                {"suspended", settings.suspended},
                                {"handlerFolder", to_text(settings.handler_folder)},
                                {"version", settings.version}};
    return machine::local::write_durably(guard_settings_file(state_folder), json::serialize(document));
}

}  // namespace handler
