#pragma once

#include <string>
#include <vector>

namespace machine::local {

/// Returns the arguments of main(), without the program's name, in UTF-8. (On Windows, main()'s own arguments are in
/// the system's code page; characters that it lacks are replaced.)
std::vector<std::string> program_arguments(int count, char** values);

}  // namespace machine::local
