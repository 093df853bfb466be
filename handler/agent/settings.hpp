#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "handler/agent/azure_task.hpp"
#include "handler/agent/environment.hpp"
#include "handler/guard/guard_settings.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/knowledge/azure/attach.hpp"

namespace handler {

/// The settings that the owner of the VM chose; manifest/settings.schema.json describes them for owners.
struct Settings {
    remediations::RunMode mode = remediations::RunMode::diagnose;
    std::string error_code;
    std::vector<std::string> only;
    std::vector<std::string> exclude;
    remediations::Disruption max_disruption = remediations::Disruption::service_restart;
    bool allow_security_changes = false;
    bool repair_risks = false;
    std::string agent_installer;  ///< MSI of the Windows guest agent on this VM; may be empty
    bool fail_on_unresolved = false;
    bool rehearsal = false;
    bool rehearsal_includes_system = false;
    std::chrono::hours verbose_log{0};  ///< how long the guest agent's log is verbose; 0: not changed
    std::string support_upload;         ///< SAS URL, a secret; empty: no support bundle is sent
    /// nullopt: the settings do not name it. Then the guard is off, unless a person switched it on.
    std::optional<GuardMode> guard = {};
    std::chrono::hours guard_interval{1};
    remediations::azure::Choice azure = {};  ///< by default Azure is not asked
    ProveMode prove = ProveMode::no;
    std::chrono::hours prove_within{3};

    friend bool operator==(const Settings&, const Settings&) = default;
};

/// Returns all known keys, in the order of the schema.
std::span<const std::string_view> settings_keys();

/// Returns the current sequence number. `variable` is ConfigSequenceNumber, which the Linux agent and newer Windows
/// agents set. Without it, by the rule of the Windows agent, the number of the newest <number>.settings by modification
/// time; of two with the same time, the higher number; 0 where there is none.
machine::Result<std::uint64_t> current_sequence(const std::filesystem::path& config_folder,
                                                const std::optional<std::string>& variable);

/// The settings, or all problems in them; never both.
struct SettingsAnswer {
    Settings settings;
    /// One line each, with the JSON path: publicSettings.only[1]: "x" is no remediation. A value of protected settings
    /// is never quoted.
    std::vector<std::string> problems;
};

/// machine::local::decrypt_cms.
using Decrypt = std::function<machine::Result<std::string>(const std::string& der, const std::string& thumbprint,
                                                           const std::filesystem::path& agent_folder)>;

/// Reads <number>.settings. A setting may be in publicSettings or in protectedSettings; in both it is a contradiction.
/// JSON null is the same as a missing section. Without a file, or with an empty 0.settings (the Linux agent writes that
/// for an extension without settings), returns the defaults, which only diagnose. Any other empty file is a problem:
/// somebody removed its settings, so it is not known what was asked for.
SettingsAnswer read_settings(const Environment& environment, std::uint64_t number, const Decrypt& decrypt);

/// Parses {"publicSettings": {...}, "protectedSettings": {...}} in plain text; either member may be missing. `apply`
/// gets this text where no guest agent brings the settings. The same rules apply. Where the text is not JSON, nothing
/// of it is quoted.
SettingsAnswer parse_settings(std::string_view text);

}  // namespace handler
