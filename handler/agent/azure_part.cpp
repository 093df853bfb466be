#include "handler/agent/azure_part.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "handler/agent/azure_task.hpp"
#include "handler/agent/environment.hpp"
#include "handler/agent/events.hpp"
#include "handler/agent/lock.hpp"
#include "handler/agent/log.hpp"
#include "handler/agent/reporting.hpp"
#include "handler/agent/sequence.hpp"
#include "handler/agent/worker.hpp"
#include "handler/report/paths.hpp"
#include "handler/report/report_status.hpp"
#include "remediations/engine/root_cause.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"

namespace handler {

using machine::ErrorKind;
using machine::Result;
using remediations::Outcome;
using remediations::Report;
using remediations::RunMode;
using remediations::State;
using remediations::azure::BegunBackup;
using remediations::azure::Proof;

namespace {

constexpr std::chrono::minutes settles_within{10};
/// Azure may show for some seconds what was before a request that a crash cut short.
constexpr std::chrono::seconds pause_after_crash{60};
constexpr unsigned most_repair_attempts = 3;
constexpr unsigned most_tries_to_begin = 3;
constexpr std::chrono::seconds pause_before_next_try{60};
/// No further repair is begun after this: a worker of newer settings waits.
constexpr std::chrono::minutes repairs_begin_within{5};
/// A worker that runs meanwhile has ended by then.
constexpr std::chrono::minutes patience_for_worker{25};

bool is_broken(const Outcome& outcome) {
    return outcome.finding.state == State::broken;
}

bool is_of_azure(const Outcome& outcome) {
    return outcome.remediation->acts_in_azure;
}

/// What a run changed, a sentence each: "Fixed: a; b."
std::string repaired_in(const Report& report, bool in_azure) {
    std::vector<std::string> titles;
    for (const auto& outcome : report.outcomes) {
        const bool is_treated = outcome.finding.state == State::fixed || outcome.finding.state == State::unproven;
        if (is_treated && !outcome.changes.empty() && is_of_azure(outcome) == in_azure) {
            titles.push_back(outcome.remediation->title);
        }
    }
    return titles.empty() ? std::string() : sentence(fmt::format("{}", fmt::join(titles, "; ")));
}

/// One life of the process that works off azure.json.
class AzurePart {
public:
    AzurePart(const Environment& environment, const System& system)
        : environment_(environment),
          system_(system),
          log_(environment.log_folder, "azure"),
          events_(environment, "azure-" + utc_text(system.guard.now())) {}

    ExitCode work() {
        while (auto task = load_azure_task(system_.state_folder)) {
            if (task->computer != system_.guard.computer().id) {
                remove_azure_task(system_.state_folder);
                return ExitCode::ok;
            }
            task_ = std::move(*task);
            if (is_to_stop()) return ExitCode::stopped;
            if ((task_.repairs ? repair() : prove()) == Step::later) return ExitCode::stopped;
        }
        return ExitCode::ok;
    }

private:
    enum class Step {
        next,   ///< look again what there is to do
        later,  ///< asked to stop, or the time is not good: the next process goes on
    };

    bool is_to_stop() const {
        std::error_code code;
        return std::filesystem::exists(stop_file(environment_.folder), code) ||
               !std::filesystem::exists(environment_.folder, code);
    }

    /// Newer settings can have put another task in its place.
    bool is_current() const {
        const auto stored = load_azure_task(system_.state_folder);
        return stored && stored->id == task_.id;
    }

    bool save() { return save_azure_task(system_.state_folder, task_).has_value(); }

    /// Both locks of a worker, once no sequence number waits for one. Nothing where it is to stop, or that takes too
    /// long.
    struct Locks {
        FileLock run;
        FileLock worker;
    };
    bool worker_is_awaited() const {
        const auto stored = load_sequence(environment_.folder);
        return stored && *stored && (*stored)->state == SequenceState::running;
    }

    std::optional<Locks> lock_out_workers() const {
        const auto deadline = std::chrono::steady_clock::now() + patience_for_worker;
        while (!is_to_stop() && std::chrono::steady_clock::now() < deadline) {
            // A worker that is about to begin needs the run lock.
            if (!worker_is_awaited()) {
                auto run = acquire_run_lock(system_.state_folder, std::chrono::seconds(1));
                if (!run && run.error().kind != ErrorKind::timed_out) return std::nullopt;
                if (run && !worker_is_awaited()) {
                    auto worker = FileLock::acquire(worker_lock_file(environment_.folder), std::chrono::seconds(1));
                    if (worker) return Locks{std::move(*run), std::move(*worker)};
                }
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
        }
        return std::nullopt;
    }

    remediations::RunOptions options(RunMode mode) const {
        remediations::RunOptions options;
        options.mode = mode;
        options.part = remediations::Part::azure;
        options.azure = task_.azure;
        options.max_disruption = task_.max_disruption;
        options.error_code = task_.error_code;
        options.only = task_.only;
        options.exclude = task_.exclude;
        options.follow_up = true;
        options.deadline = std::chrono::steady_clock::now() + repairs_begin_within;
        options.stop_requested = [this] { return is_to_stop(); };
        return options;
    }

    /// The locks, in a moment in which nothing writes to the VM in Azure. Nothing where the task has to wait, or is
    /// another one now.
    std::optional<Locks> lock_once_settled() {
        constexpr std::chrono::seconds still_settled{30};
        for (unsigned tries = 1;; ++tries) {
            const auto settled =
                system_.azure.settle(task_.azure, settles_within, [this] { return is_to_stop() || !is_current(); });
            if (is_to_stop() || !is_current()) return std::nullopt;
            // After a start of the VM the network may not be there yet.
            if (!settled && settled.error().kind != ErrorKind::timed_out && tries < most_tries_to_begin &&
                pause(pause_before_next_try)) {
                continue;
            }
            if (!settled) {
                tell_part("azure", StatusWord::warning,
                          fmt::format("Not repaired in Azure yet, because {}. The next start of the VM or of the guest "
                                      "agent, or tick of the guard, tries again.",
                                      settled.error().message));
                return std::nullopt;
            }
            const auto begun = std::chrono::steady_clock::now();
            auto locks = lock_out_workers();
            if (!locks || !is_current()) return std::nullopt;
            if (std::chrono::steady_clock::now() - begun < still_settled) return locks;
        }
    }

    Step repair() {
        if (task_.attempts >= most_repair_attempts) {
            const auto locks = lock_out_workers();
            if (!locks) return Step::later;
            if (!is_current()) return Step::next;
            tell_part("azure", StatusWord::warning,
                      fmt::format("Not repaired in Azure: that was begun {} times and never came to its end. Apply the "
                                  "extension again.",
                                  task_.attempts));
            return over();
        }
        if (task_.attempts > 0 && !pause(pause_after_crash)) return Step::later;
        const auto locks = lock_once_settled();
        if (!is_to_stop() && !is_current()) return Step::next;
        if (!locks) return Step::later;
        ++task_.attempts;
        if (!save()) return Step::later;
        auto fixing = options(RunMode::fix);
        fixing.progress = [this](const std::string& step) {
            tell_part("azure", StatusWord::success, "Repairing in Azure: " + step);
        };
        const auto report = system_.run(fixing);
        if (!report) {
            tell_part("azure", StatusWord::warning, "Not repaired in Azure: " + sentence(report.error().message));
            return over();
        }
        record_report(*report, log_, events_);
        const auto repaired = repaired_in(*report, true);
        if (report->is_cause_left()) task_.prove = ProveMode::no;
        if (!repaired.empty()) {
            task_.done = "Repaired in Azure: " + repaired;
            task_.changed = system_.guard.now();
        }
        tell(*report, "", {"azure", StatusWord::success, 0, substatus_of(*report)},
             task_.prove == ProveMode::no ? "" : "A backup is started to prove it.");
        if (task_.prove == ProveMode::no) return over();
        task_.repairs = false;
        task_.azure.repair = false;
        return save() ? Step::next : Step::later;
    }

    /// Nothing is left of the task. The caller holds the run lock, so that nobody plans another one meanwhile.
    Step over() {
        remove_azure_task(system_.state_folder);
        return Step::next;
    }

    static std::string substatus_of(const Report& report) {
        std::string text;
        for (const auto& outcome : report.outcomes) {
            if (!is_of_azure(outcome)) continue;
            for (const auto& change : outcome.changes) text += change.description + "\n";
        }
        return text.empty() ? "Nothing was changed in Azure." : "Changed in Azure:\n" + text;
    }

    Step prove() {
        remediations::azure::ProveOptions options;
        options.wait_for_vault = task_.prove == ProveMode::vault;
        options.within = task_.prove_within;
        options.begun = task_.begun;
        options.not_before = task_.changed;
        options.now = system_.guard.now;
        options.stop_requested = [this] { return is_to_stop() || !is_current(); };
        options.note = [this](const BegunBackup& begun) { return note(begun); };
        auto proof = system_.azure.prove(task_.azure, options);
        start_lock_.reset();
        // After a start of the VM the network may not be there yet; and a start whose answer was lost may have begun
        // one.
        for (unsigned tries = 1; !proof && proof.error().kind != ErrorKind::not_found && is_current() &&
                                 tries < most_tries_to_begin && pause(pause_before_next_try);
             ++tries) {
            options.begun = task_.begun;
            proof = system_.azure.prove(task_.azure, options);
            start_lock_.reset();
        }
        if (is_to_stop()) return Step::later;
        if (!is_current()) return Step::next;
        const auto locks = lock_out_workers();
        if (!locks) return Step::later;
        if (!is_current()) return Step::next;
        tell_proof(proof);
        return over();
    }

    /// Before a backup is asked for, and once its job is known: until then nobody repairs anything.
    Result<void> note(const BegunBackup& begun) {
        if (!start_lock_) start_lock_ = lock_out_workers();
        if (!start_lock_ || !is_current()) return machine::Error::refused("another run is at work");
        task_.begun = begun;
        auto saved = save_azure_task(system_.state_folder, task_);
        if (!begun.job.empty()) start_lock_.reset();
        if (saved) {
            tell_part("prove", StatusWord::success,
                      begun.job.empty() ? std::string("Starting a backup.")
                                        : fmt::format("Job {} is to prove the repair: its recovery point is waited for "
                                                      "until {}.",
                                                      remediations::azure::name_of(begun.job),
                                                      utc_text(begun.started + task_.prove_within)));
        }
        return saved;
    }

    void tell_proof(const Result<Proof>& proof) {
        std::string news;
        auto looking = options(RunMode::diagnose);
        if (!proof) {
            news = "Not proven: " + sentence(proof.error().message);
        } else {
            news = fmt::format("{}: {}", proof->is_proven ? "Proven" : "Not proven", sentence(proof->summary));
            if (!proof->tiers.empty()) news += fmt::format(" It lies in {}.", proof->tiers);
            const bool is_decided = proof->is_proven || !proof->error_code.empty();
            if (is_decided && proof->started) {
                looking.backup = {*proof->started, proof->is_proven,
                                  "the backup of " + remediations::azure::shown(*proof->started)};
            }
        }
        const auto word = proof && proof->is_proven ? StatusWord::success : StatusWord::warning;
        const Substatus part{"prove", word, word == StatusWord::success ? 0 : 1, news};
        const auto report = system_.run(looking);
        if (!report) return tell_part(part.name, part.status, part.message);
        record_report(*report, log_, events_);
        tell(*report, news, part, task_.done);
    }

    bool pause(std::chrono::seconds time) const {
        for (auto left = time; left.count() > 0; left -= std::chrono::seconds(1)) {
            if (is_to_stop()) return false;
            std::this_thread::sleep_for(std::chrono::seconds(1));
        }
        return true;
    }

    /// The whole status anew, as the machine and Azure are now.
    void tell(const Report& report, const std::string& news, const Substatus& part, const std::string& remark) {
        auto status = status_of(report, false);
        status.message = joined({fmt::format("Azure, {}:", utc_text(system_.guard.now())), news, status.message, remark,
                                 task_.done_inside});
        status.substatus.push_back(part);
        const auto report_file = write_html_report(report, environment_, as_command(system_.executable), log_);
        add_pointers(status, report, as_command(system_.executable), report_file);
        log_.info(status.message);
        events_.send(Events::Level::informational, "Azure", status.message);
        conclude_last([&](const SequenceRecord&) {
            return status_file_text(status, environment_.handler_name, std::chrono::system_clock::now(),
                                    report_file.empty() ? log_.file() : report_file);
        });
    }

    /// One substatus alone; the rest stays as it was told.
    void tell_part(const std::string& name, StatusWord word, const std::string& message) {
        log_.info(fmt::format("{}: {}", name, message));
        const Substatus part{name, word, word == StatusWord::success ? 0 : 1, message};
        conclude_last([&](const SequenceRecord& record) {
            const auto text = with_substatus(record.status_text, part, std::chrono::system_clock::now(), log_.file());
            return text ? *text : record.status_text;
        });
    }

    /// Settings that were refused, and a run that has not ended, keep their own status.
    template <class TextOf>
    void conclude_last(const TextOf& text_of) {
        const auto lock = lock_sequence(environment_.folder);
        const auto stored = lock ? load_sequence(environment_.folder) : lock.error();
        if (!stored) return log_.error(stored.error().message);
        if (!*stored || (*stored)->state != SequenceState::finished) return;
        const auto& record = **stored;
        const auto concluded =
            conclude(environment_, record.number, SequenceState::finished, record.run_id, text_of(record), *lock);
        if (!concluded) log_.error(concluded.error().message);
    }

    const Environment& environment_;
    const System& system_;
    Log log_;
    Events events_;
    AzureTask task_;
    std::optional<Locks> start_lock_;
};

}  // namespace

bool is_left_inside(const Report& report) {
    return std::ranges::any_of(report.outcomes, [](const Outcome& outcome) {
        return remediations::is_left(outcome.finding.state) && outcome.finding.weight == remediations::Weight::cause &&
               !is_of_azure(outcome);
    });
}

std::optional<Substatus> plan_azure_part(const Settings& settings, const Report& report, const std::string& told_by,
                                         const System& system) {
    const auto older = load_azure_task(system.state_folder);
    AzureTask task;
    task.repairs = settings.azure.repair && std::ranges::any_of(report.outcomes, [](const Outcome& outcome) {
                       return is_of_azure(outcome) && is_broken(outcome);
                   });
    task.prove = settings.prove;
    // What is left inside makes a backup fail; what is repaired in Azure is looked at again before one is started.
    if (is_left_inside(report) || (!task.repairs && report.is_cause_left())) task.prove = ProveMode::no;
    if (!settings.azure.ask || (!task.repairs && task.prove == ProveMode::no)) {
        remove_azure_task(system.state_folder);
        if (settings.prove == ProveMode::no) return std::nullopt;
        return Substatus{"prove", StatusWord::warning, 1,
                         "No backup is started: what is left would make it fail. Resolve that, and apply again."};
    }
    task.id = utc_text(system.guard.now()) + "-" + std::to_string(machine::local::this_process_id());
    task.computer = system.guard.computer().id;
    task.prove_within = settings.prove_within;
    task.azure = settings.azure;
    task.azure.repair = task.repairs;
    task.max_disruption = settings.max_disruption;
    task.error_code = settings.error_code;
    task.only = settings.only;
    task.exclude = settings.exclude;
    if (const auto repaired = repaired_in(report, false); !repaired.empty()) {
        task.done_inside = fmt::format("Repaired inside the VM (run {}): {}", report.run_id, repaired);
        task.changed = system.guard.now();
    }
    // A backup that runs already proves as much, where nothing was changed since.
    if (older && older->computer == task.computer && report.run_id.empty() && !task.repairs) {
        task.begun = older->begun;
        task.changed = older->changed;
        task.done = older->done;
        task.done_inside = older->done_inside;
    }
    if (const auto saved = save_azure_task(system.state_folder, task); !saved) {
        return Substatus{"azure", StatusWord::warning, 1,
                         "Nothing is done in Azure: " + sentence(saved.error().message)};
    }
    return Substatus{
        task.repairs ? "azure" : "prove", StatusWord::success, 0,
        task.repairs ? fmt::format("What is broken in Azure is repaired there after this; {} will tell of it.", told_by)
                     : fmt::format("A backup is started after this; {} will tell of its recovery point.", told_by)};
}

std::filesystem::path azure_lock_file(const std::filesystem::path& handler_folder) {
    return handler_folder / "azure.lock";
}

void start_azure_part(const std::filesystem::path& handler_folder, const System& system) {
    const auto at_work = [&] { return FileLock::held_elsewhere(azure_lock_file(handler_folder)); };
    const auto is_wanted = [&] { return load_azure_task(system.state_folder).has_value(); };
    if (!is_wanted() || at_work()) return;
    for (const auto by : {machine::local::DetachBy::service_manager, machine::local::DetachBy::session}) {
        (void)system.start_detached("backup-remediation-azure", system.executable, {"azure", to_text(handler_folder)},
                                    system.state_folder, by);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
        while (std::chrono::steady_clock::now() < deadline) {
            if (at_work() || !is_wanted()) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
}

ExitCode azure_part(const std::filesystem::path& handler_folder, const System& system) {
    const auto environment = read_environment(handler_folder);
    if (!environment) return ExitCode::environment;
    const auto lock = FileLock::acquire(azure_lock_file(handler_folder), std::chrono::seconds(1));
    if (!lock) return ExitCode::ok;
    return AzurePart(*environment, system).work();
}

}  // namespace handler
