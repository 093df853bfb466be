#include <iostream>

#include "handler/agent/commands.hpp"
#include "handler/cli/command_line.hpp"
#include "remediations/machine/local/process_hardening.hpp"
#include "remediations/machine/local/program_arguments.hpp"

int main(int count, char** values) {
    machine::local::harden_this_process();
    const auto arguments = machine::local::program_arguments(count, values);
    if (!arguments.empty() && handler::is_agent_command(arguments.front())) {
        return static_cast<int>(handler::agent_command(arguments, handler::local_system(), std::cout, std::cerr));
    }
    return handler::command_line(arguments, std::cout, std::cerr);
}
