#include "handler/agent/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ostream>
#include <thread>

#include "handler/agent/apply.hpp"
#include "handler/agent/azure_part.hpp"
#include "handler/agent/azure_task.hpp"
#include "handler/agent/guard_tick.hpp"
#include "handler/agent/lock.hpp"
#include "handler/agent/log.hpp"
#include "handler/agent/sequence.hpp"
#include "handler/agent/settings.hpp"
#include "handler/agent/support_upload.hpp"
#include "handler/agent/verbose_log.hpp"
#include "handler/agent/worker.hpp"
#include "handler/guard/guard_switch.hpp"
#include "handler/report/paths.hpp"
#include "handler/report/report_file.hpp"
#include "handler/report/report_status.hpp"
#include "remediations/changes/journal.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

using machine::Result;
using machine::local::DetachBy;
using machine::local::Detachment;

namespace {

/// A run that both its processes left unfinished so often is not begun again.
constexpr unsigned most_attempts = 5;
constexpr std::chrono::seconds supervisor_appears_within{3};
/// The agent gives `disable` 900 s and `uninstall` 300 s.
constexpr std::chrono::seconds disable_patience{600};
constexpr std::chrono::seconds uninstall_patience{240};

/// `update` leaves this file in the old folder; it says where the store went.
std::filesystem::path carried_over_file(const std::filesystem::path& handler_folder) {
    return handler_folder / "carried-over";
}

std::string_view to_string(Detachment detachment) {
    switch (detachment) {
        case Detachment::systemd_unit:
            return "in a systemd unit of its own";
        case Detachment::session:
            return "in a session of its own";
        case Detachment::breakaway:
            return "outside the agent's job";
        case Detachment::inherited_job:
            return "inside the agent's job";
    }
    return "";
}

/// The data that all commands need.
struct Context {
    const System& system;
    const Environment& environment;
    std::ostream& out;
    std::ostream& err;
    Log& log;

    ExitCode fail(ExitCode code, const std::string& message) const {
        err << message << '\n';
        log.error(message);
        return code;
    }
    std::string text_of(const Status& status) const {
        return status_file_text(status, environment.handler_name, std::chrono::system_clock::now(), log.file());
    }
};

/// Creates the state folder if it can: a diagnosis needs none, and whatever needs one reports an error itself.
void make_state_folder(const Context& context) {
    const auto made = machine::local::make_private_folder(context.system.state_folder);
    if (!made) return context.log.warning(made.error().message);
    if (made->empty()) return;
    context.log.warning(fmt::format("somebody else had made {}: it was renamed to {}, and a new one made",
                                    to_text(context.system.state_folder), to_text(*made)));
}

ExitCode install(const Context& context) {
    make_state_folder(context);
    context.log.info(fmt::format("install: version {}", BACKUP_REMEDIATION_VERSION));
    return ExitCode::ok;
}

/// One call of `enable` for one sequence number.
class Enable {
public:
    Enable(const Context& context, std::uint64_t number) : context_(context), number_(number) {}

    ExitCode enable() {
        // The commonest call, a restart of the agent or somebody else's goal state, takes no lock.
        if (const auto stored = load(); stored && is_ours(*stored, SequenceState::finished)) return repeat(*stored);
        const auto lock = lock_sequence(folder());
        if (!lock) return context_.fail(ExitCode::failed, lock.error().message);
        const auto stored = load();
        if (stored && is_ours(*stored, SequenceState::finished)) return repeat(*stored);
        if (stored && is_ours(*stored, SequenceState::running) && supervisor_at_work()) return join();
        return begin(stored, *lock);
    }

private:
    const std::filesystem::path& folder() const { return context_.environment.folder; }
    bool supervisor_at_work() const { return FileLock::held_elsewhere(supervisor_lock_file(folder())); }
    bool is_ours(const SequenceRecord& record, SequenceState state) const {
        return record.number == number_ && record.state == state;
    }

    std::optional<SequenceRecord> load() {
        auto stored = load_sequence(folder());
        if (stored) return std::move(*stored);
        context_.log.warning(stored.error().message);
        return std::nullopt;
    }

    ExitCode repeat(const SequenceRecord& record) {
        if (const auto restored = restore_status(context_.environment, record); !restored) {
            return context_.fail(ExitCode::failed, restored.error().message);
        }
        watch_verbose_log(folder(), context_.system);
        if (const auto resumed = resume_guard(folder(), guard_tools(context_.system)); !resumed) {
            context_.log.warning("guard: " + resumed.error().message);
        }
        // Left by a disable that ended a tick of the guard, or the work in Azure.
        std::error_code code;
        std::filesystem::remove(stop_file(folder()), code);
        start_azure_part(folder(), context_.system);
        context_.log.info(fmt::format("enable: sequence {} is finished", number_));
        return ExitCode::ok;
    }

    ExitCode join() {
        std::error_code code;
        if (!std::filesystem::exists(status_file(context_.environment, number_), code)) {
            if (const auto shown = show(in_progress("Running")); !shown) {
                return context_.fail(ExitCode::failed, shown.error().message);
            }
        }
        context_.log.info(fmt::format("enable: sequence {} is at work", number_));
        return ExitCode::ok;
    }

    ExitCode begin(const std::optional<SequenceRecord>& stored, const FileLock& lock) {
        if (!supervisor_at_work() && !FileLock::held_elsewhere(worker_lock_file(folder()))) {
            (void)machine::local::remove_leftovers(folder());
            (void)machine::local::remove_leftovers(context_.environment.status_folder);
        }
        std::error_code code;
        std::filesystem::remove(stop_file(folder()), code);
        std::filesystem::remove(carried_over_file(folder()), code);

        const auto answer = read_settings(context_.environment, number_, context_.system.decrypt);
        if (!answer.problems.empty()) {
            for (const auto& problem : answer.problems) context_.fail(ExitCode::settings_invalid, problem);
            return conclude_with(settings_invalid(answer.problems), SequenceState::rejected, lock,
                                 ExitCode::settings_invalid);
        }
        const bool cut_short = stored && is_ours(*stored, SequenceState::running);
        const auto attempts = cut_short ? stored->attempts + 1 : 1;
        if (attempts > most_attempts) {
            const auto why =
                fmt::format("sequence {} was begun {} times and never came to its end", number_, most_attempts);
            context_.fail(ExitCode::failed, why);
            return conclude_with(could_not_work(why), SequenceState::finished, lock, ExitCode::failed);
        }
        if (const auto shown = show(in_progress("Starting")); !shown) {
            return context_.fail(ExitCode::failed, shown.error().message);
        }
        SequenceRecord record;
        record.number = number_;
        record.attempts = attempts;
        if (const auto saved = save_sequence(folder(), record, lock); !saved) {
            return conclude_failure(saved.error().message);
        }
        // Settings that never got their turn: what runs of them still writes its own status later.
        if (stored && stored->number != number_ && stored->state == SequenceState::running) {
            (void)write_status(context_.environment, stored->number, context_.text_of(superseded(number_)));
        }
        return supervisor_at_work() ? wait_in_line() : start_supervisor(attempts);
    }

    ExitCode wait_in_line() {
        context_.log.info(fmt::format("enable: sequence {} waits for the one at work", number_));
        return ExitCode::ok;
    }

    ExitCode start_supervisor(unsigned attempt) {
        for (const auto& [by, patience] : {std::pair(DetachBy::service_manager, supervisor_appears_within),
                                           std::pair(DetachBy::session, 3 * supervisor_appears_within)}) {
            const auto started = context_.system.start_detached(
                fmt::format("backup-remediation-{}-{}", number_, attempt), context_.system.executable,
                {"supervise", to_text(folder())}, working_folder(), by);
            if (!started) return conclude_failure(started.error().message);
            const auto deadline = std::chrono::steady_clock::now() + patience;
            while (std::chrono::steady_clock::now() < deadline) {
                if (supervisor_at_work()) {
                    context_.log.info(fmt::format("enable: sequence {} began, attempt {}, {}", number_, attempt,
                                                  to_string(*started)));
                    return ExitCode::ok;
                }
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
            context_.log.warning(fmt::format("the supervisor started {} did not appear", to_string(*started)));
        }
        return conclude_failure("the process that does the work was started but never appeared");
    }

    /// Returns the state folder if it exists, and not the handler's folder, because Windows could then not remove that
    /// one.
    std::filesystem::path working_folder() const {
        std::error_code code;
        const auto& state = context_.system.state_folder;
        return std::filesystem::is_directory(state, code) ? state : folder();
    }

    Result<void> show(const Status& status) {
        return write_status(context_.environment, number_, context_.text_of(status));
    }

    /// Reports a failure. No process works; the store still says "running", so the next enable tries again.
    ExitCode conclude_failure(const std::string& why) {
        (void)show(could_not_work(why));
        return context_.fail(ExitCode::failed, why);
    }

    ExitCode conclude_with(const Status& status, SequenceState state, const FileLock& lock, ExitCode code) {
        const auto concluded = conclude(context_.environment, number_, state, {}, context_.text_of(status), lock);
        return concluded ? code : context_.fail(ExitCode::failed, concluded.error().message);
    }

    const Context& context_;
    std::uint64_t number_;
};

ExitCode enable(const Context& context) {
    make_state_folder(context);
    const auto number =
        current_sequence(context.environment.config_folder, context.system.variable("ConfigSequenceNumber"));
    if (!number) return context.fail(ExitCode::failed, number.error().message);
    return Enable(context, *number).enable();
}

ExitCode disable(const Context& context) {
    if (!ask_to_stop(context.environment.folder, disable_patience)) {
        return context.fail(ExitCode::failed, "a fix is still at work and cannot be interrupted; disable again later");
    }
    if (const auto suspended = suspend_guard(context.system.state_folder); !suspended) {
        context.log.warning("guard: " + suspended.error().message);
    }
    context.log.info("disable");
    return ExitCode::ok;
}

ExitCode update(const Context& context) {
    const auto variable = [&](const char* name) { return context.system.variable(name).value_or(""); };
    const auto [from, to] = carry_over(context.environment.folder, variable("VERSION"),
                                       variable("AZURE_GUEST_AGENT_UPDATING_FROM_VERSION"));
    if (from.empty()) {
        context.log.info("update: no earlier version has anything to carry over");
        return ExitCode::ok;
    }
    const auto stored = load_sequence(from);
    // A damaged store is useless to the next version too: that one begins without a store.
    if (!stored) context.log.warning(stored.error().message);
    if (stored && *stored) {
        const auto lock = lock_sequence(to);
        if (!lock) return context.fail(ExitCode::failed, lock.error().message);
        if (const auto saved = save_sequence(to, **stored, *lock); !saved) {
            return context.fail(ExitCode::failed, saved.error().message);
        }
    }
    if (const auto marked = machine::local::write_durably(carried_over_file(from), to_text(to)); !marked) {
        return context.fail(ExitCode::failed, marked.error().message);
    }
    context.log.info(fmt::format("update: carried over from {} to {}", to_text(from), to_text(to)));
    return ExitCode::ok;
}

/// Removes files, and keeps the first error.
class Remover {
public:
    void remove(const std::filesystem::path& path) {
        std::error_code code;
        std::filesystem::remove(path, code);
        if (code && problem_.empty()) {
            problem_ = fmt::format("{}: cannot be removed: {}", to_text(path), code.message());
        }
    }
    void remove_status_files(const std::filesystem::path& folder) {
        std::error_code code;
        for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end;
             entry.increment(code)) {
            if (entry->path().extension() == ".status") remove(entry->path());
        }
    }
    void remove_store(const std::filesystem::path& folder) {
        for (const auto& file :
             {sequence_file(folder), sequence_lock_file(folder), supervisor_lock_file(folder), worker_lock_file(folder),
              azure_lock_file(folder), stop_file(folder), carried_over_file(folder)}) {
            remove(file);
        }
    }
    const std::string& problem() const { return problem_; }

private:
    std::string problem_;
};

/// Nobody would end it later.
void end_verbose_log_at_once(const System& system, std::ostream& out) {
    const auto& state = system.state_folder;
    if (verbose_log_ends(state)) {
        const auto lock = acquire_run_lock(state, std::chrono::seconds(10));
        const auto ended = lock ? system.end_verbose_log(true) : Result<std::string>(lock.error());
        out << (ended ? *ended : ended.error().message) << '\n';
    }
    std::error_code code;
    std::filesystem::remove(verbose_log_lock_file(state), code);
}

ExitCode uninstall(const Context& context) {
    const auto& environment = context.environment;
    if (!ask_to_stop(context.environment.folder, uninstall_patience)) {
        return context.fail(ExitCode::failed,
                            "a fix is still at work and cannot be interrupted; uninstall again later");
    }
    std::error_code code;
    const bool updated = std::filesystem::exists(carried_over_file(environment.folder), code);
    Remover remover;
    remover.remove_store(environment.folder);
    remover.remove_status_files(environment.status_folder);
    if (updated) {
        context.log.info("uninstall: the next version goes on");
    } else {
        for (const auto& file : Log::files_in(environment.log_folder)) remover.remove(file);
        for (const auto& file : report_files_in(environment.log_folder)) remover.remove(file);
        remove_own_state(context.system, context.out);
    }
    if (!remover.problem().empty()) {
        context.err << remover.problem() << '\n';
        return ExitCode::failed;
    }
    return ExitCode::ok;
}

ExitCode reset(const Context& context) {
    if (!ask_to_stop(context.environment.folder, uninstall_patience)) {
        return context.fail(ExitCode::failed, "a fix is still at work and cannot be interrupted; reset again later");
    }
    Remover remover;
    remover.remove_store(context.environment.folder);
    remover.remove_status_files(context.environment.status_folder);
    if (!remover.problem().empty()) return context.fail(ExitCode::failed, remover.problem());
    context.log.info("reset");
    return ExitCode::ok;
}

struct Command {
    std::string_view name;
    ExitCode (*run)(const Context&);
};
constexpr Command commands[] = {{"install", install}, {"enable", enable},       {"update", update},
                                {"disable", disable}, {"uninstall", uninstall}, {"reset", reset}};

ExitCode refuse_unprivileged(std::string_view command, std::ostream& err) {
    err << command << ": must run as root, or as SYSTEM on Windows\n";
    return ExitCode::not_privileged;
}

ExitCode run_command(const Command& command, const System& system, std::ostream& out, std::ostream& err) {
    if (!system.privileged()) return refuse_unprivileged(command.name, err);
    const auto folder = find_handler_folder(system.executable, system.variable("AZURE_GUEST_AGENT_EXTENSION_PATH"));
    const auto environment = folder ? read_environment(*folder) : Result<Environment>(folder.error());
    if (!environment) {
        err << environment.error().message << '\n';
        return ExitCode::environment;
    }
    Log log(environment->log_folder, "commands");
    return command.run({system, *environment, out, err, log});
}

ExitCode run_internal(const std::vector<std::string>& arguments, const System& system, std::ostream& out,
                      std::ostream& err) {
    if (arguments[0] == "apply" || arguments[0] == "clean-up") {
        if (arguments.size() > 1) {
            err << arguments[0] << ": takes no arguments\n";
            return ExitCode::usage;
        }
        if (!system.privileged()) return refuse_unprivileged(arguments[0], err);
        return arguments[0] == "apply" ? apply(system, out, err) : clean_up(system, out, err);
    }
    if (arguments[0] == "supervise" && arguments.size() == 2) return supervise(to_path(arguments[1]), system);
    if (arguments[0] == "azure" && arguments.size() == 2 && system.privileged()) {
        return azure_part(to_path(arguments[1]), system);
    }
    if (arguments[0] == "verbose-log" && arguments.size() == 2) {
        return wait_for_verbose_log(to_path(arguments[1]), system);
    }
    if (arguments[0] == "worker" && arguments.size() == 3) {
        const auto& text = arguments[2];
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && end == text.data() + text.size()) {
            return work(to_path(arguments[1]), number, system);
        }
    }
    if (arguments[0] == guard_command && arguments.size() == 1 && system.privileged()) return guard_tick(system);
    err << arguments[0] << ": started by enable alone\n";
    return ExitCode::usage;
}

bool is_version(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace

void remove_own_state(const System& system, std::ostream& out) {
    std::error_code code;
    const auto& state = system.state_folder;
    if (const auto runs = remediations::Journal::runs(state); !runs.empty()) {
        out << fmt::format("The undo journal of {} {} stays in {}\n", runs.size(), runs.size() == 1 ? "run" : "runs",
                           to_text(state / "runs"));
    } else {
        std::filesystem::remove(state / "runs", code);
    }
    if (const auto removed = switch_guard_off(guard_tools(system)); !removed) {
        out << "The guard could not be removed: " << removed.error().message << '\n';
    }
    end_verbose_log_at_once(system, out);
    remove_azure_task(state);
    std::filesystem::remove_all(support_folder(state), code);
    if (const auto lock = FileLock::acquire(run_lock_file(state), std::chrono::seconds(1))) {
        std::filesystem::remove(run_lock_file(state), code);
    }
    // Windows lets a file go only once it is closed.
    if (!FileLock::held_elsewhere(run_lock_file(state))) std::filesystem::remove(run_lock_file(state), code);
    // Stays where something is in it.
    std::filesystem::remove(state, code);
}

bool is_agent_command(std::string_view name) {
    return name == "supervise" || name == "worker" || name == "verbose-log" || name == "azure" ||
           name == guard_command || name == "apply" || name == "clean-up" ||
           std::ranges::find(commands, name, &Command::name) != std::end(commands);
}

ExitCode agent_command(const std::vector<std::string>& arguments, const System& system, std::ostream& out,
                       std::ostream& err) {
    try {
        const auto* command = std::ranges::find(commands, arguments.at(0), &Command::name);
        if (command == std::end(commands)) return run_internal(arguments, system, out, err);
        if (arguments.size() == 1) return run_command(*command, system, out, err);
        err << command->name << ": takes no arguments\n";
        return ExitCode::usage;
    } catch (const std::exception& error) {
        err << error.what() << '\n';
        return ExitCode::failed;
    }
}

CarryOver carry_over(const std::filesystem::path& own_folder, const std::string& version,
                     const std::string& updating_from_version) {
    // Linux: <parent>/<name>-<version>; Windows: <parent>/<version>.
    const auto own_name = to_text(own_folder.filename());
    const auto prefix = own_name.substr(0, own_name.find_last_not_of("0123456789.") + 1);
    const auto sibling = [&](const std::string& its_version) -> std::filesystem::path {
        std::error_code code;
        auto folder = own_folder.parent_path() / to_path(prefix + its_version);
        const bool usable = is_version(its_version) && folder.filename() != own_folder.filename() &&
                            std::filesystem::is_directory(folder, code);
        return usable ? folder : std::filesystem::path();
    };
    if (const auto stays = sibling(version); !stays.empty()) return {own_folder, stays};
    if (const auto previous = sibling(updating_from_version); !previous.empty()) return {previous, own_folder};

    CarryOver newest{{}, own_folder};
    std::filesystem::file_time_type newest_time;
    std::error_code code;
    for (std::filesystem::directory_iterator entry(own_folder.parent_path(), code), end; !code && entry != end;
         entry.increment(code)) {
        const auto name = to_text(entry->path().filename());
        if (!name.starts_with(prefix)) continue;
        const auto folder = sibling(name.substr(prefix.size()));
        if (folder.empty()) continue;
        std::error_code absent;
        const auto time = std::filesystem::last_write_time(sequence_file(folder), absent);
        if (absent || (!newest.from.empty() && time <= newest_time)) continue;
        newest.from = folder;
        newest_time = time;
    }
    return newest;
}

}  // namespace handler
