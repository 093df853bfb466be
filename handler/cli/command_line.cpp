#include "handler/cli/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <type_traits>

#include "handler/agent/environment.hpp"
#include "handler/agent/guard_tick.hpp"
#include "handler/agent/lock.hpp"
#include "handler/cli/access.hpp"
#include "handler/cli/arguments.hpp"
#include "handler/cli/completion.hpp"
#include "handler/cli/explain.hpp"
#include "handler/cli/history.hpp"
#include "handler/cli/vault_report.hpp"
#include "handler/guard/guard_policy.hpp"
#include "handler/report/paths.hpp"
#include "handler/report/plain_text.hpp"
#include "handler/report/rehearsal_report.hpp"
#include "handler/report/report_html.hpp"
#include "handler/report/report_json.hpp"
#include "handler/report/report_text.hpp"
#include "handler/report/support_bundle.hpp"
#include "remediations/changes/journal.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/engine/root_cause.hpp"
#include "remediations/engine/vault_look.hpp"
#include "remediations/knowledge/azure/attach.hpp"
#include "remediations/knowledge/azure/lock_again.hpp"
#include "remediations/knowledge/azure/rights.hpp"
#include "remediations/knowledge/azure/settled.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/snapshot/freeze_rehearsal.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/local/terminal.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "remediations/machine/utf8.hpp"
#include "remediations/model/error_codes.hpp"

namespace handler {

namespace json = boost::json;
using machine::Error;
using machine::ErrorKind;
using machine::Machine;
using machine::Result;
using machine::local::Stream;
using remediations::Journal;
using remediations::Report;
using remediations::RunMode;
using remediations::State;
using remediations::UndoneStep;

namespace {

/// The folder in which the guest agent lets extensions write their logs.
constexpr auto log_folder = "/var/log/azure";

constexpr auto program_name = "backup-remediation";
constexpr char path_separator = std::filesystem::path::preferred_separator == '/' ? ':' : ';';  ///< of PATH

/// A vault has up to some thousand VMs, and Azure lets an identity ask some thousand questions an hour.
constexpr std::chrono::hours longest_look_at_vault{1};
constexpr unsigned most_retries_for_vault = 2000;
/// Where Azure wants more silence, the VM is looked at again after it: a single diagnosis may take a minute at most.
constexpr std::chrono::seconds longest_pause_for_vault{5};

enum ExitCode { all_well = 0, something_left = 1, bad_usage = 2, could_not_work = 3 };

/// Returns true only for the process's own stream on a terminal; any other stream (a test's string) is not one.
bool is_terminal(const std::ostream& stream) {
    if (&stream == &std::cout) return machine::local::is_terminal(Stream::out);
    return &stream == &std::cerr && machine::local::is_terminal(Stream::err);
}

TextStyle style_of(const std::ostream& out, Color color) {
    constexpr std::size_t widest = 100;  // longer lines are hard to read
    constexpr std::size_t narrowest = 30;
    TextStyle style;
    const bool terminal = is_terminal(out);
    const bool shows_color = terminal && machine::local::prepare_terminal(Stream::out);
    const char* no_color = std::getenv("NO_COLOR");
    const bool wanted = no_color == nullptr || *no_color == '\0';
    style.color = color == Color::always || (color == Color::automatic && shows_color && wanted);
    const std::size_t width = terminal ? machine::local::terminal_width(Stream::out) : 0;
    if (width != 0) style.width = std::clamp(width, narrowest, widest);
    return style;
}

/// As the stream can show it: a terminal may know no UTF-8.
std::string for_screen(const std::ostream& stream, const std::string& text) {
    return is_terminal(stream) && !machine::local::terminal_shows_utf8() ? in_ascii(text) : text;
}

/// Rows; a serial console does not say how many it has, and has 24.
std::size_t screen_height() {
    constexpr std::size_t of_a_console = 24;
    const std::size_t height = machine::local::terminal_height(Stream::out);
    return height == 0 ? of_a_console : height;
}
constexpr std::size_t smallest_screen_that_scrolls = 30;

/// One line that is overwritten again and again, only at a terminal.
class Progress {
public:
    explicit Progress(std::ostream& err)
        : err_(is_terminal(err) && machine::local::prepare_terminal(Stream::err) ? &err : nullptr) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { show(""); }

    void show(const std::string& text) {
        if (err_ != nullptr) {
            *err_ << "\r\x1b[K" << first_characters(for_screen(*err_, visible(text)), width_) << std::flush;
        }
    }

private:
    std::ostream* err_;
    /// A line that wraps cannot be overwritten.
    std::size_t width_ = std::max<std::size_t>(machine::local::terminal_width(Stream::err), 20) - 1;
};

/// Returns this program's name where a folder of the system's PATH holds it (process hardening leaves no other
/// folders), else its full path, so that a person can paste what is printed.
std::string what_to_type() try {
    const auto executable = machine::local::this_executable();
    const char* folders = std::getenv("PATH");
    std::istringstream path(folders == nullptr ? "" : folders);
    for (std::string folder; std::getline(path, folder, path_separator);) {
        std::error_code error;
        if (std::filesystem::equivalent(to_path(folder) / executable.filename(), executable, error)) {
            return program_name;
        }
    }
    return as_command(executable);
} catch (const std::exception&) {
    return program_name;  // without /proc a program does not know where it is
}

int exit_code_of(const Report& report) {
    if (report.anything_left()) return something_left;
    const auto could_not_look = [](const auto& outcome) { return outcome.finding.state == State::unknown; };
    return std::ranges::any_of(report.outcomes, could_not_look) ? could_not_work : all_well;
}

std::string_view to_string(UndoneStep::Result result) {
    switch (result) {
        case UndoneStep::Result::undone:
            return "undone";
        case UndoneStep::Result::already_so:
            return "already-so";
        case UndoneStep::Result::left_alone:
            return "left-alone";
        case UndoneStep::Result::not_undoable:
            return "not-undoable";
        case UndoneStep::Result::failed:
            return "failed";
    }
    return "";
}

/// The vault's errors have numbers of six digits.
bool looks_like_number_of_job(const std::string& word) {
    return word.size() == 6 && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

/// Runs one command; holds what all commands need.
class CommandLine {
public:
    CommandLine(const Arguments& arguments, const Host& host, std::ostream& out, std::ostream& err)
        : arguments_(arguments), host_(host), out_(out), err_(err), style_(style_of(out, arguments.color)) {}

    int execute() {
        end_abandoned_rehearsal();
        switch (arguments_.command) {
            case CommandName::help:
                return show_page(help(arguments_.operand, style_, host_.program));
            case CommandName::welcome:
                return show(welcome());
            case CommandName::completion:
                return show(completion_script(arguments_.operand));
            case CommandName::manual:
                return show(manual_page());
            case CommandName::version:
                return show("backup-remediation " BACKUP_REMEDIATION_VERSION "\n");
            case CommandName::list:
                return wants_json() ? show(list_json()) : show_page(list_text(style_));
            case CommandName::explain:
                return explain();
            case CommandName::history:
                return history();
            case CommandName::diagnose:
                return diagnose();
            case CommandName::fix:
                return fix();
            case CommandName::capture:
                return capture();
            case CommandName::undo:
                return undo();
            case CommandName::rehearse:
                return rehearse();
            case CommandName::guard:
                return guard();
            case CommandName::access:
                return access();
            case CommandName::prove:
                return prove();
        }
        return bad_usage;
    }

private:
    bool wants_json() const { return arguments_.format == Format::json; }

    int show(const std::string& text) {
        out_ << for_screen(out_, text) << std::flush;
        if (out_) return all_well;
        return fail(could_not_work, "the output could not be written");
    }

    /// Text of a command that can simply be given again. On a small screen, a console perhaps that cannot scroll back,
    /// it says how to read all of it.
    int show_page(std::string text) {
        const std::size_t height = is_terminal(out_) ? screen_height() : 0;
        const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
        if (lines >= height && height != 0 && height <= smallest_screen_that_scrolls) {
            Page page(style_);
            page.blank();
            page.paragraph(0, fmt::format("These are {} lines. To read them page by page, add to the command:", lines));
            page.command(2, "| more");
            text += std::move(page).text();
        }
        return show(text);
    }

    int fail(ExitCode code, const std::string& message) {
        remark(message);
        return code;
    }

    void remark(const std::string& message) {
        err_ << "backup-remediation: " << for_screen(err_, visible(message)) << std::endl;
    }

    /// Returns the state of this computer and what to do first, in at most ten lines.
    std::string welcome() const {
        const auto& facts = host_.machine().facts();
        constexpr std::size_t longest = 45;
        const auto [enter, program] = how_to_call(host_.program, longest, style_);
        Page page(style_);
        page.heading(fmt::format("backup-remediation {} on {} ({}, {})", BACKUP_REMEDIATION_VERSION,
                                 visible(facts.host_name), visible(facts.os_name), visible(facts.architecture)));
        page.command(0, "Finds out why Azure Backup of this VM fails, and repairs it.");
        if (!enter.empty()) page.command(2, enter);
        page.command(2, program + " diagnose         what is broken? (changes nothing)");
        page.command(2, program + " fix --dry-run    what would be changed?");
        page.command(2, program + " fix              repair it");
        const auto run = newest_run_in_place();
        if (!run.empty()) page.command(2, fmt::format("{} undo             take back run {}", program, visible(run)));
        page.command(2, program + " --help           more");
        if (!host_.privileged) {
            page.command(0, fmt::format("Now without the rights it needs: {}.", how_to_get_rights()));
        }
        return std::move(page).text();
    }

    int explain() {
        if (arguments_.all) return show(catalogue_markdown());
        const auto text = wants_json() ? explain_json(arguments_.operand) : explain_text(arguments_.operand, style_);
        if (text) return show(*text);
        return fail(bad_usage, fmt::format("'{}' is no error code or remediation that this program knows{}{}",
                                           arguments_.operand, did_you_mean(arguments_.operand, explainable()),
                                           looks_like_number_of_job(arguments_.operand)
                                               ? ". As the number of a backup job's error, it is explained by the text "
                                                 "beside it: az backup job show, errorDetails"
                                               : ""));
    }

    int history() {
        const auto folder = host_.state_folder / "runs";
        std::error_code error;
        std::filesystem::directory_iterator readable(folder, error);
        if (error && error != std::errc::no_such_file_or_directory) {
            return fail(could_not_work, fmt::format("{}: {}", to_text(folder), error.message()));
        }
        const auto runs = past_runs(host_.state_folder);
        return show(wants_json() ? history_json(runs) : history_text(runs, style_));
    }

    int diagnose() {
        if (arguments_.is_about_vault()) return vault();
        if (arguments_.capture.empty() && !host_.privileged) {
            remark("not run as root or administrator: what may not be read is reported as unknown");
        }
        return run(RunMode::diagnose);
    }

    int fix() {
        if (arguments_.dry_run) return run(RunMode::dry_run);
        if (!host_.privileged) return refuse("fix");
        const auto lock = acquire_run_lock(host_.state_folder, std::chrono::milliseconds(0));
        if (!lock) return locked_out(lock.error());
        return run(RunMode::fix);
    }

    int run(RunMode mode) {
        if (!arguments_.error_code.empty() && remediations::find_error_code(arguments_.error_code) == nullptr) {
            remark(fmt::format("{} is not an error code this program knows{}", arguments_.error_code,
                               did_you_mean(arguments_.error_code, explainable())));
        }
        std::optional<Machine> recorded;
        if (!arguments_.capture.empty()) {
            auto loaded = machine::recorded::load(std::filesystem::absolute(to_path(arguments_.capture)));
            if (!loaded) return fail(bad_usage, "--capture: " + loaded.error().message);
            recorded.emplace(std::move(*loaded));
        }
        if (const auto asked = ask_azure(); !asked) return fail(could_not_work, asked.error().message);
        if (outside_) recorded.emplace(std::move(*outside_));
        if (!arguments_.vm.empty() && mode == RunMode::fix) {
            // By Run Command on that very VM it would wait for itself.
            const auto settled =
                remediations::azure::wait_until_settled(*recorded, std::chrono::minutes(2), [] { return false; });
            if (!settled) {
                return fail(could_not_work, fmt::format("nothing was changed, because {}", settled.error().message));
            }
        }
        auto& machine = recorded ? *recorded : host_.machine();
        for (const auto& id : arguments_.only) {
            const auto scope = remediations::find_remediation(id)->scope;
            if (!remediations::applies_to(scope, machine.facts().platform)) {
                remark(fmt::format("--only: {} is about {}, which this machine does not run", id, to_string(scope)));
            }
        }
        const auto subject = recorded           ? Subject::capture
                             : host_.privileged ? Subject::this_computer
                                                : Subject::this_computer_without_rights;
        const auto report = run_on(machine, mode, subject);
        if (!report) return fail(could_not_work, report.error().message);
        const auto text = report_in_format(*report, subject);
        const bool is_page = arguments_.format == Format::text && mode != RunMode::fix;
        const auto shown = is_page ? show_page(text) : show(text);
        return shown == all_well ? exit_code_of(*report) : shown;
    }

    std::string report_in_format(const Report& report, Subject subject) const {
        switch (arguments_.format) {
            case Format::json:
                return report_json(report);
            case Format::html:
                return report_html(report, subject, subject == Subject::capture ? program_name : program_path());
            default:
                return report_text(report, subject, style_, subject == Subject::capture ? program_name : host_.program);
        }
    }

    /// The full path, because an HTML report is read later and elsewhere.
    static std::string program_path() { return as_command(machine::local::this_executable()); }

    Result<Report> run_on(Machine& machine, RunMode mode, Subject subject) {
        Progress progress(err_);
        remediations::RunOptions options;
        options.mode = mode;
        options.max_disruption = arguments_.max_disruption;
        options.allow_security_changes = arguments_.allow_security_changes;
        options.repair_risks = arguments_.repair_risks;
        options.error_code = arguments_.error_code;
        options.only = arguments_.only;
        options.exclude = arguments_.exclude;
        options.agent_installer = arguments_.agent_installer;
        options.from_outside = !arguments_.vm.empty();
        options.azure.repair = options.from_outside && mode != RunMode::diagnose;
        options.azure_allow = arguments_.allow;
        options.follow_up = subject == Subject::this_computer;
        options.progress = [&](const std::string& text) { progress.show(text + " ..."); };
        auto report = remediations::run(options, machine, host_.state_folder);
        if (report && !thawed_.empty()) report->notices.push_back(thawed_);
        return report;
    }

    /// Call it before anything is read or written: a file system that is still frozen would block it.
    void end_abandoned_rehearsal() {
        constexpr std::array of_this_computer{CommandName::diagnose, CommandName::fix, CommandName::rehearse,
                                              CommandName::undo};
        const bool is_one = std::ranges::find(of_this_computer, arguments_.command) != of_this_computer.end();
        if (is_one && host_.privileged && arguments_.capture.empty()) {
            thawed_ = remediations::end_abandoned_rehearsal(*host_.freezer());
        }
    }

    int capture() {
        const auto folder = std::filesystem::absolute(to_path(arguments_.output));
        std::error_code error;
        if (std::filesystem::exists(folder, error) && !std::filesystem::is_empty(folder, error)) {
            return fail(bad_usage, fmt::format("--output: {} exists and is not an empty folder", arguments_.output));
        }
        if (!host_.privileged) remark("not run as root or administrator: what may not be read will be missing");
        if (const auto asked = ask_azure(); !asked) return fail(could_not_work, asked.error().message);
        if (arguments_.archive) return archive(folder);
        auto recording = machine::recorded::record(host_.machine());
        if (const auto report = run_on(recording.machine, RunMode::diagnose, Subject::capture); !report) {
            return fail(could_not_work, report.error().message);
        }
        if (const auto saved = machine::recorded::save(*recording.capture, folder); !saved) {
            return fail(could_not_work, saved.error().message);
        }
        Page page(style_);
        page.paragraph(0, fmt::format("Written to {}. Known secrets are redacted; look through it before you give it "
                                      "away. To diagnose it on any computer:",
                                      visible(arguments_.output)));
        page.command(2, fmt::format("{} diagnose --capture {}", program_name, visible(arguments_.output)));
        return show(std::move(page).text());
    }

    int archive(const std::filesystem::path& folder) {
        Progress progress(err_);
        remediations::RunOptions options;
        options.progress = [&](const std::string& text) { progress.show(text + " ..."); };
        const auto bundle = make_support_bundle(host_.machine(), options);
        if (!bundle) return fail(could_not_work, bundle.error().message);
        if (auto made = machine::local::make_private_folder(folder); !made) {
            return fail(could_not_work, made.error().message);
        }
        const auto file = folder / "support-bundle.zip";
        if (auto written = machine::local::write_durably(file, *bundle); !written) {
            return fail(could_not_work, written.error().message);
        }
        progress.show("");
        Page page(style_);
        page.paragraph(0, fmt::format("Written to {} ({} KiB); contents.txt in it says what it has. Known secrets are "
                                      "redacted; look through it before you give it away.",
                                      visible(to_text(file)), (bundle->size() >> 10U) + 1));
        return show(std::move(page).text());
    }

    /// All VMs of a vault, each seen through Azure alone.
    int vault() {
        machine::arm::ClientOptions options;
        options.is_of_vault = true;
        options.vault_id = arguments_.vault;
        options.cloud = arguments_.cloud;
        options.time = longest_look_at_vault;
        options.retries = most_retries_for_vault;
        options.longest_pause = longest_pause_for_vault;
        options.keeps = remediations::azure::concerns_many_vms;
        auto token = token_on_input();
        if (!token) return fail(could_not_work, token.error().message);
        options.token = std::move(*token);
        const std::shared_ptr<const machine::Azure> azure = host_.azure(std::move(options));
        Progress progress(err_);
        remediations::VaultLookOptions look;
        look.only = arguments_.only;
        look.exclude = arguments_.exclude;
        look.deadline = std::chrono::steady_clock::now() + longest_look_at_vault;
        look.progress = [&](const std::string& text) { progress.show(text + " ..."); };
        const auto report = remediations::look_at_vault(azure, arguments_.vault, look);
        progress.show("");
        if (!report) return fail(could_not_work, report.error().message);
        const auto shown = show(arguments_.format == Format::csv ? vault_csv(*report)
                                : wants_json()                   ? vault_json(*report)
                                                                 : vault_text(*report, style_));
        if (shown != all_well) return shown;
        if (something_is_wrong(*report)) return something_left;
        return report->is_incomplete() ? could_not_work : all_well;
    }

    /// Attaches Azure where the arguments say so: for this computer, or for another VM, which then becomes outside_.
    Result<void> ask_azure() {
        const bool is_wanted = arguments_.azure || arguments_.token_on_input ||
                               arguments_.command == CommandName::access || arguments_.command == CommandName::prove;
        if (!is_wanted) return {};
        machine::arm::ClientOptions options;
        options.client_id = arguments_.identity;
        options.vault_id = arguments_.vault;
        options.vm_id = arguments_.vm;
        options.cloud = arguments_.cloud;
        if (arguments_.token_on_input) {
            auto token = token_on_input();
            if (!token) return token.error();
            options.token = std::move(*token);
        }
        if (arguments_.vm.empty()) {
            options.proxy = remediations::azure::proxy_of_agent(host_.machine());
            host_.machine().use_azure(host_.azure(std::move(options)));
            return {};
        }
        auto azure = host_.azure(std::move(options));
        const auto facts = watched("asking Azure", [&] { return remediations::azure::facts_from_outside(*azure); });
        if (!facts) return facts.error();
        outside_.emplace(machine::recorded::unrecorded(*facts));
        outside_->use_azure(std::move(azure));
        return {};
    }

    Result<machine::arm::Secret> token_on_input() const {
        constexpr std::size_t longest = std::size_t{64} << 10U;
        std::string text(longest, '\0');
        if (host_.input) host_.input->read(text.data(), static_cast<std::streamsize>(text.size()));
        const auto count = host_.input ? static_cast<std::size_t>(host_.input->gcount()) : 0;
        std::string token(text, 0, count);
        machine::arm::Secret::wipe(text);
        auto secret = machine::arm::token_from_text(token);
        machine::arm::Secret::wipe(token);
        if (!secret) return machine::Error::invalid("--token: " + secret.error().message);
        return secret;
    }

    int prove() {
        // Locks are put back by the journal of this computer.
        if ((arguments_.vm.empty() || arguments_.lock_again) && !host_.privileged) return refuse("prove");
        if (const auto asked = ask_azure(); !asked) return fail(could_not_work, asked.error().message);
        Progress progress(err_);
        remediations::azure::ProveOptions options;
        options.wait_for_vault = arguments_.wait_for_vault;
        options.within = arguments_.within;
        options.progress = [&](const std::string& text) { progress.show(text + " ..."); };
        const auto proof = remediations::azure::prove_by_backup(outside_ ? *outside_ : host_.machine(), options);
        progress.show("");
        if (!proof) return fail(could_not_work, proof.error().message);
        const auto locks =
            arguments_.lock_again ? lock_again(proof->is_proven, options.progress) : std::vector<UndoneStep>();
        progress.show("");
        auto text = wants_json() ? proof_json(*proof, in_json(locks)) : proof_text(*proof, style_);
        if (!wants_json() && !locks.empty()) text += undone_text("Locks that an earlier run removed", locks);
        const auto shown = show(text);
        if (shown != all_well) return shown;
        return proof->is_proven && std::ranges::none_of(locks, remains) ? all_well : something_left;
    }

    /// Says of each lock that is still away what became of it, so that none stays away unsaid.
    std::vector<UndoneStep> lock_again(bool is_proven, const std::function<void(const std::string&)>& progress) {
        const auto lock = acquire_run_lock(host_.state_folder, std::chrono::milliseconds(0));
        if (!lock) return {{"put back the locks that were removed", UndoneStep::Result::failed, lock.error().message}};
        remediations::azure::LockAgainOptions options;
        options.within = arguments_.within;
        options.progress = progress;
        if (!is_proven) options.hold_back = "no backup has proven the repair";
        return remediations::azure::lock_again(host_.state_folder, *outside_, options);
    }

    int access() {
        if (const auto asked = ask_azure(); !asked) return fail(could_not_work, asked.error().message);
        const auto& machine = outside_ ? *outside_ : host_.machine();
        const auto access = watched("asking Azure", [&] { return machine.azure().access(); });
        if (!access) return fail(could_not_work, access.error().message);
        const auto rights = watched("asking Azure", [&] { return remediations::azure::rights_of(machine); });
        const auto shown = show(wants_json() ? access_json(*access, rights) : access_text(*access, rights, style_));
        if (shown != all_well) return shown;
        if (!rights.missing.empty()) return something_left;
        return rights.unknown.empty() ? all_well : could_not_work;
    }

    int rehearse() {
        if (!host_.privileged) return refuse("rehearse");
        const auto lock = acquire_run_lock(host_.state_folder, std::chrono::milliseconds(0));
        if (!lock) return locked_out(lock.error());
        remediations::RehearsalOptions options;
        options.mount_points = arguments_.mounts;
        options.include_system = arguments_.include_system;
        options.system_paths = {to_text(host_.state_folder), to_text(machine::local::this_executable()), log_folder};
        if (!thawed_.empty()) remark(thawed_);
        const auto rehearsal = watched("rehearsing the freeze of a backup", [&] {
            return remediations::rehearse_freeze(options, host_.machine(), *host_.freezer());
        });
        if (!rehearsal) {
            const bool usage = rehearsal.error().kind == ErrorKind::invalid;
            return fail(usage ? bad_usage : could_not_work, (usage ? "--mount: " : "") + rehearsal.error().message);
        }
        const auto shown = show(wants_json() ? rehearsal_json(*rehearsal) : rehearsal_text(*rehearsal, style_));
        if (shown != all_well) return shown;
        if (rehearsal->state == State::unknown) return could_not_work;
        return remediations::is_left(rehearsal->state) ? something_left : all_well;
    }

    int undo() {
        if (!host_.privileged) return refuse("undo");
        const auto lock = acquire_run_lock(host_.state_folder, std::chrono::milliseconds(0));
        if (!lock) return locked_out(lock.error());
        const auto run_id = arguments_.operand.empty() ? newest_run_in_place() : arguments_.operand;
        if (run_id.empty()) {
            if (wants_json()) return show_undone({}, run_id);
            return show("There is nothing to take back.\n");
        }
        const auto damage = arguments_.despite_damage ? remediations::Damage::skip : remediations::Damage::refuse;
        auto journal = Journal::open(host_.state_folder, run_id, damage);
        if (!journal) {
            if (journal.error().kind == ErrorKind::invalid) {
                return fail(could_not_work,
                            fmt::format("{}; nothing was changed. 'undo {} --despite-damage' takes back what can be "
                                        "read",
                                        journal.error().message, run_id));
            }
            if (journal.error().kind != ErrorKind::not_found) return fail(could_not_work, journal.error().message);
            return fail(bad_usage, fmt::format("{}{} ('backup-remediation history' shows all)", journal.error().message,
                                               did_you_mean(run_id, Journal::runs(host_.state_folder))));
        }
        if (const auto asked = ask_azure(); !asked) return fail(could_not_work, asked.error().message);
        auto& machine = outside_ ? *outside_ : host_.machine();
        const auto reason = outside_ ? std::nullopt : remediations::why_not_to_disturb(machine);
        if (reason) {
            return fail(could_not_work, fmt::format("nothing was taken back, because {}; try again later", *reason));
        }
        for (const auto& line : journal->damage()) remark(line + "; this line was left out");
        const auto undone = watched("taking back run " + run_id, [&] { return remediations::undo(*journal, machine); });
        const auto shown = show_undone(undone, run_id);
        return shown == all_well && !journal->damage().empty() ? something_left : shown;
    }

    int guard() {
        if (arguments_.operand.empty() || arguments_.operand == "status") return guard_status();
        if (!host_.privileged) return refuse("guard " + arguments_.operand);
        const auto lock = acquire_run_lock(host_.state_folder, std::chrono::milliseconds(0));
        if (!lock) return locked_out(lock.error());
        return arguments_.operand == "on" ? guard_on() : guard_off();
    }

    int guard_on() {
        GuardSettings wanted;
        wanted.mode = arguments_.watch ? GuardMode::watch : GuardMode::repair;
        wanted.every = arguments_.hours;
        wanted.max_disruption = arguments_.max_disruption;
        wanted.allow_security_changes = arguments_.allow_security_changes;
        wanted.only = arguments_.only;
        wanted.exclude = arguments_.exclude;
        wanted.agent_installer = arguments_.agent_installer;
        wanted.by_hand = true;
        wanted.handler_folder = host_.handler_folder;
        const auto present = load_guard_settings(host_.state_folder);
        if (wanted.handler_folder.empty() && present && *present) wanted.handler_folder = (*present)->handler_folder;
        const auto by = watched("switching the guard on", [&] { return switch_guard_on(wanted, host_.guard); });
        if (!by) return fail(could_not_work, fmt::format("the guard could not be switched on: {}", by.error().message));
        if (wants_json()) return guard_status();
        return show(fmt::format("The guard is on: it looks every {} h, started by {}.\n", wanted.every.count(),
                                to_string(*by)));
    }

    int guard_off() {
        const auto present = load_guard_settings(host_.state_folder);
        const auto removed = watched("removing the guard", [&] { return switch_guard_off(host_.guard); });
        if (!removed) {
            return fail(could_not_work, fmt::format("the guard could not be removed: {}", removed.error().message));
        }
        if (wants_json()) return guard_status();
        const bool was_on = !present || *present;
        return show(was_on ? "The guard is off; timer and program are removed.\n" : "The guard is off.\n");
    }

    int guard_status() {
        const auto settings = load_guard_settings(host_.state_folder);
        if (!settings) return fail(could_not_work, settings.error().message);
        const auto record = *settings ? load_guard_record(host_.state_folder) : GuardRecord{};
        if (wants_json()) return show(guard_json(*settings, record));
        Page page(style_);
        page.paragraph(0, "guard: " + visible(*settings ? guard_text(**settings, record) : std::string("off.")));
        if (!*settings) {
            page.paragraph(0, "To have this VM look after its backups by itself:");
            page.command(2, host_.program + " guard on");
        }
        return show(std::move(page).text());
    }

    /// {"schema":1,"mode","hours","suspended","maxDisruption","version","lastLook":TIME|null,
    ///  "repaired":[{"cause","state","run":ID|null,"time"}...]}
    static std::string guard_json(const std::optional<GuardSettings>& settings, const GuardRecord& record) {
        constexpr std::string_view states[] = {"waiting", "proven", "not-healed"};
        json::object status{{"schema", 1}, {"mode", to_string(settings ? settings->mode : GuardMode::off)}};
        if (settings) {
            status["hours"] = settings->every.count();
            status["suspended"] = settings->suspended;
            status["maxDisruption"] = to_string(settings->max_disruption);
            status["version"] = machine::valid_utf8(settings->version);
            status["lastLook"] =
                record.looked == GuardTime{} ? json::value(nullptr) : json::value(utc_text(record.looked));
            auto& repaired = status["repaired"].emplace_array();
            for (const auto& treatment : record.treatments) {
                repaired.push_back(
                    json::object{{"cause", machine::valid_utf8(treatment.cause)},
                                 {"state", states[static_cast<std::size_t>(treatment.state)]},
                                 {"run", treatment.run_id.empty() ? json::value(nullptr)
                                                                  : json::value(machine::valid_utf8(treatment.run_id))},
                                 {"time", utc_text(treatment.time)}});
            }
        }
        return machine::with_escaped_controls(json::serialize(status)) + "\n";
    }

    /// A journal that cannot be read is an error of undo, and no reason to undo an older run.
    std::string newest_run_in_place() const {
        std::string newest;
        for (const auto& run : past_runs(host_.state_folder)) {
            if (!run.problem.empty() || run.undone == Undone::no || run.undone == Undone::partly) newest = run.id;
        }
        return newest;
    }

    int show_undone(const std::vector<UndoneStep>& steps, const std::string& run_id) {
        const auto heading = fmt::format("Undo of run {}, newest change first", visible(run_id));
        const auto shown = show(wants_json() ? undone_json(steps, run_id) : undone_text(heading, steps));
        if (shown != all_well) return shown;
        return std::ranges::any_of(steps, remains) ? something_left : all_well;
    }

    static bool remains(const UndoneStep& step) {
        return step.result == UndoneStep::Result::left_alone || step.result == UndoneStep::Result::failed;
    }

    std::string undone_text(const std::string& heading, const std::vector<UndoneStep>& steps) const {
        Page page(style_);
        page.heading(heading);
        for (const auto& step : steps) {
            using enum UndoneStep::Result;
            const auto paint = step.result == undone                                ? Paint::good
                               : step.result == failed || step.result == left_alone ? Paint::bad
                                                                                    : Paint::faint;
            const auto detail = step.detail.empty() ? std::string() : fmt::format(" ({})", visible(step.detail));
            page.row(2, {{to_string(step.result), 16, paint}}, visible(step.description) + detail);
        }
        return std::move(page).text();
    }

    static json::array in_json(const std::vector<UndoneStep>& steps) {
        json::array all;
        for (const auto& step : steps) {
            all.push_back(json::object{{"description", machine::valid_utf8(step.description)},
                                       {"result", to_string(step.result)},
                                       {"detail", machine::valid_utf8(step.detail)}});
        }
        return all;
    }

    static std::string undone_json(const std::vector<UndoneStep>& steps, const std::string& run_id) {
        return machine::with_escaped_controls(json::serialize(json::object{
                   {"schema", 1},
                   {"runId", run_id.empty() ? json::value(nullptr) : json::value(machine::valid_utf8(run_id))},
                   {"steps", in_json(steps)}})) +
               "\n";
    }

    /// Shows the progress of the work at a terminal.
    template <class Work>
    std::invoke_result_t<Work> watched(const std::string& what, const Work& work) {
        Progress progress(err_);
        progress.show(what + " ...");
        return work();
    }

    int refuse(std::string_view command) {
        return fail(could_not_work,
                    fmt::format("'{}' changes the machine and needs more rights: {}", command, how_to_get_rights()));
    }

    const char* how_to_get_rights() const {
        return host_.machine().facts().platform == machine::Platform::windows
                   ? "open a command prompt with 'Run as administrator' and try again"
                   : "try again with sudo";
    }

    int locked_out(const Error& error) {
        if (error.kind != ErrorKind::timed_out) return fail(could_not_work, error.message);
        return fail(could_not_work,
                    "another run of backup-remediation is at work (the extension itself, perhaps); wait until it has "
                    "ended and try again");
    }

    const Arguments& arguments_;
    const Host& host_;
    std::ostream& out_;
    std::ostream& err_;
    TextStyle style_;
    std::string thawed_;              ///< a sentence: what an abandoned rehearsal had left frozen
    std::optional<Machine> outside_;  ///< a VM that is seen only through Azure
};

}  // namespace

int command_line(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
    std::optional<Machine> machine;
    const auto handler_folder = find_handler_folder(machine::local::this_executable(), std::nullopt);
    const Host host{[&]() -> Machine& {
                        if (!machine) machine.emplace(machine::local_machine());
                        return *machine;
                    },
                    machine::local::state_folder(),
                    machine::local::is_privileged(),
                    machine::local_freezer,
                    guard_tools(local_system()),
                    handler_folder ? *handler_folder : std::filesystem::path(),
                    what_to_type(),
                    &std::cin};
    const int code = command_line(arguments, host, out, err);
    if (arguments.empty() && machine::local::window_closes_with_us()) {
        out << "Press Enter to close this window." << std::flush;
        std::cin.get();
    }
    return code;
}

int command_line(const std::vector<std::string>& arguments, const Host& host, std::ostream& out, std::ostream& err) {
    const auto parsed = parse_arguments(arguments);
    if (!parsed) {
        err << "backup-remediation: " << parsed.error().message << std::endl;
        return bad_usage;
    }
    try {
        return CommandLine(*parsed, host, out, err).execute();
    } catch (const std::exception& error) {
        err << "backup-remediation: " << visible(error.what()) << std::endl;
        return could_not_work;
    }
}

}  // namespace handler
