#include "handler/agent/guard_tick.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "handler/agent/azure_part.hpp"
#include "handler/agent/environment.hpp"
#include "handler/agent/events.hpp"
#include "handler/agent/lock.hpp"
#include "handler/agent/log.hpp"
#include "handler/agent/reporting.hpp"
#include "handler/agent/sequence.hpp"
#include "handler/agent/worker.hpp"
#include "handler/guard/guard_policy.hpp"
#include "handler/report/paths.hpp"
#include "handler/report/plain_text.hpp"
#include "handler/report/report_status.hpp"
#include "remediations/engine/root_cause.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

using machine::ErrorKind;
using machine::Result;
using remediations::Report;
using remediations::RunMode;
using remediations::UndoneStep;

namespace {

/// A worker waits five minutes for the run lock.
constexpr std::chrono::minutes guard_fixes_for{4};
/// An update removes the old version's folder before the new version runs its command; the next tick comes much later.
constexpr std::chrono::minutes folder_returns_within{30};
constexpr std::size_t longest_line = 400;

/// The state of the extension that switched the guard on.
enum class Home {
    none,     ///< there is no extension: a person switched the guard on
    present,  ///< its folder, or that of another version, exists
    lost,     ///< the guest agent's whole folder is missing: not mounted, for example
    removed,  ///< the agent's folder exists, but not ours in it
};

bool has_nothing_in_it(const std::filesystem::path& folder) {
    std::error_code code;
    return !std::filesystem::is_directory(folder, code) || std::filesystem::is_empty(folder, code);
}

Home home_of(const std::filesystem::path& handler_folder) {
    std::error_code code;
    if (handler_folder.empty()) return Home::none;
    if (std::filesystem::is_directory(handler_folder, code)) return Home::present;
    // Linux: <agent>/<name>-<version>; Windows: <agent>/<name>/<version>.
    const auto name = to_text(handler_folder.filename());
    const auto prefix = name.substr(0, name.find_last_not_of("0123456789.") + 1);
    const auto parent = handler_folder.parent_path();
    for (std::filesystem::directory_iterator entry(parent, code), end; !code && entry != end; entry.increment(code)) {
        const auto other = to_text(entry->path().filename());
        const auto version = other.starts_with(prefix) ? other.substr(prefix.size()) : std::string();
        const bool is_version = !version.empty() && version.find_first_not_of("0123456789.") == std::string::npos;
        std::error_code absent;
        if (is_version && std::filesystem::exists(entry->path() / "HandlerEnvironment.json", absent)) {
            return Home::present;
        }
    }
    return has_nothing_in_it(prefix.empty() ? parent.parent_path() : parent) ? Home::lost : Home::removed;
}

class Tick {
public:
    Tick(const System& system, GuardSettings settings, GuardRecord record)
        : system_(system),
          settings_(std::move(settings)),
          record_(std::move(record)),
          now_(system.guard.now()),
          computer_(system.guard.computer()) {}

    ExitCode tick() {
        const auto home = home_of(settings_.handler_folder);
        if (home == Home::removed && !settings_.by_hand) return end_unless_it_returns();
        record_ = record_for_today(std::move(record_), computer_, now_);
        signs_ = system_.guard.signs();
        const auto reason = reason_to_look(record_, signs_, now_);
        if (!reason) return ExitCode::ok;
        if (computer_.uptime < settles_after_boot || system_.guard.why_not_now()) return ExitCode::ok;
        return look(*reason, home);
    }

private:
    const std::filesystem::path& folder() const { return settings_.handler_folder; }

    ExitCode end_unless_it_returns() {
        if (record_.folder_missing_since == GuardTime{} || record_.folder_missing_since > now_) {
            record_.folder_missing_since = now_;
            return save();
        }
        if (now_ - record_.folder_missing_since < folder_returns_within) return ExitCode::ok;
        const auto removed = switch_guard_off(guard_tools(system_));
        system_.guard.tell(removed ? fmt::format("the extension was removed ({} is gone), so its guard has ended and "
                                                 "removed itself",
                                                 to_text(folder()))
                                   : fmt::format("the extension was removed, and its guard cannot remove itself: {}",
                                                 removed.error().message));
        return removed ? ExitCode::ok : ExitCode::failed;
    }

    ExitCode look(const std::string& reason, Home home) {
        const auto run_lock = acquire_run_lock(system_.state_folder, std::chrono::milliseconds(0));
        if (!run_lock) return run_lock.error().kind == ErrorKind::timed_out ? ExitCode::ok : ExitCode::failed;
        std::optional<Environment> environment;
        std::optional<FileLock> worker_lock;
        if (home == Home::present) {
            if (auto read = read_environment(folder())) environment = std::move(*read);
        }
        if (environment) {
            // Somebody begins or ends the extension just now.
            if (FileLock::held_elsewhere(supervisor_lock_file(folder()))) return ExitCode::ok;
            auto lock = FileLock::acquire(worker_lock_file(folder()), std::chrono::milliseconds(0));
            if (!lock) return ExitCode::ok;
            worker_lock = std::move(*lock);
        }
        // Meanwhile somebody may have switched it off, or on with other limits: the next tick sees to it.
        const auto stored = load_guard_settings(system_.state_folder);
        if (!stored || !*stored || **stored != settings_) return ExitCode::ok;
        (void)machine::local::remove_leftovers(guard_folder(system_.state_folder));
        record_.folder_missing_since = {};
        const auto worked = work(reason, environment);
        if (!worked) {
            if (environment) Log(environment->log_folder, "guard").error(worked.error().message);
            return ExitCode::failed;
        }
        return ExitCode::ok;
    }

    Result<void> work(const std::string& reason, const std::optional<Environment>& environment) {
        take_up_what_was_cut_short();
        auto diagnosis = run(RunMode::diagnose, {});
        if (!diagnosis) return diagnosis.error();
        auto report = std::move(*diagnosis);
        record_.looked = now_;
        record_.computer = computer_;
        record_.seen = signs_.fingerprint;
        record_.look_again = false;
        record_.next_try = {};
        for (const auto& verdict : judge_treatments(record_, report)) news_.push_back(act_on(verdict));
        for (const auto& treatment : record_.treatments) {
            if (treatment.state == Treatment::State::waiting && !treatment.run_id.empty()) {
                remarks_.push_back(fmt::format("Repaired: {} on {} (run {}); the next backup proves it.",
                                               treatment.cause, utc_text(treatment.time), treatment.run_id));
            }
        }
        if (settings_.mode == GuardMode::repair) {
            if (auto repaired = repair(report); !repaired) return repaired;
            report.mode = RunMode::fix;  // nobody has to ask for that
        }
        if (auto saved = save_guard_record(system_.state_folder, record_); !saved) return saved;
        if (environment) tell_azure(*environment, report, reason);
        tell_person(report);
        return save_guard_record(system_.state_folder, record_);
    }

    /// Rolls back what an interrupted repair left half done. Steps that were completed stay, and the record gets their
    /// run.
    void take_up_what_was_cut_short() {
        if (record_.repairing.empty()) return;
        auto* treatment = record_.find(record_.repairing);
        const auto recovered = system_.guard.recover(record_.repairing);
        if (!recovered) {
            news_.push_back(fmt::format("The repair of {} was cut short, and is not rolled back yet: {}",
                                        record_.repairing, sentence(recovered.error().message)));
            return;
        }
        if (treatment != nullptr) treatment->run_id = *recovered;
        record_.repairing.clear();
    }

    Result<Report> run(RunMode mode, const std::string& cause) {
        remediations::RunOptions options;
        options.mode = mode;
        options.max_disruption = settings_.max_disruption;
        options.allow_security_changes = settings_.allow_security_changes;
        options.only = settings_.only;
        options.exclude = settings_.exclude;
        options.agent_installer = settings_.agent_installer;
        options.follow_up = mode == RunMode::diagnose;
        options.deadline = std::chrono::steady_clock::now() + guard_fixes_for;
        options.stop_requested = [this] { return is_asked_to_stop(); };
        if (!cause.empty()) leave_out_others(options, cause);
        return system_.run(options);
    }

    /// Leaves the others out with `exclude` and not with `only`, because `only` asks for more than a diagnosis of all
    /// does.
    void leave_out_others(remediations::RunOptions& options, const std::string& cause) const {
        for (const auto& outcome : outcomes_) {
            const bool is_there = std::ranges::find(options.exclude, outcome) != options.exclude.end();
            if (outcome != cause && !is_there) options.exclude.push_back(outcome);
        }
        std::erase_if(options.only, [&](const auto& id) { return id != cause; });
    }

    bool is_asked_to_stop() const {
        std::error_code code;
        return !folder().empty() && std::filesystem::exists(stop_file(folder()), code);
    }

    /// Acts on the result of an earlier repair, and returns a sentence about it.
    std::string act_on(const Verdict& verdict) {
        const auto run = verdict.run_id.empty() ? std::string("its repair") : "run " + verdict.run_id;
        if (verdict.state == Treatment::State::proven) {
            return fmt::format("Repaired and proven: {} ({}), for {} succeeded.", verdict.cause, run, verdict.backup);
        }
        record_.look_again = true;
        record_.next_try = now_;
        const auto failed =
            fmt::format("{} failed as before, so {} did not heal {}", verdict.backup, run, verdict.cause);
        if (verdict.run_id.empty()) return failed + ".";
        const auto undone = system_.guard.undo(verdict.run_id);
        if (!undone) return fmt::format("{}; it could not be taken back: {}", failed, sentence(undone.error().message));
        const auto remains = [](const UndoneStep& step) {
            return step.result == UndoneStep::Result::left_alone || step.result == UndoneStep::Result::failed;
        };
        const auto happened = [](const UndoneStep& step) { return step.result == UndoneStep::Result::not_undoable; };
        if (std::ranges::all_of(*undone, happened)) return failed + ". There was nothing to take back.";
        return std::ranges::any_of(*undone, remains)
                   ? failed + " and was taken back as far as that goes."
                   : failed + " and was taken back. It is tried again once something else is seen there.";
    }

    /// Makes one repair and puts its result into the report of the diagnosis. Error only where nothing can be written.
    Result<void> repair(Report& report) {
        // After a repair was taken back the diagnosis is an old one; and one that was cut short comes first.
        if (record_.look_again || !record_.repairing.empty()) {
            record_.look_again = true;
            return {};
        }
        const auto choice = choose_repair(record_, settings_, report, now_);
        remarks_.insert(remarks_.end(), choice.held_back.begin(), choice.held_back.end());
        record_.look_again = choice.next_try != GuardTime{};
        record_.next_try = choice.next_try;
        if (choice.outcome == nullptr || is_asked_to_stop()) return {};
        const auto cause = choice.outcome->remediation->id;
        const auto before = record_;
        note_attempt(record_, *choice.outcome, report, now_);
        record_.repairing = cause;
        if (auto saved = save_guard_record(system_.state_folder, record_); !saved) return saved;
        outcomes_.clear();
        for (const auto& outcome : report.outcomes) outcomes_.push_back(outcome.remediation->id);
        auto repaired = run(RunMode::fix, cause);
        if (!repaired) {
            record_.look_again = true;
            record_.next_try = now_;
            news_.push_back(
                fmt::format("The repair of {} could not be made: {}", cause, sentence(repaired.error().message)));
            return {};
        }
        if (repaired->run_id.empty()) {
            // Nothing was tried: somebody else healed it, a backup has just begun, or we are to stop.
            record_ = before;
            record_.look_again = true;
            record_.next_try = now_;
            return {};
        }
        record_.repairing.clear();
        // Consequences of the cause may be healed too: the status shows the current state.
        if (auto now = run(RunMode::diagnose, {})) {
            const auto* root = report.root_cause;
            const auto reason = report.root_cause_reason;
            report = std::move(*now);
            if (report.root_cause == nullptr) {
                std::tie(report.root_cause, report.root_cause_reason) = std::pair(root, reason);
            }
        }
        take_over(report, *repaired, cause);
        // The next tick repairs what else is broken.
        record_.look_again = true;
        record_.next_try = std::max(record_.next_try, now_);
        auto* treatment = record_.find(cause);
        treatment->run_id = repaired->run_id;
        if (const auto* outcome = find(report, cause);
            outcome != nullptr && remediations::is_left(outcome->finding.state)) {
            // The engine has taken back what did not help.
            treatment->state = Treatment::State::not_healed;
            treatment->run_id.clear();
        }
        return {};
    }

    static const remediations::Outcome* find(const Report& report, const std::string& cause) {
        const auto found = std::ranges::find_if(report.outcomes,
                                                [&](const auto& outcome) { return outcome.remediation->id == cause; });
        return found == report.outcomes.end() ? nullptr : &*found;
    }

    static void take_over(Report& report, Report& repaired, const std::string& cause) {
        report.run_id = repaired.run_id;
        report.notices.insert(report.notices.end(), repaired.notices.begin(), repaired.notices.end());
        for (auto& outcome : report.outcomes) {
            if (outcome.remediation->id != cause) continue;
            for (auto& other : repaired.outcomes) {
                if (other.remediation->id == cause) outcome = std::move(other);
            }
        }
    }

    std::string program() const { return as_command(system_.executable); }

    /// Adds the results of earlier repairs before the message and further remarks after it, because a long message is
    /// cut at its end.
    std::string with_news(const std::string& message) const {
        auto all = news_;
        all.push_back(message);
        all.insert(all.end(), remarks_.begin(), remarks_.end());
        return fmt::format("{}", fmt::join(all, " "));
    }

    void tell_azure(const Environment& environment, const Report& report, const std::string& reason) {
        Log log(environment.log_folder, "guard");
        Events events(environment, "guard-" + utc_text(now_));
        log.info(fmt::format("looked, because {}", reason));
        record_report(report, log, events);
        const auto report_file = write_html_report(report, environment, program(), log);
        auto status = status_of(report, false);
        status.message = fmt::format("The guard, {}: {}", utc_text(now_), with_news(status.message));
        const auto remarks = remarks_.empty() ? std::string() : fmt::format(" {}", fmt::join(remarks_, " "));
        status.substatus.push_back({"guard", StatusWord::success, 0, guard_text(settings_, record_) + remarks});
        add_pointers(status, report, program(), report_file);
        log.info(status.message);
        events.send(Events::Level::informational, "Guard", status.message);
        if (auto written = write_for_last_sequence(environment, status, report.run_id, report_file, log); !written) {
            log.error(written.error().message);
        }
    }

    /// Keeps the status of refused settings and of a run that was cut short.
    Result<void> write_for_last_sequence(const Environment& environment, const Status& status,
                                         const std::string& run_id, const std::filesystem::path& report_file,
                                         const Log& log) {
        const auto lock = lock_sequence(environment.folder);
        if (!lock) return lock.error();
        const auto stored = load_sequence(environment.folder);
        if (!stored) return stored.error();
        if (!*stored || (*stored)->state != SequenceState::finished) return {};
        const auto text = status_file_text(status, environment.handler_name, std::chrono::system_clock::now(),
                                           report_file.empty() ? log.file() : report_file);
        return conclude(environment, (*stored)->number, SequenceState::finished,
                        run_id.empty() ? (*stored)->run_id : run_id, text, *lock);
    }

    /// Tells a person by other ways, because nobody reads the status while the guest agent is dead.
    void tell_person(const Report& report) {
        if (signs_.agent_trouble.empty()) {
            record_.told.clear();
            return;
        }
        auto line = fmt::format("Azure Backup of this VM is at risk, because {}. {}",
                                signs_.agent_is_dead ? signs_.agent_trouble : "the guest agent does not report",
                                with_news(status_of(report, false).message));
        // Who reads it at a console can look nothing up.
        line = fmt::format("{} Type, as {}: {}", shortened(visible(line), longest_line),
                           report.machine.platform == machine::Platform::windows ? "administrator" : "root", program());
        if (shape_of(line) == record_.told) return;
        system_.guard.tell(line);
        record_.told = shape_of(line);
    }

    ExitCode save() { return save_guard_record(system_.state_folder, record_) ? ExitCode::ok : ExitCode::failed; }

    const System& system_;
    GuardSettings settings_;
    GuardRecord record_;
    GuardTime now_;
    machine::local::Computer computer_;
    remediations::BackupSigns signs_;
    std::vector<std::string> news_;      ///< sentences for people: the results of earlier repairs
    std::vector<std::string> remarks_;   ///< what waits, and for what
    std::vector<std::string> outcomes_;  ///< the ids of everything that was diagnosed
};

}  // namespace

GuardTools guard_tools(const System& system) {
    return {system.executable, system.state_folder, BACKUP_REMEDIATION_VERSION, system.guard.install_job,
            system.guard.remove_job};
}

ExitCode guard_tick(const System& system) {
    const auto settings = load_guard_settings(system.state_folder);
    if (!settings) return ExitCode::failed;
    if (!*settings) {
        // Switching off was cut short, or somebody removed the state folder: the timer is all that is left.
        return system.guard.remove_job(guard_job_name) ? ExitCode::ok : ExitCode::failed;
    }
    if ((*settings)->mode == GuardMode::off) return ExitCode::ok;
    if ((*settings)->suspended && home_of((*settings)->handler_folder) != Home::removed) return ExitCode::ok;
    // Where the VM was started anew and the guest agent is dead, nobody else goes on with it.
    if (home_of((*settings)->handler_folder) == Home::present) start_azure_part((*settings)->handler_folder, system);
    return Tick(system, **settings, load_guard_record(system.state_folder)).tick();
}

}  // namespace handler
