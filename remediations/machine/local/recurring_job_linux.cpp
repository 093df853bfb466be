#include "remediations/machine/local/recurring_job.hpp"

#include <fmt/format.h>

#include "remediations/machine/linux/systemd.hpp"
#include "remediations/machine/local/computer.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/run_command.hpp"

namespace machine::local {

namespace {

constexpr std::size_t unit_limit = std::size_t{64} << 10;

std::filesystem::path unit_file(const std::string& name, std::string_view kind) {
    return fmt::format("/etc/systemd/system/{}.{}", name, kind);
}

std::filesystem::path cron_file(const std::string& name) {
    return "/etc/cron.d/" + name;
}

/// Returns the file in which systemd keeps the last run of a persistent timer.
std::filesystem::path stamp_file(const std::string& name) {
    return fmt::format("/var/lib/systemd/timers/stamp-{}.timer", name);
}

/// Settings that create a mount namespace (PrivateTmp=, ProtectSystem= and others) are left out on purpose: the program
/// looks at the machine's own mounts, and a repair must reach them.
std::string service_text(const RecurringJob& job) {
    return fmt::format(
        "# Written by backup-remediation; `backup-remediation guard off` removes it.\n"
        "[Unit]\n"
        "Description={}\n"
        "StartLimitIntervalSec=0\n"
        "[Service]\n"
        "Type=oneshot\n"
        "ExecStart={} {}\n"
        "WorkingDirectory=/\n"
        "StandardInput=null\n"
        "StandardOutput=null\n"
        "StandardError=journal\n"
        "TimeoutStartSec=1200\n"
        "UMask=0077\n"
        "Nice=10\n"
        "IOSchedulingClass=best-effort\n"
        "IOSchedulingPriority=7\n"
        "CPUWeight=20\n"
        "CPUQuota=100%\n"
        "MemoryHigh=256M\n"
        "MemoryMax=512M\n"
        "TasksMax=128\n"
        "NoNewPrivileges=yes\n"
        "LockPersonality=yes\n"
        "RestrictRealtime=yes\n"
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
        "SystemCallArchitectures=native\n",
        job.description, job.program.string(), job.argument);
}

std::string timer_text(const RecurringJob& job) {
    const auto hours = job.every.count();
    const auto when = hours >= 24 ? std::string("*-*-* 00:00:00")
                      : hours > 1 ? fmt::format("*-*-* 00/{}:00:00", hours)
                                  : std::string("hourly");
    return fmt::format(
        "# Written by backup-remediation; `backup-remediation guard off` removes it.\n"
        "[Unit]\n"
        "Description={}\n"
        "[Timer]\n"
        "OnCalendar={}\n"
        "Persistent=true\n"
        "RandomizedDelaySec=600\n"
        "AccuracySec=60\n"
        "[Install]\n"
        "WantedBy=timers.target\n",
        job.description, when);
}

/// The minute depends on the computer, so that a fleet does not start at the same time.
std::string cron_text(const RecurringJob& job) {
    unsigned sum = 0;
    for (const char c : this_computer().id) sum = sum * 31 + static_cast<unsigned char>(c);
    const auto hours = job.every.count();
    const auto when = hours >= 24 ? std::string("0") : hours > 1 ? fmt::format("*/{}", hours) : std::string("*");
    return fmt::format(
        "# Written by backup-remediation; `backup-remediation guard off` removes it.\n"
        "SHELL=/bin/sh\n"
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
        "{} {} * * * root {} {} >/dev/null 2>&1\n",
        sum % 60, when, job.program.string(), job.argument);
}

Result<void> systemctl(std::vector<std::string> arguments, std::chrono::seconds patience = std::chrono::seconds(30)) {
    const auto program = first_existing({"/usr/bin/systemctl", "/bin/systemctl"});
    if (program.empty()) return Error::not_found("systemctl is not installed");
    const auto words = fmt::format("systemctl {}", arguments.front());
    const auto output = run_command({program.string(), std::move(arguments), patience});
    if (!output) return output.error();
    if (output->exit_code == 0) return {};
    const auto& text = output->err.empty() ? output->out : output->err;
    return Error::failed(fmt::format("{}: {}", words, text.substr(0, text.find('\n'))), output->exit_code);
}

bool is_there(const std::filesystem::path& path) {
    std::error_code code;
    return std::filesystem::exists(std::filesystem::symlink_status(path, code));
}

bool has_text(const std::filesystem::path& file, const std::string& text) {
    const auto present = read_file(file, unit_limit);
    return present && *present == text;
}

Result<void> remove_file(const std::filesystem::path& file) {
    std::error_code code;
    std::filesystem::remove(file, code);
    if (!code) return {};
    return Error::failed(fmt::format("{}: cannot be removed: {}", file.string(), code.message()), code.value());
}

Result<void> remove_units(const std::string& name) {
    const bool has_units = is_there(unit_file(name, "service")) || is_there(unit_file(name, "timer"));
    if (has_units && systemd_runs()) (void)systemctl({"disable", "--now", name + ".timer"});
    // The same as `disable`, for a system without systemd.
    for (const auto& file : {std::filesystem::path("/etc/systemd/system/timers.target.wants") / (name + ".timer"),
                             unit_file(name, "timer"), unit_file(name, "service"), stamp_file(name)}) {
        if (auto removed = remove_file(file); !removed) return removed;
    }
    if (has_units && systemd_runs()) {
        (void)systemctl({"reset-failed", name + ".service"});
        return systemctl({"daemon-reload"});
    }
    return {};
}

Result<void> install_units(const RecurringJob& job) {
    const auto service = unit_file(job.name, "service");
    const auto timer = unit_file(job.name, "timer");
    const auto timer_name = job.name + ".timer";
    const bool as_wanted = has_text(service, service_text(job)) && has_text(timer, timer_text(job));
    if (as_wanted && systemctl({"is-active", timer_name}) && systemctl({"is-enabled", timer_name})) return {};
    for (const auto& [file, text] : {std::pair(service, service_text(job)), std::pair(timer, timer_text(job))}) {
        if (auto written = write_durably(file, text, false); !written) return written;
    }
    if (auto loaded = systemctl({"daemon-reload"}); !loaded) return loaded;
    if (auto enabled = systemctl({"enable", timer_name}); !enabled) return enabled;
    // A timer that is active already keeps its old times until it is started again.
    if (auto started = systemctl({"restart", timer_name}); !started) return started;
    // SELinux or a noexec mount may keep systemd from starting the program. It waits in a queue while we boot.
    return systemctl({"start", job.name + ".service"}, std::chrono::seconds(60));
}

Result<void> install_cron(const RecurringJob& job) {
    std::error_code code;
    if (!std::filesystem::is_directory("/etc/cron.d", code)) {
        return Error::unsupported("there is neither systemd nor cron (/etc/cron.d) on this machine");
    }
    if (has_text(cron_file(job.name), cron_text(job))) return {};
    return write_durably(cron_file(job.name), cron_text(job), false);
}

}  // namespace

std::string_view to_string(JobBy by) {
    switch (by) {
        case JobBy::systemd_timer:
            return "a systemd timer";
        case JobBy::cron:
            return "cron";
        case JobBy::task_scheduler:
            return "the Task Scheduler";
    }
    return "";
}

Result<JobBy> install_job(const RecurringJob& job) {
    std::string why;
    if (systemd_runs()) {
        const auto installed = install_units(job);
        if (installed) {
            (void)remove_file(cron_file(job.name));  // of a time without systemd
            return JobBy::systemd_timer;
        }
        why = installed.error().message;
        if (auto removed = remove_units(job.name); !removed) return removed.error();
    }
    const auto installed = install_cron(job);
    if (installed) return JobBy::cron;
    if (why.empty()) return installed.error();
    return Error::failed(fmt::format("{}; and {}", why, installed.error().message));
}

Result<void> remove_job(const std::string& name) {
    if (auto removed = remove_units(name); !removed) return removed;
    return remove_file(cron_file(name));
}

}  // namespace machine::local
