#include "remediations/knowledge/extension/backup_signs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>
#include <cstdint>

#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/windows_agent.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/line_prefix.hpp"
#include "remediations/knowledge/logs/log_files.hpp"

namespace remediations {

namespace {

using std::chrono::minutes;
using std::chrono::system_clock;

constexpr auto reports_at_least_every = minutes(15);
constexpr auto longest_period = minutes(60);
constexpr auto logs_at_least_every = minutes(60);  ///< WaAppAgent.log; waagent's heartbeat comes every 30 minutes
constexpr std::size_t largest_configuration = std::size_t{256} << 10;
constexpr std::size_t end_of_log = std::size_t{64} << 10;

/// "2026-11-21T01:00:00.000000Z ERROR ...", before 2.2.46 "2026/11/21 01:00:00.000000 ERROR ...".
bool is_error(std::string_view line) {
    for (int word = 0; word < 3; ++word) {
        const auto end = line.find(' ');
        if (end == std::string_view::npos) return false;
        if (word > 0 && line.substr(0, end) == "ERROR") return true;
        line.remove_prefix(end + 1);
    }
    return false;
}

class SignReader {
public:
    explicit SignReader(const machine::Machine& machine) : machine_(machine), logs_(find_log_files(machine)) {}

    BackupSigns read() {
        const bool windows = machine_.facts().platform == machine::Platform::windows;
        for (const auto& file : logs_.files) {
            if (file.log == Log::extension) add_status(file.path, file.status);
        }
        if (windows) {
            look_at_windows_agent();
        } else {
            add_linux_files();
            look_at_linux_agent();
            find_newest_error();
        }
        signs_.fingerprint = fmt::format("{:016x}", hash_);
        return std::move(signs_);
    }

private:
    /// FNV-1a. The hash is kept on disk, so it must be the same in every build.
    void add(std::string_view text) {
        for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        hash_ = (hash_ ^ 0xFFU) * 0x100000001b3U;
    }
    void add_status(const machine::Path& path, const machine::FileStatus& status) {
        add(fmt::format("{} {} {} {} {:o}", path, static_cast<int>(status.kind), status.size,
                        status.modified.time_since_epoch().count(), status.mode));
    }
    /// Adds the content and the permissions of a small file, but not its times.
    void add_file(const machine::Path& path) {
        const auto status = machine_.files().status(path);
        if (!status) return;
        const auto text = machine_.files().read(path, largest_configuration);
        add(fmt::format("{} {} {:o} {}", path, static_cast<int>(status->kind), status->mode, status->size));
        if (text) add(*text);
    }

    void add_linux_files() {
        const auto configuration = AgentConfiguration::read(machine_);
        add_file(configuration ? configuration->path() : "/etc/waagent.conf");
        for (const auto* file : {"/etc/azure/vmbackup.conf", "/etc/azure/VMSnapshotScriptPluginConfig.json"}) {
            add_file(file);
        }
        library_ = agent_library_folder(machine_);
        const auto names = machine_.files().list(library_);
        if (!names) return;
        for (const auto& name : *names) {
            const bool counts =
                name.ends_with(".pem") || name.ends_with(".prv") || name.ends_with(".crt") || name == "disable_agent";
            if (counts) add(name);
            if (name.starts_with("waagent_status") && name.ends_with(".json")) note_report(library_ + "/" + name);
        }
        // Newer agents keep each goal state's in a folder of its own.
        if (const auto states = machine_.files().list(library_ + "/history"); states && !states->empty()) {
            note_report(library_ + "/history/" + states->back() + "/waagent_status.json");
        }
        if (configuration) {
            const auto text = configuration->text_of("Extensions.GoalStatePeriod", "6");
            int seconds = 0;
            std::from_chars(text.data(), text.data() + text.size(), seconds);
            patience_ = std::clamp<system_clock::duration>(3 * std::chrono::seconds(std::clamp(seconds, 0, 86'400)),
                                                           reports_at_least_every, longest_period);
        }
    }

    void note_report(const machine::Path& file) {
        const auto status = machine_.files().status(file);
        if (status && (!reported_ || status->modified > *reported_)) reported_ = status->modified;
    }

    void look_at_linux_agent() {
        if (!is_process_in_pid_file()) {
            const auto processes = agent_processes(machine_);
            if (processes && !processes->any()) {
                signs_.agent_is_dead = true;
                signs_.agent_trouble = "no process of the guest agent runs";
                return;
            }
        }
        const auto now = machine_.facts().now;
        if (reported_ && now - *reported_ > patience_) {
            signs_.agent_trouble =
                fmt::format("the guest agent has not reported for {} minutes", minutes_since(*reported_));
        } else if (const auto logged = newest_log_time(); !reported_ && logged && now - *logged > logs_at_least_every) {
            signs_.agent_trouble = fmt::format("the guest agent has not logged for {} minutes", minutes_since(*logged));
        }
    }

    /// Reads the daemon's PID file, because the list of processes costs more.
    bool is_process_in_pid_file() const {
        const auto text = machine_.files().read("/run/waagent.pid", 64);
        if (!text) return false;
        const auto number = boost::algorithm::trim_copy(*text);
        if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) return false;
        const auto words =
            machine_.files().read("/proc/" + number + "/cmdline", machine::Processes::command_line_bytes);
        return words && words->find("waagent") != std::string::npos;
    }

    void look_at_windows_agent() {
        for (const auto* agent : windows_agent_services) {
            const auto service = machine_.services().find(agent->name);
            const bool is_missing = !service && service.error().kind == machine::ErrorKind::not_found;
            const bool is_stopped = service && service->state != machine::ServiceState::running;
            if (!is_missing && !is_stopped) continue;
            signs_.agent_is_dead = true;
            signs_.agent_trouble =
                fmt::format("the guest agent's service {} {}", agent->name, is_missing ? "is missing" : "does not run");
            return;
        }
        const auto logged = newest_log_time();
        if (logged && machine_.facts().now - *logged > logs_at_least_every) {
            signs_.agent_trouble = fmt::format("the guest agent has not logged for {} minutes", minutes_since(*logged));
        }
    }

    std::optional<system_clock::time_point> newest_log_time() const {
        std::optional<system_clock::time_point> newest;
        for (const auto& file : logs_.files) {
            if (file.log != Log::agent || file.lines != LogFile::Lines::all) continue;
            if (!newest || file.status.modified > *newest) newest = file.status.modified;
        }
        return newest;
    }

    std::int64_t minutes_since(system_clock::time_point time) const {
        return std::chrono::floor<minutes>(machine_.facts().now - time).count();
    }

    void find_newest_error() {
        const auto of_agent = [](const LogFile& file) {
            return file.log == Log::agent && file.lines == LogFile::Lines::all && file.compression == Compression::none;
        };
        const auto newest = std::find_if(logs_.files.rbegin(), logs_.files.rend(), of_agent);
        if (newest == logs_.files.rend()) return;
        const auto size = newest->status.size;
        const auto text =
            machine_.files().read_range(newest->path, size - std::min<std::uint64_t>(size, end_of_log), end_of_log);
        if (!text) return;
        for (std::string_view rest = *text; !rest.empty();) {
            const auto line = rest.substr(0, rest.find('\n'));
            if (is_error(line)) {
                if (const auto time = parse_log_line(line, {}).time) signs_.newest_error = time;
            }
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        }
    }

    const machine::Machine& machine_;
    LogFiles logs_;
    BackupSigns signs_;
    std::uint64_t hash_ = 0xcbf29ce484222325U;
    machine::Path library_;
    std::optional<system_clock::time_point> reported_;
    system_clock::duration patience_ = reports_at_least_every;
};

bool is_package_manager(std::string_view word, machine::Platform platform) {
    const auto name = word.substr(word.find_last_of("/\\") + 1);
    if (platform == machine::Platform::windows) {
        return std::ranges::any_of(
            std::initializer_list<std::string_view>{"msiexec.exe", "TiWorker.exe", "TrustedInstaller.exe", "wusa.exe"},
            [&](const auto& known) { return boost::iequals(name, known); });
    }
    return std::ranges::any_of(
        std::initializer_list<std::string_view>{"apt", "apt-get", "aptitude", "dpkg", "unattended-upgrade", "dnf",
                                                "dnf-3", "dnf5", "microdnf", "tdnf", "yum", "rpm", "zypper"},
        [&](const auto& known) { return name == known; });
}

}  // namespace

BackupSigns backup_signs(const machine::Machine& machine) {
    return SignReader(machine).read();
}

std::string running_package_manager(const machine::Machine& machine) {
    const auto processes = machine.processes().list();
    if (!processes) return {};
    const auto platform = machine.facts().platform;
    for (const auto& process : *processes) {
        if (!process.of_system) continue;
        // A script's program is its interpreter: "/usr/bin/python3 /usr/bin/dnf upgrade".
        const bool by_word = process.command_line.size() > 1 && process.name.starts_with("python") &&
                             is_package_manager(process.command_line[1], platform);
        if (by_word || is_package_manager(process.name, platform)) {
            return fmt::format("{} (pid {})", process.name, process.pid);
        }
    }
    return {};
}

}  // namespace remediations
