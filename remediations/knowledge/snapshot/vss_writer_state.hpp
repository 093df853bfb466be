#pragma once

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// The current state of the writers, or why it is not known. `is_suspect`: something points to VSS (vss_is_suspect);
/// then the writers get more time to answer. `writers` is nullptr where nobody may ask now because a backup runs, or
/// where the machine was recorded without them and nothing points to them.
struct AskedWriters {
    const VssWriters* writers = nullptr;
    bool is_suspect = false;
    std::string_view why_not = {};  ///< a sentence, where `writers` is nullptr
};
AskedWriters writers_of(const machine::Machine& machine, const Question& question);

/// Returns broken or needs_operator if a writer has failed whose service can be restarted at this price. Writers
/// without such a service count as WriterService::workload. The finding's subjects are the services to restart.
Finding diagnose_writers(const machine::Machine& machine, const Question& question, WriterService price);

/// Restarts the finding's subjects and the services that depend on them.
machine::Result<void> restart_writer_services(const Finding& finding, Changes& changes);

}  // namespace remediations
