#pragma once

#include "handler/agent/exit_code.hpp"
#include "handler/agent/system.hpp"
#include "handler/guard/guard_switch.hpp"

namespace handler {

/// What switching the guard needs of the system.
GuardTools guard_tools(const System& system);

/// What the timer starts. In this order:
///  1. Where nothing happened since the last look it ends at once, and has written nothing.
///  2. While a backup, an installation of software or another run of this program is at work, or the computer has just
///     started, it leaves all to the next tick.
///  3. One diagnosis. What backups since then say of earlier repairs is noted; a repair that did not help is taken
///  back.
///  4. In mode repair one cause is repaired, within the limits of guard_policy.hpp.
///  5. It reports as a run of the extension does: in the status of the last sequence number, as events, in the log and
///  as
///     an HTML report. Where the guest agent is dead also on the console and in the system's log.
/// It holds the locks that a worker holds, so `disable` ends it before its next fix. Killed at any moment it goes on at
/// the next tick: an attempt is noted before it is made. A guard whose extension somebody removed without telling it
/// ends itself at the second tick that sees so.
ExitCode guard_tick(const System& system);

}  // namespace handler
