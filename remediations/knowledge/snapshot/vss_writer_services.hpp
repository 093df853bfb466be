#pragma once

#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// The effect on users when the service behind a VSS writer restarts.
enum class WriterService {
    safe,      ///< nobody notices it
    brief,     ///< a function of the VM is missing for a moment
    workload,  ///< a workload stops: this program never restarts it
};

struct WriterOwner {
    std::string_view id;       ///< of the writer's class: lower case, with braces
    std::string_view writer;   ///< its name in the product
    std::string_view service;  ///< empty where there is no service that can be restarted by itself
    WriterService restart = WriterService::workload;
};

/// Returns writers that exist whenever their service runs. Without them, a backup of their data is not consistent.
std::vector<const WriterOwner*> writers_of_data();

/// Returns the owner by the class id, else by the name; nullptr for an unknown writer. Writers that VSS itself hosts
/// have its service.
const WriterOwner* owner_of_writer(std::string_view id, std::string_view name);

/// Returns the pattern of VSS's events about a writer that refuses a snapshot; they have the class id and the code.
EventPattern refusals_of_writers();

/// Returns the newest such event about this class of writers since the last good backup; nullptr where there is none.
const machine::Event* newest_refusal(const machine::Machine& machine, std::string_view class_id);

inline constexpr std::string_view sql_writer_id = "{a65faa63-5ea8-4ebc-9dbd-a0c4db26912a}";
inline constexpr std::string_view system_writer_id = "{e8132975-6f93-4464-a53e-1050253ae220}";
inline constexpr std::string_view cluster_volume_writer_id = "{1072ae1c-e5a7-4ea1-9e4a-6f7964656570}";

}  // namespace remediations
