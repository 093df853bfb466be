#include <unistd.h>

#include "remediations/machine/linux/child_process.hpp"
#include "remediations/machine/linux/systemd.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/run_command.hpp"

namespace machine::local {

namespace {

bool start_systemd_unit(const std::string& unit, const std::filesystem::path& program,
                        const std::vector<std::string>& arguments, const std::vector<std::string>& properties) {
    const auto systemd_run = first_existing({"/usr/bin/systemd-run", "/bin/systemd-run"});
    if (systemd_run.empty()) {
        return false;
    }
    std::vector<std::string> words = {"--quiet", "--unit=" + unit};
    words.insert(words.end(), properties.begin(), properties.end());
    words.insert(words.end(), {"--", program.string()});
    words.insert(words.end(), arguments.begin(), arguments.end());
    const auto output = run_command({systemd_run.string(), words, std::chrono::seconds(10)});
    return output && output->exit_code == 0;
}

/// Removes a failed unit of this name, because it blocks the name.
void forget_failed_unit(const std::string& unit) {
    const auto systemctl = first_existing({"/usr/bin/systemctl", "/bin/systemctl"});
    if (!systemctl.empty()) {
        (void)run_command({systemctl.string(), {"reset-failed", unit + ".service"}, std::chrono::seconds(10)});
    }
}

}  // namespace

Result<Detachment> start_detached(const std::string& unit, const std::filesystem::path& program,
                                  const std::vector<std::string>& arguments,
                                  const std::filesystem::path& working_directory, DetachBy by) {
    if (by == DetachBy::service_manager && systemd_runs() && is_privileged()) {
        // A child of the program outlives it, as it would without systemd.
        const std::string kill_mode = "--property=KillMode=process";
        const std::vector<std::string> properties = {kill_mode,
                                                     "--property=WorkingDirectory=" + working_directory.string(),
                                                     "--property=StandardOutput=null", "--property=StandardError=null"};
        if (start_systemd_unit(unit, program, arguments, properties)) {
            return Detachment::systemd_unit;
        }
        forget_failed_unit(unit);
        // systemd 219 (RHEL 7) knows only KillMode: / and the journal have to do there.
        if (start_systemd_unit(unit, program, arguments, properties) ||
            start_systemd_unit(unit, program, arguments, {kill_mode})) {
            return Detachment::systemd_unit;
        }
    }
    const auto child = start_child(program, arguments, working_directory, ChildOf::new_session);
    if (!child) {
        return child.error();
    }
    return Detachment::session;
}

Result<int> run_supervised(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                           const std::filesystem::path& working_directory, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const auto child = start_child(program, arguments, working_directory, ChildOf::new_group);
    if (!child) {
        return child.error();
    }
    return wait_for_child(*child, deadline, program.string());
}

std::filesystem::path this_executable() {
    std::error_code unknown;
    return std::filesystem::read_symlink("/proc/self/exe", unknown);
}

std::uint32_t this_process_id() {
    return static_cast<std::uint32_t>(::getpid());
}

bool is_privileged() {
    return ::geteuid() == 0;
}

}  // namespace machine::local
