#include "remediations/knowledge/configuration/extension_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <charconv>

#include "remediations/knowledge/configuration/agent_configuration.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Path;
using machine::Result;
namespace json = boost::json;

namespace {

constexpr std::size_t status_limit = std::size_t{1} << 20;
constexpr auto handler_state_key = R"(HKLM\SOFTWARE\Microsoft\Windows Azure\HandlerState)";

/// Returns a number, or the number in a text: the extension writes "code": "402".
std::optional<int> number_of(const json::value* value) {
    if (value == nullptr) return std::nullopt;
    if (const auto converted = json::try_value_to<int>(*value)) return *converted;
    const auto* text = value->if_string();
    if (text == nullptr) return std::nullopt;
    int number = 0;
    const auto* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, number);
    return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

std::string text_of(const json::value* value) {
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// substatus[0].name of a failed snapshot is itself JSON: {"code": .., "message": ..} or a list of them.
struct HiddenResult {
    int code = 0;
    std::string message;
};
std::optional<HiddenResult> hidden_result(const json::object& status) {
    const auto* list = status.if_contains("substatus");
    if (!list || !list->is_array() || list->get_array().empty()) return std::nullopt;
    const auto* first = list->get_array().front().if_object();
    const auto inner_text = text_of(first ? first->if_contains("name") : nullptr);
    boost::system::error_code error;
    const auto inner = json::parse(inner_text, error, {}, {.max_depth = 16});
    if (error) return std::nullopt;
    const auto* item = inner.is_array() && !inner.get_array().empty() ? &inner.get_array().front() : &inner;
    const auto* object = item->if_object();
    const auto code = object ? number_of(object->if_contains("code")) : std::nullopt;
    if (!code) return std::nullopt;
    return HiddenResult{*code, std::string(text_of(object->if_contains("message")))};
}

template <class T>
bool is_not_found(const Result<T>& answer) {
    return !answer && answer.error().kind == ErrorKind::not_found;
}

/// Returns the content, or nullopt. Notes a file that exists but cannot be read in the folder.
std::optional<std::string> read_noting(const Machine& machine, const Path& path, ExtensionFolder& folder) {
    auto content = machine.files().read(path, status_limit);
    if (content) return std::move(*content);
    if (!is_not_found(content)) folder.unreadable.emplace_back(path, content.error().message);
    return std::nullopt;
}

void read_handler_status(const Machine& machine, ExtensionFolder& folder) {
    const auto path = folder.path + "/config/HandlerStatus";
    const auto text = read_noting(machine, path, folder);
    if (!text) return;
    boost::system::error_code error;
    const auto document = json::parse(*text, error, {}, {.max_depth = 16});
    const auto* object = error ? nullptr : document.if_object();
    if (!object) {
        folder.unreadable.emplace_back(path, "expected a JSON object with \"status\" and \"code\"");
        return;
    }
    folder.handler_status = text_of(object->if_contains("status"));
    folder.handler_code = number_of(object->if_contains("code")).value_or(0);
    folder.handler_message = text_of(object->if_contains("message"));
    if (const auto status = machine.files().status(path)) folder.handler_reported = status->modified;
}

std::optional<std::uint64_t> status_number(std::string_view name) {
    constexpr std::string_view ending = ".status";
    if (!name.ends_with(ending)) return std::nullopt;
    name.remove_suffix(ending.size());
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    return parsed.ec == std::errc() && parsed.ptr == name.data() + name.size() ? std::optional(number) : std::nullopt;
}

/// Reads the status file with the highest number, which is the newest, because the agent counts upwards.
void read_newest_status(const Machine& machine, const Path& status_folder, char separator, ExtensionFolder& folder) {
    const auto names = machine.files().list(status_folder);
    if (!names) {
        if (!is_not_found(names)) folder.unreadable.emplace_back(status_folder, names.error().message);
        return;
    }
    std::optional<std::uint64_t> newest;
    for (const auto& name : *names) newest = std::max(newest, status_number(name));
    if (!newest) return;
    const auto path = fmt::format("{}{}{}.status", status_folder, separator, *newest);
    const auto text = read_noting(machine, path, folder);
    if (!text) return;
    auto status = parse_extension_status(path, *text);
    if (!status) {
        folder.unreadable.emplace_back(path, status.error().message);
        return;
    }
    if (const auto file = machine.files().status(path)) status->modified = file->modified;
    folder.status = std::move(*status);
}

Result<InstalledExtension> read_linux(const Machine& machine) {
    const auto library = agent_library_folder(machine);
    const auto names = machine.files().list(library);
    if (is_not_found(names)) return InstalledExtension{};
    if (!names) return names.error();
    const auto name = backup_extension_name(machine::Platform::linux);
    InstalledExtension installed;
    for (const auto& entry : *names) {
        const auto path = library + "/" + entry;
        const bool is_package = entry.ends_with(".zip");
        if (is_package && (entry.starts_with(name + "__") || entry.starts_with(name + "-"))) {
            installed.packages.push_back(path);
        }
        if (is_package || !entry.starts_with(name + "-")) continue;
        auto inside = machine.files().list(path);
        if (!inside) continue;  // a file with such a name, or it vanished meanwhile
        ExtensionFolder folder;
        folder.path = path;
        folder.version = entry.substr(name.size() + 1);
        folder.names = std::move(*inside);
        if (auto config = machine.files().list(path + "/config")) folder.config_names = std::move(*config);
        if (auto state = read_noting(machine, path + "/config/HandlerState", folder)) {
            folder.handler_state = state->substr(0, state->find_first_of("\r\n "));
        }
        read_handler_status(machine, folder);
        read_newest_status(machine, path + "/status", '/', folder);
        installed.folders.push_back(std::move(folder));
    }
    return installed;
}

Result<InstalledExtension> read_windows(const Machine& machine) {
    const auto name = backup_extension_name(machine::Platform::windows);
    const auto plugin = machine.facts().system_drive + R"(\Packages\Plugins\)" + name;
    InstalledExtension installed;
    const auto versions = machine.files().list(plugin);
    if (!versions && !is_not_found(versions)) return versions.error();
    for (const auto& version : versions ? *versions : std::vector<std::string>{}) {
        auto inside = machine.files().list(plugin + "\\" + version);
        if (!inside) continue;
        ExtensionFolder folder;
        folder.path = plugin + "\\" + version;
        folder.version = version;
        folder.names = std::move(*inside);
        const auto key = fmt::format("{}\\{}_{}", handler_state_key, name, version);
        if (const auto state = machine.registry().value(key, "InstallState")) {
            if (const auto* text = std::get_if<std::string>(&state->data)) folder.handler_state = *text;
        }
        if (const auto message = machine.registry().value(key, "GuestAgentMessage")) {
            if (const auto* text = std::get_if<std::string>(&message->data)) folder.handler_message = *text;
        }
        read_newest_status(machine, folder.path + "\\Status", '\\', folder);
        installed.folders.push_back(std::move(folder));
    }
    const auto keys = machine.registry().subkeys(handler_state_key);
    if (!keys && !is_not_found(keys)) return keys.error();
    for (const auto& key : keys ? *keys : std::vector<std::string>{}) {
        if (boost::istarts_with(key, name + "_")) {
            installed.state_keys.push_back(fmt::format("{}\\{}", handler_state_key, key));
        }
    }
    return installed;
}

}  // namespace

const ExtensionFolder* version_in_use(const InstalledExtension& installed) {
    const auto enabled = std::find_if(installed.folders.rbegin(), installed.folders.rend(),
                                      [](const auto& folder) { return folder.handler_state == "Enabled"; });
    if (enabled != installed.folders.rend()) return &*enabled;
    return installed.folders.empty() ? nullptr : &installed.folders.back();
}

std::string backup_extension_name(machine::Platform platform) {
    return platform == machine::Platform::windows ? "Microsoft.Azure.RecoveryServices.VMSnapshot"
                                                  : "Microsoft.Azure.RecoveryServices.VMSnapshotLinux";
}

Result<InstalledExtension> installed_backup_extension(const Machine& machine) {
    auto installed =
        machine.facts().platform == machine::Platform::windows ? read_windows(machine) : read_linux(machine);
    if (installed) {
        std::ranges::sort(installed->folders, [](const auto& left, const auto& right) {
            return compare_versions(left.version, right.version) < 0;
        });
    }
    return installed;
}

int compare_versions(std::string_view left, std::string_view right) {
    const auto take_number = [](std::string_view& text) {
        std::uint64_t number = 0;
        const auto end = std::min(text.find('.'), text.size());
        std::from_chars(text.data(), text.data() + end, number);
        text.remove_prefix(std::min(end + 1, text.size()));
        return number;
    };
    while (!left.empty() || !right.empty()) {
        const auto a = take_number(left);
        const auto b = take_number(right);
        if (a != b) return a < b ? -1 : 1;
    }
    return 0;
}

Result<ExtensionStatus> parse_extension_status(const Path& file, const std::string& text) {
    const auto invalid = [&](const std::string& what) { return machine::Error::invalid(file + ": " + what); };
    boost::system::error_code error;
    // Windows writers put a byte order mark before the text.
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    const std::string_view body =
        std::string_view(text).substr(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
    const auto document = json::parse(body, error, {}, {.max_depth = 16});
    if (error) return invalid("not JSON: " + error.message());
    const auto* list = document.if_array();
    const auto* entry = list && !list->empty() ? list->front().if_object() : nullptr;
    const auto* status_value = entry ? entry->if_contains("status") : nullptr;
    const auto* status = status_value ? status_value->if_object() : nullptr;
    if (!status) return invalid("expected a list of one object with \"status\"");
    ExtensionStatus parsed;
    parsed.file = file;
    parsed.word = text_of(status->if_contains("status"));
    parsed.code = number_of(status->if_contains("code"));
    if (const auto* formatted = status->if_contains("formattedMessage"); formatted && formatted->is_object()) {
        parsed.message = text_of(formatted->get_object().if_contains("message"));
    }
    if (const auto hidden = hidden_result(*status); hidden && parsed.code.value_or(0) == 0) {
        parsed.code = hidden->code;
        if (parsed.message.empty()) parsed.message = hidden->message;
    }
    return parsed;
}

}  // namespace remediations
