#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// /etc/azure/VMSnapshotScriptPluginConfig.json as the extension understands it (ScriptRunner.py).
struct ScriptConfiguration {
    std::string pre_script;
    std::string post_script;
    std::string plugin_name = "ScriptRunner";
    double timeout_seconds = 10;
    bool continues_on_failure = true;  ///< false: a failing script fails the backup
    bool freezes = true;               ///< fsFreezeEnabled; false switches the freeze off
    std::vector<Evidence> oddities;    ///< members that do not mean what they seem to say
};

/// Result code of the extension and what is wrong.
struct ScriptFault {
    int code = 0;
    Evidence evidence;
};

struct ParsedScripts {
    std::optional<ScriptConfiguration> configuration;  ///< nullopt where the extension could not load it
    std::optional<ScriptFault> fault;                  ///< 305, or 304 for what its Python did not expect
};

ParsedScripts parse_script_configuration(const machine::Path& file, const std::string& text);

/// VMSnapshotPluginHost.conf, which names the configuration of the scripts (PluginHost.py).
struct PluginHost {
    machine::Path file;              ///< of /etc/azure, else of the extension; empty where there is neither
    bool is_own_of_machine = false;  ///< it is the one in /etc/azure, which an administrator wrote
    machine::FileStatus status;
    /// Where the scripts are configured; the usual place where the file does not say.
    machine::Path script_configuration;
    std::vector<ScriptFault> faults;  ///< 304, 314
};

inline constexpr auto usual_script_configuration = "/etc/azure/VMSnapshotScriptPluginConfig.json";

/// An error where one of the two places cannot be looked at.
machine::Result<PluginHost> read_plugin_host(const machine::Machine& machine);

/// The configuration of the scripts: not_found where none are configured, which is no fault.
machine::Result<ParsedScripts> read_scripts(const machine::Machine& machine, const machine::Path& file);

/// Gives a finding about scripts its weight: they make a backup fail only where the configuration says
/// so, or the last backup reported one of their codes (300 to 318).
Finding weighed_as_script_fault(Finding finding, const std::optional<ScriptConfiguration>& configuration,
                                const machine::Machine& machine);

/// Digits of the mode as the extension looks at them: owner, group, others.
std::string mode_digits(std::uint32_t mode);

}  // namespace remediations
