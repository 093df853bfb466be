#pragma once

#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// How a restart of the service behind a VSS writer is felt.
enum class WriterService {
    safe,      ///< nobody feels it
    brief,     ///< a function of the VM is gone for a moment
    workload,  ///< a workload stops: never restarted from here
};

struct WriterOwner {
    std::string_view id;       ///< of the writer's class: lower case, with braces
    std::string_view writer;   ///< its name in the product
    std::string_view service;  ///< empty where there is none to restart by itself
    WriterService restart = WriterService::workload;
};

/// Writers that are there whenever their service runs, and without which a backup of their data is not consistent.
std::vector<const WriterOwner*> writers_of_data();

/// By the class id, else by the name; nullptr for a writer that is not known. Writers whose host is VSS itself have
/// its service.
const WriterOwner* owner_of_writer(std::string_view id, std::string_view name);

/// VSS's events about a writer that refuses a snapshot: the class id and the code.
EventPattern refusals_of_writers();

/// The newest of them that is about this class of writers and is newer than the last good backup; nullptr for none.
const machine::Event* newest_refusal(const machine::Machine& machine, std::string_view class_id);

inline constexpr std::string_view sql_writer_id = "{a65faa63-5ea8-4ebc-9dbd-a0c4db26912a}";
inline constexpr std::string_view system_writer_id = "{e8132975-6f93-4464-a53e-1050253ae220}";
inline constexpr std::string_view cluster_volume_writer_id = "{1072ae1c-e5a7-4ea1-9e4a-6f7964656570}";

}  // namespace remediations
