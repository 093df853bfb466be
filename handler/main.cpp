#include <iostream>
#include <string>
#include <vector>

#include "handler/command_line.hpp"
#include "handler/commands.hpp"

int main(int count, char** values) {
    const std::vector<std::string> arguments(values + (count > 0 ? 1 : 0), values + count);
    if (!arguments.empty() && handler::is_agent_command(arguments.front())) {
        return static_cast<int>(handler::agent_command(arguments, handler::local_system(), std::cout, std::cerr));
    }
    return handler::command_line(arguments, std::cout, std::cerr);
}
