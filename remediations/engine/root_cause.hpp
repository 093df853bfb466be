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
    const Remediation* remediation = nullptr;  ///< nullptr when nothing found explains a failing backup
    std::string reason;                        ///< one sentence: why this one, or what was found instead
};

/// Names the one finding that the others follow from, or says that there is none:
///  1. A finding that another broken one lists among its consequences is none.
///  2. Of the rest, what rests on the surest ground: seen broken now; then what claims a failure of the newest
///     failed backup (`failures` are those of current_failures()); then what only the last run or a log tells of; then
///     mere suspicions; then the news that it failed.
///  3. Among equals the earliest layer's: a broken layer makes the later ones look broken. Within it, the one that
///     explains `error_code` (as the vault reports it, may be empty), then the first.
///  4. A cause that only the error code shows (layer vault) comes first where nothing in the VM
///     explains that code.
///  5. What only a log tells of, and the machine shows no longer, comes where there is no cause, or only suspicions, or
///     only what the last run left behind and what follows from it.
///  6. Risks count only where there is neither and the error code is one they explain.
/// Where nothing was found, the reason says to which layer the error code points.
RootCause root_cause_of(std::span<const Outcome> outcomes, std::string_view error_code,
                        std::span<const Failure* const> failures = {});

/// The ids of what was found broken and makes `remediation` look broken too; empty for an origin.
std::vector<std::string> origins_of(const Remediation& remediation, std::span<const Outcome> outcomes);

/// Whether something remains to be done: broken, needs approval or needs an operator.
bool is_left(State state);

}  // namespace remediations
