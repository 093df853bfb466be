#include <cstdlib>
#include <iostream>

#include "handler/agent/commands.hpp"
#include "handler/cli/command_line.hpp"
#include "remediations/machine/local/process_hardening.hpp"
#include "remediations/machine/local/program_arguments.hpp"
#include "remediations/machine/time_limit.hpp"

int main(int count, char** values) {
    machine::local::harden_this_process();
    const auto arguments = machine::local::program_arguments(count, values);
    const bool is_of_agent = !arguments.empty() && handler::is_agent_command(arguments.front());
    const int code =
        is_of_agent ? static_cast<int>(handler::agent_command(arguments, handler::local_system(), std::cout, std::cerr))
                    : handler::command_line(arguments, std::cout, std::cerr);
    if (machine::threads_left_behind() == 0) return code;
    // A thread that waits for a dead disk may still continue: nothing that it uses may be destroyed.
    std::cout.flush();
    std::cerr.flush();
    std::_Exit(code);
}
