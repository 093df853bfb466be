#include "remediations/machine/linux/services_systemd.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/system_error.hpp"
#include "remediations/machine/linux/systemd.hpp"
#include "remediations/machine/run_command.hpp"

namespace machine::local {

namespace {

constexpr auto question_timeout = std::chrono::seconds(20);
constexpr std::string_view service_suffix = ".service";

/// Returns true for a name that systemd allows for a unit, except one with a leading "-" or ".".
bool is_unit_name(const std::string& name) {
    const auto allowed = [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(":-_.\\@").find(static_cast<char>(c)) != std::string_view::npos;
    };
    return !name.empty() && name.size() < 256 && name.front() != '-' && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), allowed);
}

std::string unit_of(const std::string& name) {
    return name.ends_with(service_suffix) ? name : name + std::string(service_suffix);
}

std::string without_suffix(std::string name) {
    if (name.ends_with(service_suffix)) {
        name.resize(name.size() - service_suffix.size());
    }
    return name;
}

Error not_a_unit_name(const std::string& name) {
    return Error::invalid(fmt::format("'{}' is not the name of a systemd service", name));
}

const std::string& property(const UnitProperties& properties, const std::string& key) {
    static const std::string absent;
    const auto found = properties.find(key);
    return found == properties.end() ? absent : found->second;
}

std::uint32_t number(const UnitProperties& properties, const std::string& key) {
    const std::string& text = property(properties, key);
    std::uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// Returns the services in a list of units, without targets, sockets and mounts.
std::vector<std::string> services_in(const std::string& units) {
    std::vector<std::string> services;
    std::istringstream words(units);
    for (std::string unit; words >> unit;) {
        if (unit.ends_with(service_suffix)) {
            services.push_back(without_suffix(unit));
        }
    }
    return services;
}

ServiceState state_from(const std::string& active_state) {
    if (active_state == "active" || active_state == "reloading" || active_state == "refreshing") {
        return ServiceState::running;
    }
    if (active_state == "activating") {
        return ServiceState::starting;
    }
    if (active_state == "deactivating") {
        return ServiceState::stopping;
    }
    return active_state == "failed" ? ServiceState::failed : ServiceState::stopped;
}

StartType start_type_from(const UnitProperties& properties) {
    const std::string& file_state = property(properties, "UnitFileState");
    if (property(properties, "LoadState") == "masked" || file_state.starts_with("masked")) {
        return StartType::disabled;
    }
    if (file_state == "enabled" || file_state == "enabled-runtime") {
        return StartType::automatic;
    }
    // A SysV script has no enablement of its own; its links in rc?.d become WantedBy.
    const bool sysv = file_state.empty() || file_state == "generated";
    return sysv && !property(properties, "WantedBy").empty() ? StartType::automatic : StartType::manual;
}

/// "{ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D ; ..." -> "/usr/sbin/sshd"
std::string path_in(const std::string& exec_start) {
    constexpr std::string_view key = "path=";
    const std::size_t start = exec_start.find(key);
    if (start == exec_start.npos) {
        return {};
    }
    const std::size_t end = exec_start.find(" ;", start);
    return exec_start.substr(start + key.size(), end == exec_start.npos ? end : end - start - key.size());
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

}  // namespace

Result<std::vector<UnitProperties>> parse_systemctl_show(std::string_view text) {
    std::vector<UnitProperties> units;
    std::string* last_value = nullptr;
    bool in_block = false;
    for (std::size_t line_number = 1; !text.empty(); ++line_number) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (line.empty()) {
            in_block = false;
            continue;
        }
        if (!in_block) {
            units.emplace_back();
            last_value = nullptr;
            in_block = true;
        }
        const std::size_t equals = line.find('=');
        const bool assignment = equals != line.npos && equals != 0 && line.substr(0, equals).find(' ') == line.npos;
        if (assignment) {
            last_value = &units.back()[std::string(line.substr(0, equals))];
            // ExecStart= comes once for each command; the first one is what the service is.
            if (last_value->empty()) {
                *last_value = line.substr(equals + 1);
            }
        } else if (last_value != nullptr) {
            *last_value += '\n';
            *last_value += line;
        } else {
            return Error::invalid(
                fmt::format("systemctl show, line {}: expected Key=value, found '{:.200}'", line_number, line));
        }
    }
    return units;
}

Result<Service> service_from(const UnitProperties& properties, const std::string& name) {
    const std::string& load_state = property(properties, "LoadState");
    if (load_state == "not-found") {
        return Error::not_found(fmt::format("systemd has no service {}", name));
    }
    if (load_state != "loaded" && load_state != "masked") {
        return Error::invalid(
            fmt::format("the unit of service {} cannot be used: LoadState is '{}', expected loaded or masked {}", name,
                        load_state, property(properties, "LoadError")),
            error_unit_refused);
    }
    Service service;
    service.name = without_suffix(property(properties, "Id").empty() ? name : property(properties, "Id"));
    service.state = state_from(property(properties, "ActiveState"));
    service.start = start_type_from(properties);
    const std::string& user = property(properties, "User");
    service.account = user.empty() ? "root" : user;
    service.binary = path_in(property(properties, "ExecStart"));
    service.exit_code = number(properties, "ExecMainStatus");
    service.pid = number(properties, "MainPID");
    const std::string& restart = property(properties, "Restart");
    service.restarts = !restart.empty() && restart != "no";
    service.restart_count = number(properties, "NRestarts");  // since systemd 235
    for (const char* dependency : {"Requires", "Requisite", "BindsTo"}) {
        for (std::string& unit : services_in(property(properties, dependency))) {
            service.depends_on.push_back(std::move(unit));
        }
    }
    return service;
}

SystemdServices::SystemdServices(std::string systemctl, std::string unit_folder)
    : systemctl_(systemctl.empty() ? first_existing({"/usr/bin/systemctl", "/bin/systemctl"}).string()
                                   : std::move(systemctl)),
      unit_folder_(std::move(unit_folder)) {}

Result<std::vector<UnitProperties>> SystemdServices::show(const std::string& properties,
                                                          const std::vector<std::string>& names) const {
    std::vector<std::string> arguments = {"show", "--no-pager", "--property=" + properties, "--"};
    for (const std::string& name : names) {
        if (!is_unit_name(name)) {
            return not_a_unit_name(name);
        }
        arguments.push_back(unit_of(name));
    }
    const auto output = run_command({systemctl_, arguments, question_timeout});
    if (!output) {
        return output.error();
    }
    // Old versions answer for a unit that is not there and end with an error all the same.
    auto units = parse_systemctl_show(output->out);
    if (units && units->size() != names.size()) {
        return Error::failed(fmt::format("systemctl show said nothing of {} (exit code {}): {}", names.front(),
                                         output->exit_code, first_line(output->err)),
                             output->exit_code);
    }
    return units;
}

Result<Service> SystemdServices::find(const std::string& name) const {
    const auto units = show(
        "Id,LoadState,LoadError,ActiveState,UnitFileState,WantedBy,User,ExecStart,ExecMainStatus,MainPID,Requires,"
        "Requisite,BindsTo,Restart,NRestarts",
        {name});
    return units ? service_from(units->front(), name) : units.error();
}

Result<std::vector<std::string>> SystemdServices::running_dependents(const std::string& name) const {
    const auto service = find(name);
    if (!service) {
        return service.error();
    }
    std::vector<std::string> running;
    std::set<std::string> seen = {service->name};
    // Breadth first: stopping a service also stops those that require the ones that require it.
    for (std::vector<std::string> level = {service->name}; !level.empty();) {
        const auto units = show("Id,ActiveState,RequiredBy,RequisiteOf,BoundBy,ConsistsOf", level);
        if (!units) {
            return units.error();
        }
        level.clear();
        for (const UnitProperties& unit : *units) {
            const std::string id = without_suffix(property(unit, "Id"));
            const ServiceState state = state_from(property(unit, "ActiveState"));
            if (id != service->name && (state == ServiceState::running || state == ServiceState::starting)) {
                running.push_back(id);
            }
            for (const char* dependents : {"RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf"}) {
                for (const std::string& dependent : services_in(property(unit, dependents))) {
                    if (seen.insert(dependent).second) {
                        level.push_back(dependent);
                    }
                }
            }
        }
    }
    return running;
}

Result<void> SystemdServices::systemctl(const std::string& verb, const std::string& name,
                                        std::chrono::milliseconds timeout) {
    if (!is_unit_name(name)) {
        return not_a_unit_name(name);
    }
    const auto output = run_command({systemctl_, {verb, "--no-ask-password", "--", unit_of(name)}, timeout});
    if (!output) {
        return output.error();
    }
    if (output->exit_code != 0) {
        return Error::refused(fmt::format("systemctl {} {} failed with exit code {}: {}", verb, name, output->exit_code,
                                          first_line(output->err)),
                              output->exit_code);
    }
    return {};
}

Result<void> SystemdServices::change_state(const std::string& verb, const std::string& name,
                                           std::chrono::milliseconds timeout) {
    auto changed = systemctl(verb, name, timeout);
    if (changed || changed.error().kind == ErrorKind::invalid) {
        return changed;
    }
    const auto service = find(name);
    if (!service) {
        return service.error().kind == ErrorKind::not_found ? service.error() : changed.error();
    }
    Error error = changed.error();
    error.message += fmt::format(" ({} is {})", name, to_string(service->state));
    return error;
}

Result<void> SystemdServices::start(const std::string& name, std::chrono::milliseconds timeout) {
    return change_state("start", name, timeout);
}

Result<void> SystemdServices::stop(const std::string& name, std::chrono::milliseconds timeout) {
    return change_state("stop", name, timeout);
}

Result<void> SystemdServices::restart(const std::string& name, std::chrono::milliseconds timeout) {
    return change_state("restart", name, timeout);
}

Result<void> SystemdServices::set_start(const std::string& name, StartType start) {
    const auto before = find(name);
    if (!before) {
        return before.error();
    }
    std::vector<const char*> verbs;
    if (start == StartType::disabled) {
        verbs = {"mask"};
    } else {
        if (before->start == StartType::disabled) {
            verbs.push_back("unmask");
        }
        verbs.push_back(start == StartType::automatic ? "enable" : "disable");
    }
    for (const char* verb : verbs) {
        if (auto done = systemctl(verb, name, default_timeout); !done) {
            return done;
        }
    }
    // systemctl succeeds, and does nothing, for a unit that has no [Install] section.
    const auto after = find(name);
    if (!after) {
        return after.error();
    }
    if (after->start != start) {
        return Error::refused(fmt::format("systemctl {} {} had no effect", verbs.back(), name));
    }
    return {};
}

Result<void> SystemdServices::reload_units() {
    const auto output = run_command({systemctl_, {"daemon-reload", "--no-ask-password"}, question_timeout});
    if (!output) {
        return output.error();
    }
    if (output->exit_code != 0) {
        return Error::refused(fmt::format("systemctl daemon-reload failed with exit code {}: {}", output->exit_code,
                                          first_line(output->err)),
                              output->exit_code);
    }
    return {};
}

Result<void> SystemdServices::set_restarts(const std::string& name, bool restarts) {
    const auto before = find(name);
    if (!before) {
        return before.error();
    }
    const std::string folder = fmt::format("{}/{}.d", unit_folder_, unit_of(before->name));
    const std::string drop_in = folder + "/50-backup-remediation.conf";
    if (restarts) {
        if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
            return system_error("cannot create folder " + folder);
        }
        if (auto written = replace_file(drop_in, "[Service]\nRestart=always\nRestartSec=5\n", 0644, Attributes::reset);
            !written) {
            return written;
        }
    } else {
        if (::unlink(drop_in.c_str()) != 0 && errno != ENOENT) {
            return system_error("cannot remove " + drop_in);
        }
        ::rmdir(folder.c_str());  // stays where somebody else has a drop-in there
    }
    if (auto reloaded = reload_units(); !reloaded) {
        return reloaded;
    }
    if (!restarts) {
        return {};
    }
    const auto after = find(name);
    if (after && !after->restarts) {
        return Error::refused(fmt::format("another drop-in of {} overrides {}", name, drop_in));
    }
    return after ? Result<void>() : after.error();
}

Result<void> SystemdServices::set_account(const std::string& name, const std::string&) {
    return Error::unsupported(fmt::format("the account of {} belongs to its unit file", name));
}

}  // namespace machine::local
