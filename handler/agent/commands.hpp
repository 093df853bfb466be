#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "handler/agent/exit_code.hpp"
#include "handler/agent/system.hpp"

namespace handler {

/// Returns true for a command of the guest agent, a command that these start (supervise, worker, guard-tick), and a
/// command of the scripts that replace the agent (apply, clean-up: see apply.hpp).
bool is_agent_command(std::string_view name);

/// Runs `arguments` (the command and its arguments). Azure shows `out` and `err`: short lines without a secret.
///
/// install    Creates the state folder. Keeps the store, because the agent also installs over an existing folder.
/// enable     Starts the run of the current sequence number in the background. If that run is finished, writes its
///            status again where it is missing; if it is still active, leaves it. Wrong settings: status "error" and
///            ExitCode::settings_invalid.
/// disable    Stops a run before its next fix and waits until it has ended. ExitCode::failed when that takes too
///            long, so that the agent does not delete the folder during a fix. The next enable, of this version or
///            the next, runs again what was cut short.
/// update     Carries the store to the version that will stay, in whatever order and with whatever variables the
///            agent calls it; see carry_over().
/// uninstall  Removes the store, status, locks and logs. The undo journal stays, and `out` gets its path. After an
///            update it keeps logs and state, because they belong to the next version too.
/// reset      Removes the store and all status, so that the next enable starts again. Journal and logs stay.
ExitCode agent_command(const std::vector<std::string>& arguments, const System& system, std::ostream& out,
                       std::ostream& err);

/// Removes what this program keeps in the state folder, then the folder itself. A journal stays, with the folder, and
/// `out` gets its path. Ends a verbose log at once.
void remove_own_state(const System& system, std::ostream& out);

/// The folders between which `update` carries the store. VERSION is the version that will stay. A downgrade runs
/// `update` in the folder that is removed, any other update in the folder that stays. The previous version is the one
/// in UPDATING_FROM_VERSION, if that is not this folder (in a downgrade it is); else the one whose store was written
/// last.
struct CarryOver {
    std::filesystem::path from;  ///< empty: there is nothing to carry over
    std::filesystem::path to;
};
CarryOver carry_over(const std::filesystem::path& own_folder, const std::string& version,
                     const std::string& updating_from_version);

}  // namespace handler
