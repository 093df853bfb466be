#include "handler/agent/apply.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "handler/agent/commands.hpp"
#include "handler/agent/environment.hpp"
#include "handler/agent/lock.hpp"
#include "handler/agent/log.hpp"
#include "handler/agent/sequence.hpp"
#include "handler/agent/settings.hpp"
#include "handler/agent/worker.hpp"
#include "handler/report/paths.hpp"
#include "handler/report/report_file.hpp"
#include "handler/report/report_status.hpp"
#include "remediations/formats/json.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

using machine::Result;
namespace json = boost::json;

namespace {

/// The longest wait for an active `apply` to end.
constexpr std::chrono::seconds clean_up_patience{240};

Environment environment_in(const std::filesystem::path& state_folder) {
    Environment environment;
    environment.folder = applied_folder(state_folder);
    environment.handler_name = "BackupRemediation";
    environment.log_folder = applied_log_folder(state_folder);
    environment.config_folder = environment.folder;
    environment.status_folder = environment.folder / "status";
    return environment;
}

ExitCode exit_code_of(StatusWord word, int code) {
    if (word != StatusWord::error) return ExitCode::ok;
    if (code == static_cast<int>(StatusCode::settings_invalid)) return ExitCode::settings_invalid;
    return code == static_cast<int>(StatusCode::unresolved) ? ExitCode::something_left : ExitCode::failed;
}

/// The text of a status: its message, then the first line of each substatus, as long as there is room.
struct Shown {
    StatusWord word = StatusWord::error;
    int code = 0;
    std::string text;
};

std::string message_of(const json::object& part) {
    return std::string(part.at("formattedMessage").as_object().at("message").as_string());
}

Result<Shown> as_shown(const std::string& status_text) {
    const auto document = remediations::parse_json(status_text, "the status of this run");
    if (!document) return document.error();
    json::error_code code;
    const auto* status = document->find_pointer("/0/status", code);
    Shown shown;
    const auto& object = status->as_object();
    if (std::string_view(object.at("status").as_string()) == to_string(StatusWord::success)) {
        shown.word = StatusWord::success;
    }
    shown.code = static_cast<int>(object.at("code").as_int64());
    shown.text = message_of(object) + "\n";
    for (const auto& part : object.at("substatus").as_array()) {
        const auto message = message_of(part.as_object());
        const auto line = fmt::format("  {}: {}\n", std::string_view(part.at("name").as_string()),
                                      std::string_view(message).substr(0, message.find('\n')));
        if (shown.text.size() + line.size() > most_output_bytes) break;
        shown.text += line;
    }
    return shown;
}

/// One call of `apply`.
class Apply {
public:
    Apply(const System& system, std::ostream& out, std::ostream& err)
        : system_(system), out_(out), err_(err), environment_(environment_in(system.state_folder)) {}

    ExitCode apply() {
        const auto text = system_.standard_input();
        if (!text) return fail(text.error().message);
        const auto answer = parse_settings(*text);
        if (!answer.problems.empty()) {
            out_ << settings_invalid(answer.problems).message << std::endl;
            return ExitCode::settings_invalid;
        }
        for (const auto& folder : {system_.state_folder, environment_.folder, environment_.log_folder}) {
            if (const auto made = machine::local::make_private_folder(folder); !made) return fail(made.error().message);
        }
        const auto alone = FileLock::acquire(supervisor_lock_file(environment_.folder), patience_for_others);
        if (!alone) return fail(alone.error().message);
        return run(answer.settings);
    }

private:
    ExitCode run(const Settings& settings) {
        std::error_code code;
        (void)machine::local::remove_leftovers(environment_.folder);
        std::filesystem::remove(stop_file(environment_.folder), code);
        // What goes on after this call, in Azure or as the guard, finds its folders there.
        if (const auto written = write_environment(environment_); !written) return fail(written.error().message);
        std::filesystem::remove_all(environment_.status_folder, code);
        SequenceRecord record;
        if (const auto stored = load_sequence(environment_.folder); stored && *stored) {
            record.number = (*stored)->number + 1;
        }
        {
            const auto lock = lock_sequence(environment_.folder);
            const auto saved = lock ? save_sequence(environment_.folder, record, *lock) : Result<void>(lock.error());
            if (!saved) return fail(saved.error().message);
        }
        (void)work(environment_, record.number, settings, system_);
        const auto ended = load_sequence(environment_.folder);
        if (!ended) return fail(ended.error().message);
        if (!*ended || (*ended)->number != record.number || (*ended)->state == SequenceState::running) {
            return fail(
                fmt::format("the run did not come to its end; its log is in {}", to_text(environment_.log_folder)));
        }
        const auto status = as_shown((*ended)->status_text);
        if (!status) return fail(status.error().message);
        out_ << status->text << std::flush;
        return exit_code_of(status->word, status->code);
    }

    ExitCode fail(const std::string& why) {
        err_ << could_not_work(why).message << std::endl;
        return ExitCode::failed;
    }

    const System& system_;
    std::ostream& out_;
    std::ostream& err_;
    Environment environment_;
};

}  // namespace

std::filesystem::path applied_folder(const std::filesystem::path& state_folder) {
    return state_folder / "applied";
}

std::filesystem::path applied_log_folder(const std::filesystem::path& state_folder) {
    return state_folder / "logs";
}

ExitCode apply(const System& system, std::ostream& out, std::ostream& err) {
    return Apply(system, out, err).apply();
}

ExitCode clean_up(const System& system, std::ostream& out, std::ostream& err) {
    const auto& state = system.state_folder;
    std::error_code code;
    if (!std::filesystem::exists(state, code)) return ExitCode::ok;
    const auto folder = applied_folder(state);
    if (std::filesystem::exists(folder, code) && !ask_to_stop(folder, clean_up_patience)) {
        err << "a run is still at work and cannot be interrupted; try again later\n";
        return ExitCode::failed;
    }
    std::filesystem::remove_all(folder, code);
    const auto logs = applied_log_folder(state);
    if (!code) std::filesystem::remove_all(logs, code);
    remove_own_state(system, out);
    if (!code) return ExitCode::ok;
    err << fmt::format("{}: cannot be removed: {}\n", to_text(folder), code.message());
    return ExitCode::failed;
}

}  // namespace handler
