#pragma once

#include <string>
#include <vector>

namespace machine::local {

/// What main() was given, without the program's name, in UTF-8. (On Windows main()'s own arguments
/// are in the code page of the system, with what it lacks replaced.)
std::vector<std::string> program_arguments(int count, char** values);

}  // namespace machine::local
