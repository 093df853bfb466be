#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// /etc/azure/VMSnapshotScriptPluginConfig.json as the extension reads it (ScriptRunner.py).
struct ScriptConfiguration {
    std::string pre_script;
    std::string post_script;
    std::string plugin_name = "ScriptRunner";
    double timeout_seconds = 10;
    bool continues_on_failure = true;  ///< false: a failed script makes the backup fail
    bool freezes = true;               ///< fsFreezeEnabled; false disables the freeze
    std::vector<Evidence> oddities;    ///< members whose effect differs from what they seem to say
};

/// A fault of the scripts: the extension's result code and what is wrong.
struct ScriptFault {
    int code = 0;
    Evidence evidence;
};

struct ParsedScripts {
    std::optional<ScriptConfiguration> configuration;  ///< nullopt where the extension could not load it
    std::optional<ScriptFault> fault;                  ///< 305, or 304 where its Python code fails unexpectedly
};

ParsedScripts parse_script_configuration(const machine::Path& file, const std::string& text);

/// VMSnapshotPluginHost.conf, which names the configuration file of the scripts (PluginHost.py).
struct PluginHost {
    machine::Path file;              ///< in /etc/azure, else the extension's; empty where there is neither
    bool is_own_of_machine = false;  ///< it is the file in /etc/azure, which an administrator wrote
    machine::FileStatus status;
    /// The configuration file of the scripts; the usual one where this file does not name it.
    machine::Path script_configuration;
    std::vector<ScriptFault> faults;  ///< 304, 314
};

inline constexpr auto usual_script_configuration = "/etc/azure/VMSnapshotScriptPluginConfig.json";

/// Error where one of the two places cannot be read.
machine::Result<PluginHost> read_plugin_host(const machine::Machine& machine);

/// Reads the configuration of the scripts. ErrorKind::not_found where none are configured, which is not a fault.
machine::Result<ParsedScripts> read_scripts(const machine::Machine& machine, const machine::Path& file);

/// Sets the weight of a finding about scripts: they make a backup fail only where the configuration says so, or where
/// the last backup reported one of their codes (300 to 318).
Finding weighed_as_script_fault(Finding finding, const std::optional<ScriptConfiguration>& configuration,
                                const machine::Machine& machine);

/// Returns the digits of the mode that the extension checks: owner, group, others.
std::string mode_digits(std::uint32_t mode);

}  // namespace remediations
