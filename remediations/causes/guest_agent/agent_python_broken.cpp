#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/extension/python_interpreters.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_python_broken {

using machine::ErrorKind;
using machine::FileKind;
using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

/// systemd's exit code: the program of a unit could not be executed.
constexpr std::uint32_t cannot_execute = 203;
/// The exit code of a shell or of env: the program was not found.
constexpr std::uint32_t not_found = 127;

/// Errors of a Python that the agent was not installed for.
constexpr std::string_view python_failures[] = {"ModuleNotFoundError",  "ImportError",          "SyntaxError",
                                                "PackageNotFoundError", "DistributionNotFound", "bad interpreter"};

/// Errors of another Python than the agent's modules were made for, which finds these modules.
constexpr std::string_view foreign_failures[] = {
    "NameError", "AttributeError", "KeyError", "TypeError", "undefined symbol", "error while loading shared libraries"};

/// Returns the path in a traceback that is in a Python which no distribution installs: pyenv, conda, a private build.
std::string foreign_python_in(const std::vector<std::string>& journal) {
    constexpr std::string_view places[] = {
        "/usr/local/lib/python",   "/opt/",      "/.pyenv/", "/anaconda", "/miniconda", "/conda/", "/home/", "/root/",
        "/usr/local/lib64/python", "/linuxbrew/"};
    for (const auto& line : journal) {
        if (line.find("File \"") == std::string::npos || line.find("python") == std::string::npos) continue;
        for (const auto place : places) {
            if (line.find(place) != std::string::npos) return line.substr(0, 300);
        }
    }
    return {};
}

/// Returns "/usr/bin/python3" for "#!/usr/bin/python3 -u"; empty for a program that is not a script.
std::string interpreter_in(std::string_view text) {
    if (!text.starts_with("#!")) return {};
    auto line = boost::algorithm::trim_copy(text.substr(2, text.find('\n') - 2));
    const auto end = line.find_first_of(" \t\r");
    const auto program = line.substr(0, end);
    if (!program.ends_with("/env") || end == line.npos) return std::string(program);
    const auto argument = boost::algorithm::trim_copy(line.substr(end));
    return std::string(argument.substr(0, argument.find_first_of(" \t")));
}

/// Returns true if a program exists; without a folder it is searched in the usual PATH. Of a symbolic link only the
/// link itself is checked.
Result<bool> exists(const Machine& machine, const std::string& program) {
    const std::vector<std::string> places =
        program.starts_with('/') ? std::vector<std::string>{program}
                                 : std::vector<std::string>{"/usr/local/sbin/" + program, "/usr/local/bin/" + program,
                                                            "/usr/sbin/" + program,       "/usr/bin/" + program,
                                                            "/sbin/" + program,           "/bin/" + program};
    for (const auto& place : places) {
        const auto status = machine.files().status(place);
        if (status) return true;
        if (status.error().kind != ErrorKind::not_found) return status.error();
    }
    return false;
}

/// Returns true if the program is the link /usr/bin/python3 and nothing exists that it could lead to, python3.11 for
/// example.
bool leads_nowhere(const Machine& machine, const std::string& program) {
    if (program != "/usr/bin/python3") return false;
    const auto status = machine.files().status(program);
    if (!status || status->kind != FileKind::symlink) return false;
    const auto names = machine.files().list("/usr/bin");
    const auto is_python = [](const std::string& name) { return name.starts_with("python3."); };
    return names && std::ranges::none_of(*names, is_python) &&
           !machine.files().status("/usr/libexec/platform-python") &&
           !machine.files().status("/etc/alternatives/python3");
}

/// Returns true if the interpreter of a process still exists, so that it can be started again.
bool still_exists(const Machine& machine, const machine::Process& process) {
    if (process.command_line.empty()) return false;
    const auto found = exists(machine, process.command_line.front());
    return found && *found && !leads_nowhere(machine, process.command_line.front());
}

Finding broken_python(const Machine& machine, std::string summary, std::vector<Evidence> evidence) {
    return Finding::needs_operator(
        std::move(summary), std::move(evidence),
        fmt::format(
            "Let /usr/bin/python3 be the distribution's own Python again (update-alternatives --config python3, "
            "no link to a build of one's own, no pyenv for root), and install the agent's package for it anew; "
            "an agent installed from source or with pip does not survive a change of Python. {}",
            install_advice(machine)));
}

/// Returns the distribution's own Python by its full name, if it has the agent's modules. nullopt where the missing
/// interpreter is not python3, or where it is not known to whom the Python belongs.
std::optional<Path> python_of_agent(const Machine& machine, const std::string& missing) {
    if (missing != "/usr/bin/python3" && missing != "python3") return std::nullopt;
    const auto python = newest_installed_python(machine);
    if (!python || !python->starts_with("/usr/bin/")) return std::nullopt;
    const auto name = python->substr(python->rfind('/') + 1);
    const Path places[] = {fmt::format("/usr/lib/{}/site-packages", name), "/usr/lib/python3/dist-packages",
                           fmt::format("/usr/lib/{}/dist-packages", name)};
    const bool has_modules = std::ranges::any_of(
        places, [&](const Path& place) { return machine.files().status(place + "/azurelinuxagent").has_value(); });
    return has_modules ? python : std::nullopt;
}

/// The distribution's Python exists, but not under the name that the program uses.
Finding python_without_its_name(const Path& python, const std::string& program, const std::string& interpreter) {
    auto finding = Finding::broken(
        fmt::format("{} wants {}, which is missing; the distribution's Python is there as {}.", program, interpreter,
                    python),
        {{program, "#!" + interpreter, "a program that exists"},
         {interpreter, "missing", "the Python interpreter"},
         {python, "there, with the agent's modules", ""}},
        fmt::format("Make {} known as /usr/bin/python3 (ln -s {} /usr/bin/python3), and start the guest agent.", python,
                    python));
    finding.subjects = {python};
    return finding;
}

/// Returns the program that the unit starts, if it does not exist; empty where it exists or that is not known.
std::string missing_program_of(const Machine& machine, const machine::Service& service) {
    if (!service.binary.starts_with('/') || service.exit_code != cannot_execute) return {};
    const auto found = exists(machine, service.binary);
    return found && !*found ? service.binary : std::string();
}

Finding diagnose(const Machine& machine) {
    const auto program = agent_program(machine);
    if (!program && program.error().kind == ErrorKind::not_found) {
        return Finding::not_applicable("The guest agent is not installed.");
    }
    if (!program) return Finding::unknown("/usr/sbin/waagent", program.error());
    const auto processes = agent_processes(machine);
    if (!processes) return Finding::unknown("the list of processes", processes.error());
    const auto head = machine.files().read_range(*program, 0, 256);
    const auto interpreter = head ? interpreter_in(*head) : std::string();

    std::vector<Evidence> evidence;
    // Whatever the first line of the program names: the unit may start it with another Python, and that one runs it.
    if (processes->goal_state_handler && still_exists(machine, *processes->goal_state_handler)) {
        evidence.push_back({"process", describe(*processes->goal_state_handler), ""});
        return Finding::healthy("The agent's Python runs it.", std::move(evidence));
    }
    if (!interpreter.empty()) {
        const auto found = exists(machine, interpreter);
        if (!found) return Finding::unknown(interpreter, found.error());
        const auto python = *found ? std::nullopt : python_of_agent(machine, interpreter);
        if (python) return python_without_its_name(*python, *program, interpreter);
        if (!*found || leads_nowhere(machine, interpreter)) {
            return broken_python(
                machine, fmt::format("{} wants {}, which is missing.", *program, interpreter),
                {{*program, "#!" + interpreter, "a program that exists"},
                 {interpreter, *found ? "a link to a file that is missing" : "missing", "the Python interpreter"}});
        }
        evidence.push_back({interpreter, "exists", ""});
    }
    const auto& service = agent_service_of(machine);
    if (!service) return Finding::healthy("The Python that the agent names exists.", std::move(evidence));
    // A daemon that dies at its start may be caught between two of them.
    constexpr std::uint32_t many_restarts = 3;
    if (processes->any() && service->restart_count < many_restarts) {
        return Finding::healthy("The agent's Python runs it.", std::move(evidence));
    }
    if (const auto missing = missing_program_of(machine, *service); !missing.empty()) {
        return Finding::needs_operator(
            fmt::format("The unit of the guest agent starts {}, which does not exist.", missing),
            {{"ExecStart of " + service->name, service->binary, "a program that exists"},
             {missing, "missing", "there"},
             {"service " + service->name, fmt::format("exit code {}", service->exit_code), "0"}},
            fmt::format("Let the unit start the distribution's Python: systemctl edit {0}, with [Service], an empty "
                        "ExecStart= and ExecStart=/usr/bin/python3 -u {1} -daemon; then systemctl restart {0}. Or "
                        "install what brings {2}. {3}",
                        service->name, *program, missing, install_advice(machine)));
    }
    const auto journal = newest_journal_lines(machine, service->name);
    const auto line = decisive_line(journal);
    const auto foreign = foreign_python_in(journal);
    const bool python_failed =
        std::ranges::any_of(python_failures, [&](std::string_view text) { return line.find(text) != line.npos; }) ||
        (!foreign.empty() &&
         std::ranges::any_of(foreign_failures, [&](std::string_view text) { return line.find(text) != line.npos; }));
    // The program is there, and something does not let the service manager start it: SELinux, its mode, noexec.
    const bool is_forbidden =
        service->exit_code == cannot_execute && line.find("Permission denied") != std::string::npos;
    if (is_forbidden) {
        return Finding::healthy("The Python that the agent names exists; the service manager may not start the agent.",
                                {{"journal of " + service->name, line, ""}});
    }
    const bool no_program = service->exit_code == cannot_execute || service->exit_code == not_found;
    if (service->exit_code == 0 || (!python_failed && !no_program)) {
        return Finding::healthy("The Python that the agent names exists.", std::move(evidence));
    }
    evidence.push_back(
        {"service " + service->name, fmt::format("its last run ended with exit code {}", service->exit_code), "0"});
    if (!service->binary.empty()) evidence.push_back({"ExecStart of " + service->name, service->binary, ""});
    if (!line.empty()) evidence.push_back({"journal of " + service->name, line, ""});
    if (!foreign.empty()) {
        evidence.push_back({"traceback in the journal", foreign, "the distribution's own Python, below /usr/lib"});
        return broken_python(
            machine, "The guest agent is started with a Python that is not the distribution's, and cannot run there.",
            std::move(evidence));
    }
    return broken_python(machine,
                         no_program && !python_failed ? "The service manager cannot execute the agent's program."
                                                      : "Python cannot run the guest agent.",
                         std::move(evidence));
}

Result<void> fix(const Finding& finding, Changes& changes) {
    const auto made = changes.write_file("/usr/bin/python3", script_that_runs(finding.subjects.front()), 0755);
    return made ? restart_agent(changes) : made;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-python-broken",
        .title = "The Python that the guest agent needs is missing or damaged",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentPluginInstallCommandProcessingFailed",
                        "GuestAgentSnapshotTaskStatusError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent is a Python program. Where its interpreter was removed, or a newer Python does not have the "
            "agent's modules (azurelinuxagent) or lacks modules it uses (imp, crypt, distutils), it ends as soon as it "
            "starts. The cure is the distribution's Python with the distribution's agent; /usr/bin/python3 must not be "
            "pointed at another version. Where only that name is gone, and the Python with the agent's modules is "
            "there under its full name, the fix makes /usr/bin/python3 a small script that runs it, and starts the "
            "agent.",
        .source = "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/linux/linux-azure-guest-agent",
        .signals = {proof(Log::agent, "No module named 'azurelinuxagent"),
                    proof(Log::agent, "No module named azurelinuxagent"),
                    proof(Log::agent, "module 'platform' has no attribute")},
        .consequences = {"agent-not-running", "agent-restart-policy", "agent-crash-looping", "agent-hung",
                         "extension-no-interpreter", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_python_broken
