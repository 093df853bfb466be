#include "handler/agent/environment.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "handler/report/paths.hpp"
#include "remediations/formats/json.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

using machine::Error;
using machine::ErrorKind;
using machine::Result;
namespace json = boost::json;

namespace {

constexpr auto file_name = "HandlerEnvironment.json";
constexpr std::size_t environment_limit = std::size_t{1} << 20;

Error invalid(const std::filesystem::path& file, std::string_view what) {
    return machine::Error::invalid(fmt::format("{}: {}", to_text(file), what));
}

/// Returns an absolute path; ErrorKind::not_found where the key is missing or null.
Result<std::filesystem::path> folder_at(const json::object& object, const std::string& key,
                                        const std::filesystem::path& file) {
    const auto where = "handlerEnvironment." + key;
    const auto* value = object.if_contains(key);
    if (!value || value->is_null()) {
        return machine::Error::not_found(fmt::format("{}: {} is missing", to_text(file), where));
    }
    if (!value->is_string()) {
        return invalid(file, fmt::format("{}: expected a string, found {}", where, remediations::type_name(*value)));
    }
    auto path = to_path(value->get_string());
    if (!path.is_absolute()) return invalid(file, where + ": expected an absolute path");
    return path;
}

}  // namespace

Result<std::filesystem::path> find_handler_folder(const std::filesystem::path& executable,
                                                  const std::optional<std::string>& extension_path) {
    std::error_code code;
    if (extension_path && !extension_path->empty()) {
        auto folder = to_path(*extension_path);
        if (std::filesystem::exists(folder / file_name, code)) return folder;
        return machine::Error::not_found(fmt::format(
            "{}: no {} there, though AZURE_GUEST_AGENT_EXTENSION_PATH names this folder", *extension_path, file_name));
    }
    for (auto folder = executable.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
        if (std::filesystem::exists(folder / file_name, code)) return folder;
    }
    return machine::Error::not_found(fmt::format(
        "no {} in the folder of {} or above it: this command is for the guest agent", file_name, to_text(executable)));
}

Result<Environment> read_environment(const std::filesystem::path& folder) {
    const auto file = folder / file_name;
    const auto text = machine::local::read_file(file, environment_limit);
    if (!text) return text.error();
    const auto document = remediations::parse_json(*text, to_text(file));
    if (!document) return document.error();

    const json::value* root = &*document;
    if (root->is_array()) {
        if (root->get_array().empty()) return invalid(file, "expected an array of one object, found an empty one");
        root = &root->get_array().front();
    }
    if (!root->is_object()) {
        return invalid(file,
                       fmt::format("expected an object or an array of one, found {}", remediations::type_name(*root)));
    }
    const auto* settings = root->get_object().if_contains("handlerEnvironment");
    if (!settings || !settings->is_object()) return invalid(file, "handlerEnvironment: expected an object");
    const auto& object = settings->get_object();

    Environment environment;
    environment.folder = folder;
    const auto* name = root->get_object().if_contains("name");
    environment.handler_name =
        name && name->is_string() ? std::string(name->get_string()) : std::string("BackupRemediation");
    struct Folder {
        const char* key;
        std::filesystem::path* path;
    };
    for (const auto& [key, path] :
         {Folder{"logFolder", &environment.log_folder}, Folder{"configFolder", &environment.config_folder},
          Folder{"statusFolder", &environment.status_folder}}) {
        auto found = folder_at(object, key, file);
        if (!found) return found.error();
        *path = std::move(*found);
    }
    for (const auto* key : {"eventsFolder", "eventsFolder_preview"}) {
        auto found = folder_at(object, key, file);
        if (!found && found.error().kind != ErrorKind::not_found) return found.error();
        if (found && !environment.events_folder) environment.events_folder = std::move(*found);
    }
    return environment;
}

Result<void> write_environment(const Environment& environment) {
    const auto text = [](const std::filesystem::path& path) { return machine::valid_utf8(to_text(path)); };
    const json::array document{json::object{{"version", 1.0},
                                            {"name", environment.handler_name},
                                            {"handlerEnvironment",
                                             {{"logFolder", text(environment.log_folder)},
                                              {"configFolder", text(environment.config_folder)},
                                              {"statusFolder", text(environment.status_folder)}}}}};
    return machine::local::write_durably(environment.folder / file_name, json::serialize(document));
}

}  // namespace handler
