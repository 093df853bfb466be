#include "handler/agent/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "handler/agent/azure_part.hpp"
#include "handler/agent/events.hpp"
#include "handler/agent/guard_tick.hpp"
#include "handler/agent/lock.hpp"
#include "handler/agent/log.hpp"
#include "handler/agent/reporting.hpp"
#include "handler/agent/sequence.hpp"
#include "handler/agent/settings.hpp"
#include "handler/agent/support_upload.hpp"
#include "handler/agent/verbose_log.hpp"
#include "handler/guard/guard_policy.hpp"
#include "handler/guard/guard_switch.hpp"
#include "handler/report/paths.hpp"
#include "handler/report/rehearsal_report.hpp"
#include "handler/report/report_status.hpp"
#include "remediations/changes/journal.hpp"

namespace handler {

using machine::ErrorKind;
using machine::Result;
using remediations::Report;
using remediations::RunMode;
using remediations::State;

namespace {

/// Of the work in Azure, which begins nothing for longer than five minutes, nothing of which takes more than eight.
constexpr std::chrono::minutes patience_for_azure{14};

/// Returns the run of the newest journal; empty where there is none.
std::string newest_run(const std::filesystem::path& state_folder) {
    const auto runs = remediations::Journal::runs(state_folder);
    return runs.empty() ? std::string() : runs.back();
}

bool stop_requested(const std::filesystem::path& handler_folder) {
    std::error_code code;
    // A folder that was deleted under us has nobody left to report to.
    return std::filesystem::exists(stop_file(handler_folder), code) || !std::filesystem::exists(handler_folder, code);
}

/// One run of one sequence number.
class Worker {
public:
    /// `settings`: nullptr to read them from the environment's file.
    Worker(const Environment& environment, std::uint64_t number, const Settings* settings, const System& system)
        : environment_(environment),
          number_(number),
          settings_(settings),
          system_(system),
          log_(environment.log_folder, "run"),
          events_(environment, fmt::format("sequence-{}", number)) {}

    ExitCode work() {
        try {
            return run();
        } catch (const std::exception& error) {
            return conclude_with(could_not_work(error.what()));
        }
    }

private:
    ExitCode run() {
        const auto run_lock = lock_out_others();
        if (!run_lock && stop_requested(environment_.folder)) return ExitCode::stopped;
        // A diagnosis writes nothing there, and must not make the extension fail: without a state folder (a disk that
        // is full or read-only) it goes on. A run that changes the machine does not.
        const bool can_only_look = !run_lock && run_lock.error().kind != ErrorKind::timed_out;
        if (!run_lock && !can_only_look) return conclude_with(could_not_work(run_lock.error().message));
        const auto worker_lock = FileLock::acquire(worker_lock_file(environment_.folder), std::chrono::seconds(1));
        if (!worker_lock) return conclude_with(could_not_work(worker_lock.error().message));
        // A worker whose supervisor died may have done this meanwhile.
        const auto stored = load_sequence(environment_.folder);
        if (stored && *stored && ((*stored)->number != number_ || (*stored)->state != SequenceState::running)) {
            log_.info(fmt::format("sequence {}: nothing left to do", number_));
            return ExitCode::ok;
        }
        const auto answer =
            settings_ ? SettingsAnswer{*settings_, {}} : read_settings(environment_, number_, system_.decrypt);
        if (!answer.problems.empty()) {
            return conclude_with(settings_invalid(answer.problems), SequenceState::rejected);
        }
        if (can_only_look && changes_something(answer.settings)) {
            return conclude_with(could_not_work(run_lock.error().message));
        }
        if (can_only_look) log_.warning(run_lock.error().message);
        // Does not even read a folder that others can write to.
        if (!can_only_look) end_old_verbose_log();
        return run(answer.settings, !can_only_look);
    }

    static bool changes_something(const Settings& settings) {
        return settings.mode != RunMode::diagnose || settings.rehearsal || settings.verbose_log.count() > 0 ||
               settings.prove != ProveMode::no || !settings.support_upload.empty() ||
               settings.guard.value_or(GuardMode::off) != GuardMode::off;
    }

    ExitCode run(const Settings& settings, bool has_state) {
        log_.info(fmt::format("sequence {}: {}, version {}", number_,
                              settings.mode == RunMode::fix ? "fix" : "diagnose", BACKUP_REMEDIATION_VERSION));
        events_.send(Events::Level::informational, "Run", fmt::format("Sequence {} begins", number_));
        remediations::RunOptions options;
        options.mode = settings.mode;
        options.max_disruption = settings.max_disruption;
        options.allow_security_changes = settings.allow_security_changes;
        options.repair_risks = settings.repair_risks;
        options.error_code = settings.error_code;
        options.only = settings.only;
        options.exclude = settings.exclude;
        options.agent_installer = settings.agent_installer;
        options.azure = settings.azure;
        options.part = remediations::Part::inside;
        options.follow_up = true;
        options.deadline = std::chrono::steady_clock::now() + fixing_ends_after;
        options.stop_requested = [this] { return stop_requested(environment_.folder); };
        options.progress = [this](const std::string& step) { show_progress(step); };
        const auto report = system_.run(options);
        if (!report) return conclude_with(could_not_work(report.error().message));
        record_report(*report, log_, events_);
        report_file_ = write_html_report(*report, environment_, program(), log_);
        if (settings.mode == RunMode::fix && report->is_cause_left() && stop_requested(environment_.folder)) {
            auto status = status_of_stopped(*report);
            add_pointers(status, *report, program(), report_file_);
            (void)write_status(environment_, number_, text_of(status));
            return ExitCode::stopped;
        }
        const auto follows = has_state ? plan_azure_part(settings, *report, told_by(), system_) : std::nullopt;
        // Azure is no reason for an error: an extension in error makes backups fail.
        const bool may_fail = settings.fail_on_unresolved && (!settings.azure.repair || is_left_inside(*report));
        auto status = status_of(*report, may_fail);
        if (follows) status.substatus.push_back(*follows);
        if (settings.rehearsal) add_rehearsal(status, rehearse(settings), settings.fail_on_unresolved);
        if (settings.verbose_log.count() > 0) status.substatus.push_back(begin_verbose_log(settings));
        if (const auto guard = has_state ? switch_guard(settings) : std::nullopt) status.substatus.push_back(*guard);
        if (!settings.support_upload.empty()) status.substatus.push_back(send_support_bundle(settings, *report));
        add_pointers(status, *report, program(), report_file_);
        const auto concluded = conclude_with(status, SequenceState::finished, report->run_id);
        if (has_state) start_azure_part(environment_.folder, system_);
        return concluded;
    }

    /// Returns what tells of the work that goes on after this run. Run Command, Custom Script and VM Applications call
    /// `apply`, which is over once it has printed its status.
    std::string told_by() const {
        const bool is_applied = settings_ != nullptr;
        return is_applied ? fmt::format("log and report in {}", to_text(environment_.log_folder)) : "the status";
    }

    void end_old_verbose_log() {
        if (!verbose_log_ends(system_.state_folder)) return;
        const auto ended = system_.end_verbose_log(false);
        if (!ended || !ended->empty()) log_.info(ended ? *ended : ended.error().message);
    }

    Substatus begin_verbose_log(const Settings& settings) {
        const auto until = std::chrono::system_clock::now() + settings.verbose_log;
        const auto begun =
            handler::begin_verbose_log(system_.state_folder, until, settings.max_disruption, system_.run);
        watch_verbose_log(environment_.folder, system_);
        const auto message = begun ? *begun : "The log could not be made verbose: " + sentence(begun.error().message);
        log_.info(message);
        return {"verbose-log", begun ? StatusWord::success : StatusWord::warning, begun ? 0 : 1, message};
    }

    /// Switches the guard as the settings say; returns nullopt where they leave it off. A guard that a person switched
    /// on stays until the settings name it.
    std::optional<Substatus> switch_guard(const Settings& settings) {
        const auto tools = guard_tools(system_);
        const auto present = load_guard_settings(system_.state_folder);
        if (!present) log_.warning(present.error().message);
        if (!settings.guard && present && *present && (*present)->by_hand) {
            const auto resumed = resume_guard(environment_.folder, tools);
            return resumed ? guard_substatus(system_.state_folder) : guard_problem("resumed", resumed.error());
        }
        if (settings.guard.value_or(GuardMode::off) == GuardMode::off) {
            const auto removed = switch_guard_off(tools);
            if (!removed) return guard_problem("switched off", removed.error());
            if (present && *present) log_.info("the guard is switched off");
            return std::nullopt;
        }
        GuardSettings wanted;
        wanted.mode = *settings.guard;
        wanted.every = settings.guard_interval;
        wanted.max_disruption = settings.max_disruption;
        wanted.allow_security_changes = settings.allow_security_changes;
        wanted.only = settings.only;
        wanted.exclude = settings.exclude;
        wanted.agent_installer = settings.agent_installer;
        wanted.handler_folder = environment_.folder;
        const auto by = switch_guard_on(wanted, tools);
        if (!by) return guard_problem("switched on", by.error());
        log_.info(fmt::format("the guard is on, by {}", to_string(*by)));
        return guard_substatus(system_.state_folder);
    }

    Substatus guard_problem(std::string_view what, const machine::Error& error) {
        auto message = fmt::format("The guard could not be {}: {}", what, sentence(error.message));
        log_.warning(message);
        return {"guard", StatusWord::warning, 1, std::move(message)};
    }

    /// The run is complete whatever happens here.
    Substatus send_support_bundle(const Settings& settings, const Report& report) {
        try {
            return try_to_send_support_bundle(settings, report);
        } catch (const std::exception& error) {
            return support_upload_failed(error.what());
        }
    }

    static Substatus support_upload_failed(const std::string& why) {
        return {"support-upload", StatusWord::warning, 1,
                fmt::format("The support bundle was not sent: {}. Apply the extension again to go on where it ended.",
                            why)};
    }

    Substatus try_to_send_support_bundle(const Settings& settings, const Report& report) {
        show_progress("making a support bundle");
        UploadOptions options;
        options.stop_requested = [this] { return stop_requested(environment_.folder); };
        options.https = system_.https;
        options.progress = [this](std::size_t sent, std::size_t total) {
            show_progress(fmt::format("sending the support bundle: {} of {} KiB", sent >> 10U, total >> 10U));
        };
        const auto sent = upload_support_bundle(
            settings.support_upload, report.machine.host_name, support_folder(system_.state_folder),
            [&] {
                remediations::RunOptions again;
                again.error_code = settings.error_code;
                again.azure = settings.azure;
                return system_.make_bundle(again);
            },
            options);
        auto status = sent ? Substatus{"support-upload", StatusWord::success, 0,
                                       fmt::format("A support bundle was sent to {}.", *sent)}
                           : support_upload_failed(sent.error().message);
        log_.info(status.message);
        return status;
    }

    remediations::FreezeRehearsal rehearse(const Settings& settings) {
        show_progress("rehearsing the freeze of a backup");
        remediations::RehearsalOptions options;
        options.include_system = settings.rehearsal_includes_system;
        options.system_paths = {to_text(environment_.folder), to_text(environment_.log_folder),
                                to_text(environment_.status_folder), to_text(system_.state_folder),
                                to_text(system_.executable)};
        auto rehearsal = system_.rehearse(options);
        if (!rehearsal) return {State::unknown, rehearsal.error().message, "", {}};
        log_.info(fmt::format("freeze rehearsal: {}: {}", to_string(rehearsal->state), rehearsal->summary));
        events_.send(rehearsal->state == State::needs_operator ? Events::Level::warning : Events::Level::informational,
                     "Rehearsal", fmt::format("{}: {}", to_string(rehearsal->state), rehearsal->summary));
        return *rehearsal;
    }

    /// Takes the run lock. Waits in short steps, so that `disable` ends the wait.
    Result<FileLock> lock_out_others() {
        // What was asked of Azure cannot be left in the middle; no repair there takes longer.
        const bool waits_for_azure = FileLock::held_elsewhere(azure_lock_file(environment_.folder));
        const auto deadline =
            std::chrono::steady_clock::now() + (waits_for_azure ? patience_for_azure : patience_for_others);
        for (;;) {
            auto lock = acquire_run_lock(system_.state_folder, std::chrono::seconds(1));
            if (lock || lock.error().kind != ErrorKind::timed_out) return lock;
            if (std::chrono::steady_clock::now() >= deadline || stop_requested(environment_.folder)) return lock;
            show_progress("waiting for another run to end");
        }
    }

    void show_progress(const std::string& step) {
        if (step == last_step_) return;
        last_step_ = step;
        log_.info(fmt::format("sequence {}: {}", number_, step));
        if (const auto shown = write_status(environment_, number_, text_of(in_progress("Running: " + step))); !shown) {
            log_.warning(shown.error().message);
        }
    }

    std::string program() const { return as_command(system_.executable); }

    std::string text_of(Status status) {
        if (!log_.problem().empty()) status.message += fmt::format(" (There is no log: {})", log_.problem());
        return status_file_text(status, environment_.handler_name, std::chrono::system_clock::now(),
                                report_file_.empty() ? log_.file() : report_file_);
    }

    ExitCode conclude_with(const Status& status, SequenceState state = SequenceState::finished,
                           const std::string& run_id = {}) {
        const auto text = text_of(status);
        log_.info(fmt::format("sequence {}: {}: {}", number_, to_string(status.status), status.message));
        events_.send(status.status == StatusWord::error ? Events::Level::error : Events::Level::informational, "Run",
                     status.message);
        const auto lock = lock_sequence(environment_.folder);
        const auto concluded = lock ? conclude(environment_, number_, state, run_id, text, *lock)
                                    : write_status(environment_, number_, text);
        if (lock && concluded) return ExitCode::ok;
        log_.error(lock ? concluded.error().message : lock.error().message);
        return ExitCode::failed;
    }

    const Environment& environment_;
    std::uint64_t number_;
    const Settings* settings_;
    const System& system_;
    Log log_;
    Events events_;
    std::string last_step_;
    std::filesystem::path report_file_;  ///< empty until the run has one
};

/// Starts workers while the store has something to run.
class Supervisor {
public:
    Supervisor(const Environment& environment, const System& system, FileLock lock)
        : environment_(environment), system_(system), lock_(std::move(lock)) {}

    ExitCode supervise() {
        std::optional<std::uint64_t> tried;
        while (const auto next = next_after(tried)) {
            run_worker(*next);
            tried = next;
        }
        return ExitCode::ok;
    }

private:
    /// Returns the number to run now. Where there is none, releases the supervisor's lock before the store's, so that
    /// an `enable` either sees this supervisor at work or sees it gone.
    std::optional<std::uint64_t> next_after(const std::optional<std::uint64_t>& tried) {
        const auto sequence_lock = lock_sequence(environment_.folder);
        const auto stored = load_sequence(environment_.folder);
        const bool more = sequence_lock && !stop_requested(environment_.folder) && stored && *stored &&
                          (*stored)->state == SequenceState::running && tried != (*stored)->number;
        if (more) return (*stored)->number;
        lock_.reset();
        return std::nullopt;
    }

    void run_worker(std::uint64_t number) {
        const auto run_before = newest_run(system_.state_folder);
        const auto ended =
            system_.run_supervised(system_.executable, {"worker", to_text(environment_.folder), std::to_string(number)},
                                   system_.state_folder, time_budget);
        if (ended && (*ended == static_cast<int>(ExitCode::ok) || *ended == static_cast<int>(ExitCode::stopped))) {
            return;
        }

        const auto lock = lock_sequence(environment_.folder);
        if (!lock) return;
        if (const auto stored = load_sequence(environment_.folder);
            stored && *stored && (*stored)->number == number && (*stored)->state != SequenceState::running) {
            (void)restore_status(environment_, **stored);
            return;
        }
        const auto run_after = newest_run(system_.state_folder);
        const auto run_id = run_after == run_before ? std::string() : run_after;
        report_end(number, how_it_ended(ended), run_id, *lock);
    }

    static std::string how_it_ended(const Result<int>& ended) {
        if (ended) return fmt::format("died with exit code {}", *ended);
        if (ended.error().kind == ErrorKind::timed_out) {
            return fmt::format("was ended because it took longer than {} minutes", time_budget.count());
        }
        return "could not be watched: " + ended.error().message;
    }

    void report_end(std::uint64_t number, const std::string& how, const std::string& run_id, const FileLock& lock) {
        Log log(environment_.log_folder, "commands");
        log.error(fmt::format("sequence {}: the worker {}", number, how));
        Events(environment_, fmt::format("sequence-{}", number))
            .send(Events::Level::error, "Run", fmt::format("The worker {}", how));
        const auto text = status_file_text(worker_ended(how, run_id, as_command(system_.executable)),
                                           environment_.handler_name, std::chrono::system_clock::now(), log.file());
        const auto concluded = conclude(environment_, number, SequenceState::finished, run_id, text, lock);
        if (!concluded) log.error(concluded.error().message);
    }

    const Environment& environment_;
    const System& system_;
    std::optional<FileLock> lock_;
};

}  // namespace

std::filesystem::path supervisor_lock_file(const std::filesystem::path& handler_folder) {
    return handler_folder / "supervisor.lock";
}

std::filesystem::path worker_lock_file(const std::filesystem::path& handler_folder) {
    return handler_folder / "worker.lock";
}

std::filesystem::path stop_file(const std::filesystem::path& handler_folder) {
    return handler_folder / "stop";
}

bool ask_to_stop(const std::filesystem::path& handler_folder, std::chrono::seconds patience) {
    const auto at_work = [&] {
        return std::ranges::any_of(std::array{supervisor_lock_file(handler_folder), worker_lock_file(handler_folder),
                                              azure_lock_file(handler_folder)},
                                   [](const auto& file) { return FileLock::held_elsewhere(file); });
    };
    if (!at_work()) return true;
    (void)machine::local::write_durably(stop_file(handler_folder), "");
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (at_work()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return true;
}

ExitCode supervise(const std::filesystem::path& handler_folder, const System& system) {
    const auto environment = read_environment(handler_folder);
    if (!environment) return ExitCode::environment;
    // An `enable` that looks whether somebody is at work holds the lock for a moment too.
    auto lock = FileLock::acquire(supervisor_lock_file(handler_folder), std::chrono::seconds(2));
    if (!lock) return lock.error().kind == ErrorKind::timed_out ? ExitCode::ok : ExitCode::failed;
    return Supervisor(*environment, system, std::move(*lock)).supervise();
}

ExitCode work(const std::filesystem::path& handler_folder, std::uint64_t number, const System& system) {
    const auto environment = read_environment(handler_folder);
    if (!environment) return ExitCode::environment;
    return Worker(*environment, number, nullptr, system).work();
}

ExitCode work(const Environment& environment, std::uint64_t number, const Settings& settings, const System& system) {
    return Worker(environment, number, &settings, system).work();
}

std::filesystem::path verbose_log_lock_file(const std::filesystem::path& state_folder) {
    return state_folder / "verbose-log.lock";
}

ExitCode wait_for_verbose_log(const std::filesystem::path& handler_folder, const System& system) {
    constexpr unsigned most_tries = 60;
    const auto lock = FileLock::acquire(verbose_log_lock_file(system.state_folder), std::chrono::seconds(1));
    if (!lock) return ExitCode::ok;
    for (unsigned tries = 0; tries < most_tries;) {
        const auto ends = verbose_log_ends(system.state_folder);
        if (!ends) return ExitCode::ok;
        const auto left = *ends - std::chrono::system_clock::now();
        if (left > left.zero()) {
            // In portions: somebody else may end it, and clocks are set.
            std::this_thread::sleep_for(std::min<std::chrono::system_clock::duration>(left, std::chrono::seconds(20)));
            continue;
        }
        if (tries++ > 0) std::this_thread::sleep_for(std::chrono::minutes(1));
        const auto run_lock = acquire_run_lock(system.state_folder, patience_for_others);
        const auto ended = run_lock ? system.end_verbose_log(false) : Result<std::string>(run_lock.error());
        // Where the extension was removed meanwhile there is no folder for a log.
        if (const auto environment = read_environment(handler_folder)) {
            Log(environment->log_folder, "commands").info(ended ? *ended : ended.error().message);
        }
    }
    return ExitCode::failed;
}

void watch_verbose_log(const std::filesystem::path& handler_folder, const System& system) {
    const auto at_work = [&] { return FileLock::held_elsewhere(verbose_log_lock_file(system.state_folder)); };
    if (!verbose_log_ends(system.state_folder) || at_work()) return;
    for (const auto by : {machine::local::DetachBy::service_manager, machine::local::DetachBy::session}) {
        (void)system.start_detached("backup-remediation-verbose-log", system.executable,
                                    {"verbose-log", to_text(handler_folder)}, system.state_folder, by);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
        while (std::chrono::steady_clock::now() < deadline) {
            if (at_work() || !verbose_log_ends(system.state_folder)) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
}

}  // namespace handler
