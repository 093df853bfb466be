#pragma once

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Whether a writer whose service may be restarted at this price has failed; those without a service that may be
/// restarted count as WriterService::workload. Asks vssadmin only where VSS is suspect. The finding's subjects are the
/// services to restart.
Finding diagnose_writers(const machine::Machine& machine, const Question& question, WriterService price);

/// Restarts the services that the finding names, with those that depend on them.
machine::Result<void> restart_writer_services(const Finding& finding, Changes& changes);

}  // namespace remediations
