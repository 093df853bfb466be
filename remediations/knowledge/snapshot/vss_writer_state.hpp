#pragma once

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// The writers as they are now, or why they are not known. `is_suspect`: something points to VSS (vss_is_suspect); then
/// they have more time to answer. no value of `writers`: nobody may ask now, because a backup runs, or nobody asked
/// when the machine was recorded and nothing points to them.
struct AskedWriters {
    const VssWriters* writers = nullptr;
    bool is_suspect = false;
    std::string_view why_not = {};  ///< a sentence, where there are none
};
AskedWriters writers_of(const machine::Machine& machine, const Question& question);

/// Whether a writer whose service may be restarted at this price has failed; those without a service that may be
/// restarted count as WriterService::workload. The finding's subjects are the services to restart.
Finding diagnose_writers(const machine::Machine& machine, const Question& question, WriterService price);

/// Restarts the services that the finding names, with those that depend on them.
machine::Result<void> restart_writer_services(const Finding& finding, Changes& changes);

}  // namespace remediations
