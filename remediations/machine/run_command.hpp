#pragma once

#include "remediations/machine/processes.hpp"

namespace machine {

/// Runs a program in a process group of its own (a job on Windows) and waits for it. Its standard input is empty, and
/// it inherits no open file. Its environment is PATH and LC_ALL=C on Linux, this process's on Windows. Several threads
/// may call it at once. Does not wait for a descendant that keeps the output open after the program has ended. Linux:
/// the exit code of a program that a signal ended is 128 + the signal. Errors: not_found and access_denied where the
/// program cannot be started; timed_out.
Result<CommandOutput> run_command(const Command& command);

/// Does the same for a program of which only the whole output is useful: ErrorKind::too_large where it was cut.
Result<CommandOutput> query_command(const Command& command);

}  // namespace machine
