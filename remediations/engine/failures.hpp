#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "remediations/engine/outcome.hpp"
#include "remediations/model/failure.hpp"

namespace remediations {

/// The failures of logs and events that can explain why backups fail today, in the order they happened: newer than the
/// last good backup, not over, and none that good runs of this machine show as well.
std::vector<const Failure*> current_failures(const machine::Machine& machine);

/// True where the outcome tells of this failure: it quotes it, or its remediation knows the line or event and found
/// itself at work. A remediation that looked and is well claims nothing.
bool claims(const Outcome& outcome, const Failure& failure);

/// For each layer that a log or an event can tell of, the remediation that stands for failures which no cause claims.
/// They have no diagnosis of their own: tell_unexplained() makes their findings.
std::span<const Remediation* const> unexplained_failures();

bool is_unexplained(const Remediation& remediation);

/// A risk that is seen now is the cause of a failed run that tells of it in the words of its testimonies.
void let_seen_risks_testify(std::span<Outcome> outcomes, std::span<const Failure* const> failures);

/// Makes the findings of unexplained_failures() that are among the outcomes, after all others were diagnosed: what the
/// newest failed backup failed of, or what the guest agent fails of again and again, where no finding claims it and
/// none says why. With the failure's place, its whole text, what its code means, and what to look at.
void tell_unexplained(std::span<Outcome> outcomes, std::span<const Failure* const> failures,
                      const machine::Machine& machine);

/// Where a backup failed and no cause is left that explains it, what else tells of that failure is its cause and no
/// mere risk: a proxy that is gone, a host that answers 503. Else the news that the backup failed is, so that a failed
/// backup is never green.
/// What is seen in the VM and explains the error code is a cause, too, where else only the code itself would be.
void let_risks_explain(std::span<Outcome> outcomes, std::span<const Failure* const> failures,
                       std::string_view error_code);

}  // namespace remediations
