#include "remediations/knowledge/agent/agent_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>
#include <optional>
#include <set>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;
using machine::Service;

namespace {

/// Returns true for "ModuleNotFoundError: ...", "/usr/bin/python3: can't open file ...", "env: 'python': No such file
/// or directory".
bool names_a_cause(std::string_view line) {
    const auto word = line.substr(0, line.find(':'));
    if (word.size() == line.size()) return false;
    const bool is_exception = word.find(' ') == word.npos && (word.ends_with("Error") || word.ends_with("Exception"));
    constexpr std::string_view causes[] = {"can't open file", "No such file", "Failed at step"};
    return is_exception ||
           std::ranges::any_of(causes, [&](std::string_view cause) { return line.find(cause) != line.npos; });
}

/// Returns true for what systemd says of a unit that has ended, whatever it ended with.
bool is_bookkeeping(std::string_view line) {
    return line.find(": Consumed ") != line.npos && line.find(" CPU time") != line.npos;
}

}  // namespace

Result<Service> find_agent_service(const Machine& machine) {
    const std::vector<std::string> names = machine.facts().platform == machine::Platform::windows
                                               ? std::vector<std::string>{"WindowsAzureGuestAgent"}
                                               : std::vector<std::string>{"walinuxagent", "waagent"};
    for (const auto& name : names) {
        auto service = machine.services().find(name);
        if (service) service->name = name;
        if (service || service.error().kind != ErrorKind::not_found) return service;
    }
    return machine::Error::not_found("no service of the guest agent is installed");
}

namespace {

struct AskedOnce {
    explicit AskedOnce(const Machine& machine) : service(find_agent_service(machine)) {}
    Result<Service> service;
};

}  // namespace

const Result<Service>& agent_service_of(const Machine& machine) {
    return machine.derived<AskedOnce>().service;
}

Result<std::string> agent_service_name(const Machine& machine) {
    const auto service = find_agent_service(machine);
    if (!service) return service.error();
    return service->name;
}

namespace {

Result<void> restart_windows_agent(Changes& changes) {
    for (const auto* agent : windows_agent_services) {
        const auto service = changes.machine().services().find(agent->name);
        if (!service && service.error().kind == ErrorKind::not_found) continue;
        if (!service) return service.error();
        if (service->start == machine::StartType::disabled) continue;
        if (auto restarted = changes.restart_service(agent->name); !restarted) return restarted;
    }
    return {};
}

/// systemd's request to end reaches the daemon alone (KillMode=process), and wakes that one. A stopped child would
/// stay, and the new daemon would wait for it. Nothing is lost, because it does nothing.
Result<void> end_stopped_child(Changes& changes) {
    const auto processes = agent_processes(changes.machine());
    if (!processes || !processes->goal_state_handler) return {};
    const auto& child = *processes->goal_state_handler;
    return process_state(changes.machine(), child) == 'T' ? changes.end_process(child) : Result<void>();
}

/// systemd counts a service as started before its program runs: a look that follows at once would find no agent.
void wait_for_daemon(const Changes& changes) {
    constexpr std::chrono::milliseconds pause{100};
    constexpr int most_looks = 20;
    for (int look = 0; look < most_looks && !changes.is_plan(); ++look) {
        const auto list = changes.machine().processes().list();
        if (!list || agent_processes_among(*list).daemon || !changes.machine().wait(pause)) return;
    }
}

}  // namespace

Result<void> restart_agent(Changes& changes) {
    if (changes.machine().facts().platform == machine::Platform::windows) return restart_windows_agent(changes);
    const auto service = find_agent_service(changes.machine());
    if (!service) return service.error();
    if (service->start == machine::StartType::disabled) return {};
    if (auto ended = end_stopped_child(changes); !ended) return ended;
    auto restarted = changes.restart_service(service->name);
    if (restarted) wait_for_daemon(changes);
    return restarted;
}

Result<void> replace_running_agent(Changes& changes) {
    const auto service = find_agent_service(changes.machine());
    if (!service) return service.error();
    if (service->start == machine::StartType::disabled) {
        return machine::Error::refused(
            fmt::format("the service {} may not be started (masked or disabled): nothing would start the agent again",
                        service->name));
    }
    return restart_agent(changes);
}

namespace {

constexpr std::size_t most_lines = 40;
constexpr std::size_t longest_line = 500;

/// The parts "python3[4411]" and "NameError: ..." of "Nov 30 10:26:20 vm1 python3[4411]: NameError: ..."
struct SyslogLine {
    std::string_view process;
    std::string_view message;
};

std::optional<SyslogLine> syslog_line(std::string_view line) {
    const auto end = line.find("]: ");
    if (end == line.npos) return std::nullopt;
    const auto process = line.substr(0, end + 1);
    return SyslogLine{process.substr(process.rfind(' ') + 1), line.substr(end + 3)};
}

/// Returns the lines of systemd about the unit, and those of a process that names the agent: other programs run in an
/// interpreter too, and their tracebacks are not the agent's.
std::vector<std::string> agent_lines_in(std::string_view syslog, const std::string& service) {
    std::vector<SyslogLine> lines;
    std::set<std::string_view> of_agent;
    for (; !syslog.empty(); syslog.remove_prefix(std::min(syslog.find('\n'), syslog.size() - 1) + 1)) {
        const auto line = syslog_line(syslog.substr(0, syslog.find('\n')));
        if (!line) continue;
        const bool is_of_systemd = line->process.starts_with("systemd[");
        const bool speaks_of_agent = line->message.find("waagent") != line->message.npos ||
                                     line->message.find("azurelinuxagent") != line->message.npos;
        if (is_of_systemd && line->message.find(service) == line->message.npos) continue;
        if (is_of_systemd || speaks_of_agent) of_agent.insert(line->process);
        lines.push_back(*line);
    }
    std::vector<std::string> found;
    for (const auto& line : lines) {
        if (of_agent.contains(line.process)) found.emplace_back(line.message.substr(0, longest_line));
    }
    if (found.size() > most_lines) found.erase(found.begin(), found.end() - most_lines);
    return found;
}

std::vector<std::string> lines_in_syslog(const Machine& machine, const std::string& service) {
    constexpr std::uint64_t tail = std::uint64_t{256} << 10;
    for (const auto* file : {"/var/log/syslog", "/var/log/messages"}) {
        const auto status = machine.files().status(file);
        if (!status) continue;
        const auto text = machine.files().read_range(file, status->size - std::min(status->size, tail), tail);
        if (text) return agent_lines_in(*text, service);
    }
    return {};
}

}  // namespace

std::vector<std::string> newest_journal_lines(const Machine& machine, const std::string& service) {
    for (const auto* program : {"/usr/bin/journalctl", "/bin/journalctl"}) {
        const auto output = machine.processes().query(
            {program,
             {"-q", "-n", std::to_string(most_lines), "-o", "cat", "--no-pager", "-u", service},
             std::chrono::seconds(5)});
        if (!output) continue;
        std::vector<std::string> lines;
        for (std::string_view rest = output->out; !rest.empty();) {
            const auto line = rest.substr(0, rest.find('\n'));
            if (!boost::algorithm::trim_copy(line).empty()) lines.emplace_back(line.substr(0, longest_line));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        }
        if (!lines.empty()) return lines;
    }
    return lines_in_syslog(machine, service);
}

std::string decisive_line(const std::vector<std::string>& lines) {
    const auto named = std::find_if(lines.rbegin(), lines.rend(), names_a_cause);
    if (named != lines.rend()) return *named;
    const auto last = std::find_if_not(lines.rbegin(), lines.rend(), is_bookkeeping);
    return last == lines.rend() ? std::string() : *last;
}

Result<void> see_that_agent_stays(const Changes& changes, const std::string& name) {
    for (int look = 0; look < 5 && !changes.is_plan(); ++look) {
        changes.machine().wait(std::chrono::milliseconds(200));
        const auto service = changes.machine().services().find(name);
        if (!service) return service.error();
        // systemd waits to start one again that has just failed.
        const bool is_starting = service->state == machine::ServiceState::starting && service->exit_code == 0;
        if (service->state == machine::ServiceState::running || is_starting) continue;
        const auto reason = changes.machine().facts().platform == machine::Platform::windows
                                ? fmt::format("exit code {}", service->exit_code)
                                : decisive_line(newest_journal_lines(changes.machine(), name));
        return machine::Error::failed(fmt::format("{} ended at once: {}", name, reason));
    }
    return {};
}

}  // namespace remediations
