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

/// What the owner of the VM asked for; manifest/settings.schema.json describes it for them.
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
    std::chrono::hours verbose_log{0};  ///< how long the guest agent's log is verbose; 0: left as it is
    std::string support_upload;         ///< SAS URL, a secret; empty: no support bundle is sent
    /// Nothing: not named, which is off but for a guard that a person switched on.
    std::optional<GuardMode> guard = {};
    std::chrono::hours guard_interval{1};
    remediations::azure::Choice azure = {};  ///< by default Azure is not asked
    ProveMode prove = ProveMode::no;
    std::chrono::hours prove_within{3};

    friend bool operator==(const Settings&, const Settings&) = default;
};

/// The keys there are, in the order of the schema.
std::span<const std::string_view> settings_keys();

/// `variable` is ConfigSequenceNumber, which the Linux agent and newer Windows agents set. Without
/// it the rule of the Windows agent: the number of the newest <number>.settings by modification
/// time, of two written at once the higher; 0 when there is none.
machine::Result<std::uint64_t> current_sequence(const std::filesystem::path& config_folder,
                                                const std::optional<std::string>& variable);

/// Settings, or everything that is wrong with them; never both.
struct SettingsAnswer {
    Settings settings;
    /// One line each, naming the JSON path: publicSettings.only[1]: "x" is no remediation. Of
    /// protected settings no value is ever quoted.
    std::vector<std::string> problems;
};

/// machine::local::decrypt_cms.
using Decrypt = std::function<machine::Result<std::string>(const std::string& der, const std::string& thumbprint,
                                                           const std::filesystem::path& agent_folder)>;

/// Reads <number>.settings. A setting may stand in publicSettings or protectedSettings; in both it is
/// a contradiction. JSON null is the same as an absent section.
/// No file, or an empty 0.settings (what the Linux agent writes for an extension without
/// settings): the defaults, which only diagnose. Any other empty file had settings that somebody
/// removed: a problem, because what was asked for is not known.
SettingsAnswer read_settings(const Environment& environment, std::uint64_t number, const Decrypt& decrypt);

/// {"publicSettings": {...}, "protectedSettings": {...}} in plain text, either of which may be absent: what `apply`
/// gets where no guest agent brings the settings. The same rules hold; of what is no JSON nothing is quoted.
SettingsAnswer parse_settings(std::string_view text);

}  // namespace handler
