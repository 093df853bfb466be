#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "remediations/machine/result.hpp"

namespace handler {

/// The folders that the guest agent and this handler share, from HandlerEnvironment.json in the handler's folder.
/// Linux:   /var/lib/waagent/<name>-<version>/{config,status}
/// Windows: C:\Packages\Plugins\<name>\<version>\{RuntimeSettings,Status}
struct Environment {
    std::string handler_name;      ///< "Publisher.Type"
    std::filesystem::path folder;  ///< of this version of the handler
    std::filesystem::path log_folder;
    std::filesystem::path config_folder;
    std::filesystem::path status_folder;
    std::optional<std::filesystem::path> events_folder;  ///< nullopt: the agent has no telemetry
};

/// Returns the handler's folder. `extension_path` is AZURE_GUEST_AGENT_EXTENSION_PATH. Where the agent does not set it,
/// searches upwards from the executable for the folder with HandlerEnvironment.json.
machine::Result<std::filesystem::path> find_handler_folder(const std::filesystem::path& executable,
                                                           const std::optional<std::string>& extension_path);

/// Reads an array of one object (both agents write that) or the bare object. Errors name the file and the JSON path.
machine::Result<Environment> read_environment(const std::filesystem::path& folder);

/// Writes what read_environment() reads, where no guest agent does: into environment.folder.
machine::Result<void> write_environment(const Environment& environment);

}  // namespace handler
