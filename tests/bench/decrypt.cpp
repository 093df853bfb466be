// Decrypts protected settings as the handler does, and prints them.
//   decrypt CMS_FILE THUMBPRINT AGENT_FOLDER
#include <iostream>

#include "remediations/machine/local/cms.hpp"
#include "remediations/machine/local/durable_file.hpp"

int main(int count, char** values) {
    if (count != 4) {
        std::cerr << "usage: decrypt CMS_FILE THUMBPRINT AGENT_FOLDER\n";
        return 2;
    }
    const auto message = machine::local::read_file(values[1]);
    const auto text = message ? machine::local::decrypt_cms(*message, values[2], values[3]) : message;
    if (!text) {
        std::cerr << text.error().message << '\n';
        return 1;
    }
    std::cout << *text;
    return 0;
}
