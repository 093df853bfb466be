#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

struct PythonVersion {
    int major = 0;
    int minor = 0;

    friend auto operator<=>(const PythonVersion&, const PythonVersion&) = default;  // NOLINT(modernize-use-nullptr)
};

/// Which interpreters main/handle.sh of the backup extension tries: each name in the first folder
/// that has it, in this order, until one succeeds.
struct PythonSearch {
    std::vector<std::string> names;
    std::vector<machine::Path> folders;
    bool asks_agent = true;  ///< last, the interpreter that runs the guest agent
};

/// As the script itself says; versions before November 2024 look in /usr/bin alone. Where it does
/// not say it in the known form, what current versions do.
PythonSearch python_search_of(std::string_view handle_script);

struct PythonInterpreter {
    machine::Path path;
    std::optional<PythonVersion> version;  ///< nullopt where neither names nor the interpreter itself tell
};

/// The interpreters that handle.sh would start, in its order; last the one that runs the guest agent,
/// where its command line has the whole path. Python is started only where file names leave the
/// version open.
machine::Result<std::vector<PythonInterpreter>> find_pythons(const machine::Machine& machine,
                                                             const PythonSearch& search);

/// The newest that is installed under its full name, /usr/bin/python3.11, whatever else leads to it; or
/// /usr/libexec/platform-python. Nothing where there is none.
std::optional<machine::Path> newest_installed_python(const machine::Machine& machine);

/// A shell script that runs the interpreter with its own arguments: unlike a link it can be taken back as any file can.
std::string script_that_runs(const machine::Path& interpreter);

/// "Python 3.11.2" or "python3.11"; nullopt for anything without major and minor number.
std::optional<PythonVersion> parse_python_version(std::string_view text);

}  // namespace remediations
