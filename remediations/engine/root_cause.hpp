#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

struct Failure;
struct Outcome;

struct RootCause {
    const Remediation* remediation = nullptr;  ///< nullptr where no finding explains a failing backup
    std::string reason;                        ///< one sentence: why this cause, or what was found instead
};

/// Names the one finding that explains the others, or says that there is none:
/// 1. A finding that another broken finding lists among its consequences is not the root cause.
/// 2. Of the rest, the one with the best proof: first what is seen broken now; then what claims a failure of the
///    newest failed backup (`failures` are those of current_failures()); then what only the last run or a log shows;
///    then suspicions; then the news that the backup failed.
/// 3. Among equals, the one of the earliest layer, because a broken layer makes the later ones look broken. Within a
///    layer, the one that explains `error_code` (as the vault reports it, may be empty), then the first.
/// 4. A cause that only the error code shows (layer vault) comes first where nothing in the VM explains that code.
/// 5. A history (a log tells of it, the machine shows it no longer) comes next where there is no cause, where there are
///    only suspicions, or where there is only what the last run left behind and its consequences.
/// 6. Risks count only where there is no cause and no history, and where they explain the error code.
/// Where nothing was found, the reason says to which layer the error code points.
RootCause root_cause_of(std::span<const Outcome> outcomes, std::string_view error_code,
                        std::span<const Failure* const> failures = {});

/// Returns the ids of the broken causes that make `remediation` look broken too; empty where it is an origin itself.
std::vector<std::string> origins_of(const Remediation& remediation, std::span<const Outcome> outcomes);

/// Returns true if somebody still has to act: broken, needs approval or needs an operator.
bool is_left(State state);

}  // namespace remediations
