#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/knowledge/azure/attach.hpp"
#include "remediations/knowledge/azure/prove.hpp"
#include "remediations/model/remediation.hpp"

namespace handler {

/// What a backup has to come to, so that it proves a repair.
enum class ProveMode {
    no,        ///< none is started
    snapshot,  ///< the recovery point of its snapshot exists, minutes after the start
    vault,     ///< and it was transferred to the vault, hours after
};
std::string_view to_string(ProveMode mode);
std::optional<ProveMode> parse_prove_mode(std::string_view word);

inline constexpr int most_prove_hours = 24;

/// What there is left to do in Azure after a run inside the VM: <state>/azure.json, written before that run's status.
/// No file: nothing. It survives a restart and an update; newer settings take it over only where they prove, too. On
/// another VM (restored, cloned) it is void.
struct AzureTask {
    std::string id;  ///< another one for each run
    std::string computer;
    bool repairs = false;
    unsigned attempts = 0;  ///< how often the repairs were begun
    ProveMode prove = ProveMode::no;
    std::chrono::hours prove_within{3};
    std::optional<remediations::azure::BegunBackup> begun;  ///< the backup that is to prove it
    /// When the last repair ended: a backup that began before proves nothing. Empty where nothing was repaired.
    std::optional<std::chrono::system_clock::time_point> changed;
    std::string done_inside;  ///< what the run inside the VM repaired, a sentence; may be empty
    std::string done;         ///< what was repaired in Azure, a sentence; may be empty
    // As the settings say:
    remediations::azure::Choice azure;
    remediations::Disruption max_disruption = remediations::Disruption::service_restart;
    std::string error_code;
    std::vector<std::string> only;
    std::vector<std::string> exclude;

    friend bool operator==(const AzureTask&, const AzureTask&) = default;
};

std::filesystem::path azure_task_file(const std::filesystem::path& state_folder);
/// Nothing where there is none, or what is there was not written by this program.
std::optional<AzureTask> load_azure_task(const std::filesystem::path& state_folder);
machine::Result<void> save_azure_task(const std::filesystem::path& state_folder, const AzureTask& task);
void remove_azure_task(const std::filesystem::path& state_folder);

}  // namespace handler
