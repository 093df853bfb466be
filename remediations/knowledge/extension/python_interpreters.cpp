#include "remediations/knowledge/extension/python_interpreters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "remediations/machine/process_list.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::FileKind;
using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(" \t"), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

bool is_interpreter_name(std::string_view name) {
    return name.starts_with("python") && name.find_first_not_of("0123456789.", 6) == std::string_view::npos;
}

/// Returns the versions that have a file of their own in a folder (python3.11, not a link).
std::vector<PythonVersion> versions_in(const Machine& machine, const Path& folder, int major) {
    std::vector<PythonVersion> versions;
    const auto names = machine.files().list(folder);
    if (!names) return versions;
    for (const auto& name : *names) {
        if (!is_interpreter_name(name)) continue;
        const auto version = parse_python_version(name);
        if (!version || version->major != major) continue;
        const auto status = machine.files().status(folder + "/" + name);
        if (status && status->kind == FileKind::regular) versions.push_back(*version);
    }
    return versions;
}

struct Look {
    std::optional<PythonVersion> version;
    bool leads_nowhere = false;  ///< it is a link to a file that does not exist
};

Look ask(const Machine& machine, const Path& path) {
    const auto answer = machine.processes().query({path, {"-V"}, std::chrono::seconds(5)});
    if (!answer) return {std::nullopt, answer.error().kind == ErrorKind::not_found};
    // Python 2 writes its version to standard error.
    const auto version = parse_python_version(answer->out);
    return {version ? version : parse_python_version(answer->err)};
}

/// Looks for an interpreter. A name without a minor number is usually a link to the only interpreter beside it.
Look look_at(const Machine& machine, const Path& folder, const std::string& name) {
    if (const auto version = parse_python_version(name)) return {version};
    if (name == "python3" || name == "python2") {
        const auto beside = versions_in(machine, folder, name.back() - '0');
        if (beside.size() == 1) return {beside.front()};
    }
    return ask(machine, folder + "/" + name);
}

/// For scripts from before the list: if [ -f "/usr/bin/python3.6" ] one after the other.
std::vector<std::string> interpreters_in(std::string_view script) {
    constexpr std::string_view folder = "/usr/bin/";
    constexpr std::size_t most_names = 50;
    std::vector<std::string> names;
    for (auto at = script.find(folder); at != script.npos && names.size() < most_names;
         at = script.find(folder, at + folder.size())) {
        const auto rest = script.substr(at + folder.size());
        const auto end = std::min(rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789."), rest.size());
        std::string name(rest.substr(0, end));
        if (is_interpreter_name(name) && std::ranges::find(names, name) == names.end()) {
            names.push_back(std::move(name));
        }
    }
    return names;
}

}  // namespace

std::optional<PythonVersion> parse_python_version(std::string_view text) {
    const auto digit = text.find_first_of("0123456789");
    if (digit == std::string_view::npos) return std::nullopt;
    text.remove_prefix(digit);
    const auto* end = text.data() + text.size();
    PythonVersion version;
    const auto major = std::from_chars(text.data(), end, version.major);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    return minor.ec == std::errc() ? std::optional(version) : std::nullopt;
}

PythonSearch python_search_of(std::string_view handle_script) {
    PythonSearch search{{"python3.8", "python3.7", "python3.6", "python3.5", "python3.4", "python3.3", "python3",
                         "python2.7", "python2.6", "python2", "python"},
                        {"/usr/bin", "/usr/local/bin"}};
    constexpr std::string_view list = "pythonVersionList=\"";
    const auto start = handle_script.find(list);
    if (start == std::string_view::npos) {
        if (auto named = interpreters_in(handle_script); !named.empty()) {
            search.names = std::move(named);
            search.folders = {"/usr/bin"};
            search.asks_agent = handle_script.find("waagent") != std::string_view::npos;
        }
        return search;
    }
    auto names = handle_script.substr(start + list.size());
    names = names.substr(0, names.find('"'));
    auto said = words_of(names);
    if (said.empty() || said.size() > 50 || !std::ranges::all_of(said, is_interpreter_name)) return search;
    search.names = std::move(said);
    if (handle_script.find("/usr/local/bin/") == std::string_view::npos) search.folders.pop_back();
    return search;
}

Result<std::vector<PythonInterpreter>> find_pythons(const Machine& machine, const PythonSearch& search) {
    std::vector<PythonInterpreter> found;
    for (const auto& name : search.names) {
        for (const auto& folder : search.folders) {
            const auto path = folder + "/" + name;
            const auto status = machine.files().status(path);
            if (!status) {
                if (status.error().kind == ErrorKind::not_found) continue;
                return status.error();
            }
            if (status->kind == FileKind::directory) continue;
            const auto look = look_at(machine, folder, name);
            if (look.leads_nowhere && status->kind == FileKind::symlink) continue;
            found.push_back({path, look.version});
            break;
        }
    }
    if (!search.asks_agent) return found;
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return processes.error();
    // handle.sh takes the first process whose line has both words.
    const auto of_agent = std::ranges::find_if(*processes, [](const machine::Process& process) {
        const auto has = [&](std::string_view part) {
            return std::ranges::any_of(process.command_line,
                                       [&](const auto& word) { return word.find(part) != std::string::npos; });
        };
        return has("waagent") && has("python");
    });
    if (of_agent == processes->end() || !of_agent->command_line.front().starts_with('/')) return found;
    const auto& path = of_agent->command_line.front();
    const bool known = std::ranges::find(found, path, &PythonInterpreter::path) != found.end();
    if (known || !machine.files().status(path)) return found;
    const auto slash = path.rfind('/');
    found.push_back({path, look_at(machine, path.substr(0, slash), path.substr(slash + 1)).version});
    return found;
}

std::optional<machine::Path> newest_installed_python(const machine::Machine& machine) {
    std::optional<machine::Path> best;
    PythonVersion newest;
    for (const auto* folder : {"/usr/bin", "/usr/local/bin"}) {
        const auto names = machine.files().list(folder);
        if (!names) continue;
        for (const auto& name : *names) {
            const auto version = parse_python_version(name);
            if (!version || *version <= newest) continue;
            if (name != fmt::format("python{}.{}", version->major, version->minor)) continue;
            const auto status = machine.files().status(fmt::format("{}/{}", folder, name));
            if (!status || status->kind != machine::FileKind::regular) continue;
            newest = *version;
            best = fmt::format("{}/{}", folder, name);
        }
    }
    constexpr auto platform_python = "/usr/libexec/platform-python";
    if (!best && machine.files().status(platform_python)) best = platform_python;
    return best;
}

std::string script_that_runs(const machine::Path& interpreter) {
    return fmt::format("#!/bin/sh\nexec {} \"$@\"\n", interpreter);
}

}  // namespace remediations
