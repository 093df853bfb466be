#include <windows.h>

#include <shellapi.h>

#include "remediations/machine/local/program_arguments.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::local {

std::vector<std::string> program_arguments(int, char**) {
    int count = 0;
    const windows::LocalPointer<LPWSTR> values(CommandLineToArgvW(GetCommandLineW(), &count));
    std::vector<std::string> arguments;
    for (int i = 1; values && i < count; ++i) arguments.push_back(windows::to_utf8(values.get()[i]));
    return arguments;
}

}  // namespace machine::local
