#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"
#include "remediations/model/remediation.hpp"

namespace handler {

/// The guard's reaction when a backup failed or the guest agent is dead.
enum class GuardMode {
    off,
    watch,   ///< diagnoses and reports
    repair,  ///< also repairs, one cause at a time
};
std::string_view to_string(GuardMode mode);
std::optional<GuardMode> parse_guard_mode(std::string_view word);

inline constexpr int most_guard_hours = 24;

/// The settings of the guard, in <state>/guard/settings.json. Without that file there is no guard.
struct GuardSettings {
    GuardMode mode = GuardMode::off;
    std::chrono::hours every{1};  ///< 1 to most_guard_hours
    remediations::Disruption max_disruption = remediations::Disruption::service_restart;
    bool allow_security_changes = false;
    std::vector<std::string> only;
    std::vector<std::string> exclude;
    std::string agent_installer;
    bool by_hand = false;                  ///< switched on by a person at a shell, not by the extension's settings
    bool suspended = false;                ///< the extension is disabled
    std::filesystem::path handler_folder;  ///< of the extension through which it reports; empty where there is none
    /// Version of the guard's own copy of the program. It is written before the copy, so the copy may be older, but
    /// never newer.
    std::string version;

    friend bool operator==(const GuardSettings&, const GuardSettings&) = default;
};

/// Returns <state>/guard, the folder of everything that only the guard uses. When it is removed, only the timer is
/// left.
std::filesystem::path guard_folder(const std::filesystem::path& state_folder);
std::filesystem::path guard_settings_file(const std::filesystem::path& state_folder);

/// Returns nullopt where there is no guard. ErrorKind::invalid names file and member of a damaged one.
machine::Result<std::optional<GuardSettings>> load_guard_settings(const std::filesystem::path& state_folder);
/// Writes the settings as a whole or not at all. Creates the folder where it is missing.
machine::Result<void> save_guard_settings(const std::filesystem::path& state_folder, const GuardSettings& settings);

}  // namespace handler
