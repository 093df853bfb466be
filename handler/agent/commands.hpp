#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "handler/agent/exit_code.hpp"
#include "handler/agent/system.hpp"

namespace handler {

/// Whether this is a command of the guest agent, one that such a command starts (supervise, worker, guard-tick), or one
/// of the scripts that stand in for the agent (apply, clean-up: see apply.hpp).
bool is_agent_command(std::string_view name);

/// Runs `arguments` (the command and what follows it). `out` and `err` are repeated to Azure: short
/// lines without a secret.
///
/// install    Makes the state folder. Keeps the store: the agent installs over an existing folder too.
/// enable     Starts the run of the current sequence number in the background, unless it is finished
///            (its status is put back where it is missing) or at work (it is joined). Settings that
///            are no good: status "error" and ExitCode::settings_invalid.
/// disable    A run ends before its next fix; waits for that. ExitCode::failed when it takes too
///            long, so that the agent does not delete the folder under a fix. What was cut short is
///            run again by the next enable, of this version or the next.
/// update     Carries the store to the version that will stay, in whatever order and with whatever
///            variables the agent calls it; see carry_over.
/// uninstall  Removes the store, status, locks and logs. The undo journal stays, and where it is is said.
///            After an update it leaves logs and state alone: they belong to the next version too.
/// reset      Forgets the store and all status, so that the next enable begins anew. Journal and
///            logs stay.
ExitCode agent_command(const std::vector<std::string>& arguments, const System& system, std::ostream& out,
                       std::ostream& err);

/// Removes what this program keeps in the state folder, and the folder with it, unless it holds a journal: that stays,
/// and `out` is told where. A verbose log is ended at once.
void remove_own_state(const System& system, std::ostream& out);

/// Which folder's store goes where. VERSION is the version that will stay; a downgrade runs `update`
/// in the folder that goes away, any other update in the folder that stays. The previous version is
/// the one UPDATING_FROM_VERSION names if that is another folder than ours, which in a downgrade it
/// is not; else the one whose store was written last.
struct CarryOver {
    std::filesystem::path from;  ///< empty: there is nothing to carry
    std::filesystem::path to;
};
CarryOver carry_over(const std::filesystem::path& own_folder, const std::string& version,
                     const std::string& updating_from_version);

}  // namespace handler
