#include "remediations/knowledge/extension/other_handlers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <map>

#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Path;
using machine::Result;
namespace json = boost::json;

namespace {

constexpr std::size_t file_limit = std::size_t{1} << 20;
/// The name of this program as an extension. manifest/identity.json has its publisher and types.
constexpr auto own_name = "Community.Backup.BackupRemediationLinux";
constexpr auto own_name_on_windows = "Community.Backup.BackupRemediation";
constexpr auto handler_state_key = R"(HKLM\SOFTWARE\Microsoft\Windows Azure\HandlerState)";

bool is_other_handler(std::string_view name) {
    return name.find('.') != std::string_view::npos && name != own_name &&
           name != backup_extension_name(machine::Platform::linux);
}

bool is_other_handler_on_windows(std::string_view name) {
    return name.find('.') != std::string_view::npos && !boost::iequals(name, own_name_on_windows) &&
           !boost::iequals(name, backup_extension_name(machine::Platform::windows));
}

/// Splits "Publisher.Type-1.2.3": the version follows the last '-' and has only digits and dots.
std::optional<std::pair<std::string, std::string>> split_name(const std::string& entry) {
    const auto dash = entry.rfind('-');
    if (dash == std::string::npos || dash == 0) return std::nullopt;
    auto version = entry.substr(dash + 1);
    const bool is_version = !version.empty() && version.find('.') != std::string::npos &&
                            version.find_first_not_of("0123456789.") == std::string::npos;
    if (!is_version) return std::nullopt;
    return std::pair(entry.substr(0, dash), std::move(version));
}

std::string text_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

void read_handler_status(const Machine& machine, OtherHandler& handler) {
    const auto text = machine.files().read(handler.path + "/config/HandlerStatus", file_limit);
    if (!text) return;
    boost::system::error_code error;
    const auto document = json::parse(*text, error, {}, {.max_depth = 16});
    const auto* object = error ? nullptr : document.if_object();
    if (!object) return;
    handler.status = text_of(*object, "status");
    handler.message = text_of(*object, "message");
    if (const auto* code = object->if_contains("code")) {
        if (const auto number = json::try_value_to<int>(*code)) handler.code = *number;
    }
}

/// Splits "3.status" or, where a handler has several extensions, "<extension>.3.status".
std::optional<std::pair<std::string, std::uint64_t>> split_status_name(std::string_view name) {
    constexpr std::string_view ending = ".status";
    if (!name.ends_with(ending)) return std::nullopt;
    name.remove_suffix(ending.size());
    const auto dot = name.rfind('.');
    const auto number_text = dot == std::string_view::npos ? name : name.substr(dot + 1);
    std::uint64_t number = 0;
    const auto* end = number_text.data() + number_text.size();
    const auto parsed = std::from_chars(number_text.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
    return std::pair(std::string(dot == std::string_view::npos ? std::string_view() : name.substr(0, dot)), number);
}

void read_extensions(const Machine& machine, const Path& folder, char separator, OtherHandler& handler) {
    const auto names = machine.files().list(folder);
    if (!names) return;
    std::map<std::string, std::pair<std::uint64_t, std::string>> newest;
    for (const auto& name : *names) {
        const auto parts = split_status_name(name);
        if (!parts) continue;
        auto& best = newest[parts->first];
        if (best.second.empty() || parts->second > best.first) best = {parts->second, name};
    }
    for (const auto& [extension, best] : newest) {
        const auto path = folder + separator + best.second;
        const auto text = machine.files().read(path, file_limit);
        auto status = text ? parse_extension_status(path, *text) : Result<ExtensionStatus>(text.error());
        if (!status) continue;
        if (const auto file = machine.files().status(path)) status->modified = file->modified;
        handler.extensions.push_back(std::move(*status));
    }
}

Result<std::vector<OtherHandler>> read_windows(const Machine& machine) {
    const auto plugins = machine.facts().system_drive + R"(\Packages\Plugins)";
    const auto names = machine.files().list(plugins);
    if (!names && names.error().kind == ErrorKind::not_found) return std::vector<OtherHandler>{};
    if (!names) return names.error();
    std::vector<OtherHandler> handlers;
    for (const auto& name : *names) {
        const auto versions = is_other_handler_on_windows(name)
                                  ? machine.files().list(plugins + '\\' + name)
                                  : Result<std::vector<std::string>>(std::vector<std::string>{});
        if (!versions || versions->empty()) continue;
        OtherHandler handler;
        handler.name = name;
        handler.version = *std::ranges::max_element(
            *versions, [](const auto& left, const auto& right) { return compare_versions(left, right) < 0; });
        handler.path = plugins + '\\' + name + '\\' + handler.version;
        const auto state =
            registry_text(machine, fmt::format("{}\\{}_{}", handler_state_key, name, handler.version), "InstallState");
        // A handler that is not known to the agent any more left its folder behind.
        if (state && *state) handler.state = **state;
        read_extensions(machine, handler.path + R"(\Status)", '\\', handler);
        handlers.push_back(std::move(handler));
    }
    return handlers;
}

}  // namespace

Result<std::vector<OtherHandler>> other_handlers(const Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return read_windows(machine);
    const auto library = agent_library_folder(machine);
    const auto names = machine.files().list(library);
    if (!names && names.error().kind == ErrorKind::not_found) return std::vector<OtherHandler>{};
    if (!names) return names.error();
    std::map<std::string, std::string> newest;
    for (const auto& entry : *names) {
        const auto parts = split_name(entry);
        if (!parts || !is_other_handler(parts->first)) continue;
        auto& version = newest[parts->first];
        if (version.empty() || compare_versions(parts->second, version) > 0) version = parts->second;
    }
    std::vector<OtherHandler> handlers;
    for (const auto& [name, version] : newest) {
        OtherHandler handler;
        handler.name = name;
        handler.version = version;
        handler.path = fmt::format("{}/{}-{}", library, name, version);
        if (const auto state = machine.files().read(handler.path + "/config/HandlerState", file_limit)) {
            handler.state = state->substr(0, state->find_first_of("\r\n "));
        }
        read_handler_status(machine, handler);
        read_extensions(machine, handler.path + "/status", '/', handler);
        handlers.push_back(std::move(handler));
    }
    return handlers;
}

}  // namespace remediations
