// Prints the addresses of the host named by the argument, as the shipped program would look them up. A program of
// its own, because no command of the shipped one does nothing but that.
#include <chrono>
#include <iostream>

#include "remediations/machine/machine.hpp"

int main(int count, char** values) {
    if (count != 2) {
        std::cerr << "usage: resolve HOST\n";
        return 2;
    }
    const auto addresses = machine::local_machine().network().resolve(values[1], std::chrono::seconds(5));
    if (!addresses) {
        std::cerr << addresses.error().message << '\n';
        return 1;
    }
    for (const auto& address : *addresses) {
        std::cout << address << '\n';
    }
    return 0;
}
