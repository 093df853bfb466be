#pragma once

#include "remediations/machine/processes.hpp"

namespace machine {

/// Runs a program in a process group of its own (a job on Windows) and waits for it. Its standard
/// input is empty; it inherits no open file. Linux: its environment is PATH and LC_ALL=C; Windows:
/// ours. May be called from several threads at once.
/// A descendant that keeps the output open after the program has ended is not waited for.
/// Linux: the exit code of a program ended by a signal is 128 + the signal.
/// Errors: not_found and access_denied where the program cannot be started; timed_out.
Result<CommandOutput> run_command(const Command& command);

/// The same for a program of which only the whole output means something: too_large where it was cut.
Result<CommandOutput> query_command(const Command& command);

}  // namespace machine
