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

/// The interpreters that main/handle.sh of the backup extension tries: each name, in the first folder that has it, in
/// this order, until one works.
struct PythonSearch {
    std::vector<std::string> names;
    std::vector<machine::Path> folders;
    bool asks_agent = true;  ///< at last it tries the interpreter that runs the guest agent
};

/// Reads the search from the script. Versions before November 2024 look only in /usr/bin. Where the script does not
/// have the known form, returns the search of current versions.
PythonSearch python_search_of(std::string_view handle_script);

struct PythonInterpreter {
    machine::Path path;
    std::optional<PythonVersion> version;  ///< nullopt where neither a name nor the interpreter itself tells it
};

/// Returns the interpreters that handle.sh would start, in its order. The last is the one that runs the guest agent, if
/// its command line has the full path. Starts Python only where file names do not tell the version.
machine::Result<std::vector<PythonInterpreter>> find_pythons(const machine::Machine& machine,
                                                             const PythonSearch& search);

/// Returns the newest interpreter that is installed under its full name, /usr/bin/python3.11, or
/// /usr/libexec/platform-python; links to it do not matter. nullopt where there is none.
std::optional<machine::Path> newest_installed_python(const machine::Machine& machine);

/// Returns a shell script that runs the interpreter with its own arguments. A script can be undone like any other file,
/// which a link cannot.
std::string script_that_runs(const machine::Path& interpreter);

/// Parses "Python 3.11.2" or "python3.11"; nullopt for a text without major and minor number.
std::optional<PythonVersion> parse_python_version(std::string_view text);

}  // namespace remediations
