#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "remediations/engine/outcome.hpp"
#include "remediations/model/failure.hpp"

namespace remediations {

/// Returns the failures from logs and events that can explain why backups fail today: newer than the last good backup,
/// not over, and not noise (a good run of this machine shows the same). Those of logs come first.
std::vector<const Failure*> current_failures(const machine::Machine& machine);

/// Returns true if the outcome tells of this failure: it quotes the failure, or its remediation knows the line or event
/// and is broken, fixed or unproven. A healthy outcome claims only what its history quotes.
bool claims(const Outcome& outcome, const Failure& failure);

/// Completes evidence that quotes only the first line of a failure: the exception at the end of a traceback, which is
/// the reason, and what it means.
void quote_whole(std::span<Outcome> outcomes, std::span<const Failure* const> failures);

/// Returns one remediation for each layer that logs or events can tell of. It stands for failures that no cause claims.
/// It does not diagnose by itself: tell_unexplained() makes its finding.
std::span<const Remediation* const> unexplained_failures();

bool is_unexplained(const Remediation& remediation);

/// Turns a risk that is seen now into a cause, where the failed run logged what proves it (Role::proof).
void let_proven_risks_count(std::span<Outcome> outcomes, std::span<const Failure* const> failures);

/// Makes the findings of unexplained_failures() that are among the outcomes. Call it after all others were diagnosed.
/// It reports the failures of the newest failed backup, and of errors that the guest agent meets again and again,
/// where no finding claims them and none says why the backup failed. A finding quotes the whole text and its place, and
/// says what the code means and where to look.
void tell_unexplained(std::span<Outcome> outcomes, std::span<const Failure* const> failures,
                      const machine::Machine& machine);

/// Turns risks into causes where a backup failed and no cause explains it. First the findings that explain
/// `error_code`, where only the code itself would remain; then the risks that claim a failure of the failed run, such
/// as a proxy that is gone or a host that answers 503; else the news that the backup failed. So a failed backup is
/// never shown as healthy.
void let_risks_explain(std::span<Outcome> outcomes, std::span<const Failure* const> failures,
                       std::string_view error_code);

}  // namespace remediations
