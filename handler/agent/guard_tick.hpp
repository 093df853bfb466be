#pragma once

#include "handler/agent/exit_code.hpp"
#include "handler/agent/system.hpp"
#include "handler/guard/guard_switch.hpp"

namespace handler {

/// Returns the functions of the system that switching the guard on and off needs.
GuardTools guard_tools(const System& system);

/// Runs one tick; the timer starts it. In this order:
///  1. If nothing happened since the last look, it ends at once and writes nothing.
///  2. While a backup, an installation of software or another run of this program is active, or shortly after boot, it
///     leaves everything to the next tick.
///  3. One diagnosis. It notes how backups since then judge earlier repairs, and undoes a repair that did not help.
///  4. In mode repair, it repairs one cause within the limits of guard_policy.hpp.
///  5. It reports like a run of the extension: in the status of the last sequence number, as events, in the log and as
///     an HTML report. If the guest agent is dead, also on the console and in the system's log.
/// It holds the locks that a worker holds, so `disable` ends it before its next fix. If it is killed at any moment, the
/// next tick continues: an attempt is noted before it is made. If somebody removed the extension without `uninstall`,
/// the guard removes itself at the second tick that sees this.
ExitCode guard_tick(const System& system);

}  // namespace handler
