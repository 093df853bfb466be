#include "remediations/machine/linux/services_sysv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/systemd.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/run_command.hpp"

namespace machine::local {

namespace {

constexpr auto script_timeout = std::chrono::seconds(20);
constexpr std::size_t script_limit = std::size_t{1} << 20;

/// Exit codes of `status` in the Linux Standard Base, "Init Script Actions".
enum LsbStatus { lsb_running = 0, lsb_dead_with_pid_file = 1, lsb_dead_with_lock_file = 2, lsb_stopped = 3 };

bool is_script_name(const std::string& name) {
    const auto allowed = [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.' || c == '@' || c == '+';
    };
    return !name.empty() && name.front() != '.' && name.front() != '-' &&
           std::all_of(name.begin(), name.end(), allowed);
}

std::string text_of(const std::filesystem::path& script) {
    const auto text = read_regular_file(script.string(), script_limit);
    return text ? *text : std::string();
}

}  // namespace

std::vector<std::string> required_services(std::string_view init_script) {
    constexpr std::string_view key = "# Required-Start:";
    const std::size_t begin = init_script.find("### BEGIN INIT INFO");
    const std::size_t end = init_script.find("### END INIT INFO");
    if (begin == init_script.npos || end == init_script.npos || end < begin) {
        return {};
    }
    const std::string_view header = init_script.substr(begin, end - begin);
    const std::size_t start = header.find(key);
    if (start == header.npos) {
        return {};
    }
    const std::string_view rest = header.substr(start + key.size());
    std::istringstream words{std::string(rest.substr(0, rest.find('\n')))};
    std::vector<std::string> services;
    for (std::string word; words >> word;) {
        if (word.front() != '$' && word.front() != '+') {
            services.push_back(word);
        }
    }
    return services;
}

Result<std::filesystem::path> SysvServices::script_of(const std::string& name) const {
    if (!is_script_name(name)) {
        return Error::invalid(fmt::format("'{}' is not the name of an init script", name));
    }
    const auto link = root_ / "etc/init.d" / name;
    std::error_code error;
    auto script = std::filesystem::canonical(link, error);  // a few packages install a link
    if (error || !std::filesystem::is_regular_file(script, error)) {
        return Error::not_found(fmt::format("there is no init script {}", link.string()));
    }
    return script;
}

bool SysvServices::starts_at_boot(const std::string& name) const {
    for (const char level : {'2', '3', '4', '5'}) {
        std::error_code error;
        const auto folder = root_ / fmt::format("etc/rc{}.d", level);
        for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
            const std::string link = entry.path().filename().string();  // "S20name"
            if (link.size() > 3 && link.front() == 'S' && link.substr(3) == name) {
                return true;
            }
        }
    }
    return false;
}

Result<Service> SysvServices::find(const std::string& name) const {
    const auto script = script_of(name);
    if (!script) {
        return script.error();
    }
    Service service;
    service.name = name;
    service.start = starts_at_boot(name) ? StartType::automatic : StartType::manual;
    service.account = "root";
    service.binary = script->string();
    service.depends_on = required_services(text_of(*script));

    const auto status = run_command({script->string(), {"status"}, script_timeout});
    if (!status) {
        return status.error();
    }
    switch (status->exit_code) {
        case lsb_running:
            service.state = ServiceState::running;
            break;
        case lsb_dead_with_pid_file:
        case lsb_dead_with_lock_file:
            service.state = ServiceState::failed;
            break;
        case lsb_stopped:
            service.state = ServiceState::stopped;
            break;
        default:
            return Error::invalid(
                fmt::format("{} status ended with exit code {}, expected 0 to 3", script->string(), status->exit_code),
                status->exit_code);
    }
    service.exit_code = static_cast<std::uint32_t>(status->exit_code);
    return service;
}

Result<std::vector<std::string>> SysvServices::running_dependents(const std::string& name) const {
    if (const auto script = script_of(name); !script) {
        return script.error();
    }
    std::vector<std::string> running;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root_ / "etc/init.d", error)) {
        const std::string other = entry.path().filename().string();
        const auto required = required_services(text_of(entry.path()));
        if (other == name || std::find(required.begin(), required.end(), name) == required.end()) {
            continue;
        }
        const auto service = find(other);
        if (!service) {
            return service.error();
        }
        if (service->state == ServiceState::running) {
            running.push_back(other);
        }
    }
    std::sort(running.begin(), running.end());
    return running;
}

Result<void> SysvServices::run_script(const std::string& name, const std::string& verb, ServiceState expected,
                                      std::chrono::milliseconds timeout) {
    const auto script = script_of(name);
    if (!script) {
        return script.error();
    }
    // Its output goes to the null device: a daemon keeps what its script gave it, and a pipe of ours
    // would end the daemon at the first line it prints after we are gone.
    const auto code = run_supervised(*script, {verb}, "/", timeout);
    if (!code) {
        return code.error();
    }
    const auto service = find(name);
    if (!service) {
        return service.error();
    }
    const bool stopped = service->state == ServiceState::stopped || service->state == ServiceState::failed;
    const bool reached = expected == ServiceState::running ? !stopped : stopped;
    if (!reached) {
        return Error::refused(fmt::format("{} {} ended with exit code {} and the service is {}", script->string(), verb,
                                          *code, stopped ? "stopped" : "running"),
                              *code);
    }
    return {};
}

Result<void> SysvServices::start(const std::string& name, std::chrono::milliseconds timeout) {
    return run_script(name, "start", ServiceState::running, timeout);
}

Result<void> SysvServices::stop(const std::string& name, std::chrono::milliseconds timeout) {
    return run_script(name, "stop", ServiceState::stopped, timeout);
}

Result<void> SysvServices::restart(const std::string& name, std::chrono::milliseconds timeout) {
    // Not the script's own restart: Debian's walinuxagent script fails to stop the agent, says it did, and would leave
    // two of them.
    const auto stopped = stop(name, timeout);
    return stopped ? start(name, timeout) : stopped;
}

Result<void> SysvServices::run_tool(const std::filesystem::path& tool, const std::vector<std::string>& arguments) {
    const auto output = run_command({tool.string(), arguments, default_timeout});
    if (!output) {
        return output.error();
    }
    if (output->exit_code != 0) {
        return Error::refused(
            fmt::format("{} {} failed with exit code {}: {}", tool.string(), fmt::join(arguments, " "),
                        output->exit_code, output->err.substr(0, output->err.find('\n'))),
            output->exit_code);
    }
    return {};
}

Result<void> SysvServices::set_start(const std::string& name, StartType start) {
    if (const auto script = script_of(name); !script) {
        return script.error();
    }
    if (start == StartType::disabled) {
        return Error::unsupported(fmt::format("an init script cannot be disabled ({})", name));
    }
    const bool automatic = start == StartType::automatic;
    const auto exists = [&](const char* tool) {
        std::error_code error;
        return std::filesystem::exists(root_ / tool, error);
    };
    Result<void> done;
    if (exists("usr/sbin/update-rc.d")) {  // Debian and its kin
        const auto tool = root_ / "usr/sbin/update-rc.d";
        if (automatic) {
            done = run_tool(tool, {name, "defaults"});
        }
        if (done) {
            done = run_tool(tool, {name, automatic ? "enable" : "disable"});
        }
    } else if (exists("sbin/chkconfig")) {  // Red Hat, SUSE
        done = run_tool(root_ / "sbin/chkconfig", {name, automatic ? "on" : "off"});
    } else {
        done = Error::unsupported("neither update-rc.d nor chkconfig is installed");
    }
    if (done && starts_at_boot(name) != automatic) {
        return Error::refused(fmt::format("the links of {} in /etc/rc?.d did not change", name));
    }
    return done;
}

Result<void> SysvServices::set_restarts(const std::string& name, bool) {
    return Error::unsupported(fmt::format("nothing starts an init script again when it ends ({})", name));
}

Result<void> SysvServices::set_account(const std::string& name, const std::string&) {
    return Error::unsupported(fmt::format("the account of {} belongs to its init script", name));
}

}  // namespace machine::local
