#include "remediations/knowledge/configuration/extension_settings.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <charconv>
#include <optional>

#include "remediations/knowledge/configuration/extension_folder.hpp"

namespace remediations {

namespace json = boost::json;

using machine::Error;
using machine::ErrorKind;
using machine::Path;
using machine::Result;

namespace {

/// Returns <n> of "<n>.settings".
std::optional<std::uint64_t> sequence_of(std::string_view name) {
    constexpr std::string_view ending = ".settings";
    if (!name.ends_with(ending)) return std::nullopt;
    name.remove_suffix(ending.size());
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (name.empty() || parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return std::nullopt;
    return number;
}

const json::value* member(const json::value* value, std::string_view name) {
    const auto* object = value ? value->if_object() : nullptr;
    return object ? object->if_contains(name) : nullptr;
}

}  // namespace

Result<BackupSettings> parse_backup_settings(const Path& file, const std::string& text) {
    const auto invalid = [&](const std::string& what) { return machine::Error::invalid(file + ": " + what); };
    boost::system::error_code error;
    const auto document = json::parse(text, error, {}, {.max_depth = 16});
    if (error) return invalid("not JSON: " + error.message());
    const auto* list = member(&document, "runtimeSettings");
    const auto* entries = list ? list->if_array() : nullptr;
    if (!entries || entries->empty()) return invalid("expected runtimeSettings with one entry");
    const auto* handler = member(&entries->front(), "handlerSettings");
    if (!handler || !handler->is_object()) return invalid("expected an object handlerSettings");
    BackupSettings settings;
    settings.file = file;
    if (const auto* thumbprint = member(handler, "protectedSettingsCertThumbprint"); thumbprint) {
        if (const auto* value = thumbprint->if_string()) settings.thumbprint = std::string(*value);
    }
    // It becomes a file's name.
    const auto is_digit = [](unsigned char c) { return std::isxdigit(c) != 0; };
    if (!settings.thumbprint.empty() &&
        (settings.thumbprint.size() != 40 || !std::ranges::all_of(settings.thumbprint, is_digit))) {
        return invalid("protectedSettingsCertThumbprint is not 40 hexadecimal digits");
    }
    std::ranges::transform(settings.thumbprint, settings.thumbprint.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (const auto* secret = member(handler, "protectedSettings"); secret && secret->is_string()) {
        settings.is_encrypted = !secret->get_string().empty();
    }
    return settings;
}

Result<BackupSettings> newest_backup_settings(const machine::Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return installed.error();
    const Error none = machine::Error::not_found("the backup extension has no settings");
    if (installed->folders.empty()) return none;
    const auto& folder = installed->folders.back();
    const bool on_windows = machine.facts().platform == machine::Platform::windows;
    const auto place = folder.path + (on_windows ? R"(\RuntimeSettings\)" : "/config/");
    auto names = folder.config_names;
    if (on_windows) {
        const auto listed = machine.files().list(folder.path + R"(\RuntimeSettings)");
        if (!listed && listed.error().kind != ErrorKind::not_found) return listed.error();
        if (listed) names = *listed;
    }
    std::optional<std::uint64_t> newest;
    for (const auto& name : names) {
        if (const auto sequence = sequence_of(name); sequence && sequence >= newest) newest = sequence;
    }
    if (!newest) return none;
    const auto file = place + std::to_string(*newest) + ".settings";
    const auto text = machine.files().read(file);
    if (!text) return text.error();
    if (text->empty()) return none;  // the agent writes it so for an extension without settings
    return parse_backup_settings(file, *text);
}

}  // namespace remediations
