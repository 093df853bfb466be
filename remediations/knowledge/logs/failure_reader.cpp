#include "remediations/knowledge/logs/failure_reader.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>
#include <limits>

#include "remediations/knowledge/logs/heartbeat.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"

namespace remediations {
namespace {

using Severity = Failure::Severity;
using Time = std::chrono::system_clock::time_point;

/// A longer record is cut in its middle.
constexpr std::size_t longest_record = LogLine::longest_text - 96;
constexpr std::size_t longest_record_front = longest_record * 2 / 3;
constexpr std::uint64_t most_lines_of_record = 400;
constexpr std::size_t longest_line_read = std::size_t{8} << 10;
constexpr std::size_t most_shapes_of_log = 100;
/// Before and after the newest attempt: the agent starts it before its first line and reports it after its last.
constexpr auto around_attempt = std::chrono::minutes(5);
/// The time for the lines of an extension's process after its result.
constexpr auto behind_result = std::chrono::minutes(10);
constexpr auto furthest_zone_of_failure = std::chrono::hours(14);

constexpr std::string_view backup_name = "Microsoft.Azure.RecoveryServices.VMSnapshot";

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

template <std::size_t N>
bool has_any(std::string_view text, const std::string_view (&parts)[N]) {
    return std::ranges::any_of(parts, [&](auto part) { return has(text, part); });
}

/// The parts are in lower case.
template <std::size_t N>
bool has_any_case(std::string_view text, const std::string_view (&parts)[N]) {
    std::string small(text.substr(0, longest_record));
    std::ranges::transform(small, small.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return has_any(small, parts);
}

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_word_character(char c) {
    return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || c == '_' || c == '\'';
}

std::string_view without_blanks(std::string_view text) {
    const auto begin = std::min(text.find_first_not_of(" \t\r"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

bool skip(std::string_view& text, std::string_view front) {
    if (!text.starts_with(front)) {
        return false;
    }
    text.remove_prefix(front.size());
    return true;
}

void skip_blanks(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

// --- General words ---

/// Whole words in lower case.
constexpr std::string_view failure_words[] = {
    "aborted", "cannot",  "can't",    "corrupt",   "corrupted",  "couldn't",     "crashed", "denied",
    "error",   "errors",  "errno",    "exception", "exceptions", "expection",    "fail",    "failed",
    "failing", "fails",   "failure",  "failures",  "incorrect",  "inconsistent", "invalid", "killed",
    "missing", "refused", "segfault", "traceback", "unable",     "unreachable",
};
constexpr std::string_view behind_not[] = {"able",  "accessible", "allowed",   "available", "correct",
                                           "exist", "found",      "permitted", "supported", "valid"};

/// Every line with such a word contains one of these. They are parts of words, so that upper and lower case are found.
constexpr std::string_view word_markers[] = {
    "rror",        "RROR",       "fail",        "Fail",         "FAIL",          "xcept",        "raceback",
    "unable",      "Unable",     "annot",       "an't",         "ouldn't",       "enied",        "efused",
    "issing",      "nvalid",     "orrupt",      "nreachable",   "illed",         "borted",       "rashed",
    "nconsistent", "segfault",   "ncorrect",    "xpection",     "imed out",      "imed-out",     "ot found",
    "ould not",    "an not",     "ot able",     "ot exist",     "o such",        "ot permitted", "ot allowed",
    "ot correct",  "ore dumped", "egmentation", "ot available", "ot accessible", "ot supported", "ot valid",
    "rrno",
};
constexpr std::string_view level_markers[] = {"WARN", "Warning"};

// --- Kernel and systemd ---

struct KernelRow {
    std::string_view text;
    Layer layer;
    std::string_view operation;
};

// As the kernel prints them (fs/ext4/super.c, fs/xfs, block/blk-core.c, kernel/hung_task.c, mm/oom_kill.c).
constexpr KernelRow kernel_rows[] = {
    {"I/O error", Layer::managed_disk, "Read or write a disk"},
    {"lost async page write", Layer::managed_disk, "Write a disk"},
    {"EXT4-fs error", Layer::os_snapshot, "Use a file system"},
    {"EXT4-fs warning", Layer::os_snapshot, "Use a file system"},
    {"EXT3-fs error", Layer::os_snapshot, "Use a file system"},
    {"Remounting filesystem read-only", Layer::os_snapshot, "Use a file system"},
    {"BTRFS error", Layer::os_snapshot, "Use a file system"},
    {"BTRFS critical", Layer::os_snapshot, "Use a file system"},
    {"Aborting journal", Layer::os_snapshot, "Use a file system"},
    {"XFS (", Layer::os_snapshot, "Use a file system"},
    {"blocked for more than", Layer::os_snapshot, "Run a task"},
    {"Out of memory: ", Layer::guest_agent, "Give memory"},
};
/// Other messages of the kernel about XFS are about mounts.
constexpr std::string_view xfs_errors[] = {"orruption", "error", "Shutting down", "shutdown", "failed"};

constexpr std::string_view agent_units[] = {"walinuxagent.service", "waagent.service"};
/// systemd.service(5), its messages.
constexpr std::string_view unit_failures[] = {
    "Failed ",   "failed", "status=", "code=killed", "code=dumped", "Start request repeated too quickly",
    "timed out", "masked"};

// --- Recoveries ---

constexpr std::string_view goal_state_works[] = {"etch goal state completed",
                                                 "ProcessExtensionsGoalState started",
                                                 "ProcessExtensionsGoalState completed",
                                                 "ProcessGoalState completed",
                                                 "ecovered from previous error",
                                                 "Fetched a new incarnation",
                                                 "Handle extensions updates for incarnation"};
constexpr std::string_view status_works[] = {"Successfully uploaded", "ecovered from previous error"};
constexpr std::string_view shell_works = "0 returned from handle.py";
constexpr std::string_view shell_fails = " returned from handle.py";

// --- The guest agent ---

constexpr std::string_view agent_levels[] = {"ERROR", "WARNING", "INFO", "VERBOSE"};
constexpr std::string_view agent_sources[] = {"Daemon",
                                              "ExtHandler",
                                              "MonitorHandler",
                                              "EnvHandler",
                                              "SendTelemetryHandler",
                                              "MainThread",
                                              "CollectLogsHandler",
                                              "LogCollector",
                                              "TelemetryEventsCollector"};
constexpr std::string_view never_of_backup_sources[] = {"SendTelemetryHandler", "CollectLogsHandler", "LogCollector",
                                                        "TelemetryEventsCollector"};
/// Operations of the agent's events that have nothing to do with a backup: telemetry, log collection, its own update,
/// cgroups.
constexpr std::string_view never_of_backup_operations[] = {"AgentUpgrade",       "AutoUpdate",
                                                           "CGroupsCleanUp",     "CGroupsDebug",
                                                           "CGroupsInfo",        "CGroupsInitialize",
                                                           "CollectEventErrors", "CollectEventUnicodeErrors",
                                                           "DroppedEventsCount", "ExtensionTelemetryEventProcessing",
                                                           "InitializeCGroups",  "LogCollection",
                                                           "ReportEventErrors",  "ReportEventUnicodeErrors",
                                                           "ResetFirewall_",     "SetCGroupsLimits"};
constexpr std::string_view never_of_backup_words[] = {"[CGW]",  "[CGI]",       "cgroup",
                                                      "CGroup", "AutoUpdate.", "op=AutoUpdate"};

/// Texts that the agent and the extension log on healthy machines, from their start to a good backup. A machine with a
/// good backup shows that by itself; a first backup has nothing to compare with.
constexpr std::string_view routine_words[] = {
    "dmidecode",
    "Return code: 127",
    "LISDrivers: Failed",
    "Dhcp client is not running",
    "Hostname record does not exist",
    "legacy AutoUpdate",
    "Move rules file ",
    "SyntaxWarning: ",
    "DeprecationWarning: ",
    "unable to detect disk topology",
    "Billing differenct",
    "FailedPrepostPluginConfigNotFound",
    "is size computation failed",
};

/// Lines that only repeat a reported state; other lines have the failure itself.
constexpr std::string_view state_words[] = {"\"substatus\"", "Extension status: [", "reached a terminal state",
                                            "placeholder status file"};

/// The parts of "Event: name=X, op=Y, message=Z, duration=0"
struct AgentEvent {
    std::string_view name;
    std::string_view operation;
    std::string_view message;
};

std::optional<AgentEvent> event_in(std::string_view message) {
    if (!skip(message, "Event: name=")) {
        return std::nullopt;
    }
    AgentEvent event;
    const auto operation = message.find(", op=");
    const auto text = message.find(", message=", operation == std::string_view::npos ? 0 : operation);
    if (operation == std::string_view::npos || text == std::string_view::npos) {
        return std::nullopt;
    }
    event.name = message.substr(0, operation);
    event.operation = message.substr(operation + 5, text - operation - 5);
    event.message = message.substr(text + 10);
    const auto end = event.message.rfind(", duration=");
    if (end != std::string_view::npos && event.message.size() - end < 32) {
        event.message = event.message.substr(0, end);
    }
    event.message = without_blanks(event.message);
    return event;
}

struct OperationRow {
    std::string_view text;
    std::string_view operation;
};

constexpr OperationRow agent_operations[] = {
    {"goal state", "Fetch the goal state"},
    {"GoalState", "Fetch the goal state"},
    {"vmSettings", "Fetch the goal state"},
    {"VmSettings", "Fetch the goal state"},
    {"ownload", "Download a package"},
    {"manifest", "Download a package"},
    {"DHCP", "Ask DHCP"},
    {"Dhcp", "Ask DHCP"},
    {"report status", "Report status"},
    {"upload status", "Report status"},
    {"status blob", "Report status"},
    {"irewall", "Set its firewall rules"},
    {"iptables", "Set its firewall rules"},
    {"certificate", "Handle certificates"},
    {"launched with command", "Run its agent process"},
};
constexpr std::string_view read_settings = "Read settings";
constexpr std::string_view decrypt_settings = "Decrypt settings";

constexpr OperationRow extension_operations[] = {
    {"FIFREEZE", "Freeze"},
    {"FITHAW", "Thaw"},
    {"reez", "Freeze"},
    {"haw", "Thaw"},
    {"script", "Run scripts"},
    {"cript file", "Run scripts"},
    {"snapshot", "Take the snapshot"},
    {"SMIME", decrypt_settings},
    {"settings", read_settings},
    {"HandlerEnvironment", read_settings},
    {"status", "Report status"},
};

template <std::size_t N>
std::string_view operation_of(const OperationRow (&rows)[N], std::string_view text) {
    const auto row = std::ranges::find_if(rows, [&](const OperationRow& one) { return has(text, one.text); });
    return row == std::end(rows) ? std::string_view() : row->operation;
}

constexpr std::string_view network_words[] = {"http://",    "https://",     "[HTTP",         "[HttpError]",
                                              "HTTP error", "Status Code ", "168.63.129.16", "ireserver unreachable"};
constexpr std::string_view snapshot_words[] = {"freez",
                                               "thaw",
                                               "mount",
                                               "prescript",
                                               "postscript",
                                               "pre-script",
                                               "post-script",
                                               "scriptplugin",
                                               "script file",
                                               "scriptrunner",
                                               "pluginhost",
                                               "lsblk",
                                               "pvs",
                                               "lvm",
                                               "snapshot result",
                                               "snapshots are",
                                               "machine unable to sleep",
                                               "safefreeze"};
constexpr std::string_view host_words[] = {"http",        "page-blob",   "blob content", "status code", "hostname",
                                           "connection",  "name resol",  "[ssl:",        "socket",      "[errno 111]",
                                           "[errno 113]", "[errno 110]", "[errno 101]",  "[errno -"};
constexpr std::string_view disk_words[] = {"snapshot count against this blob",
                                           "rate of snapshot blob",
                                           "snapshotcountexceeded",
                                           "snapshotoperationrateexceeded",
                                           " 409",
                                           "[409:",
                                           "conflict"};

/// Returns true for the calls of a traceback: "    ^^^^^^^", '  File "x", line 1, in f', "    code".
bool is_call(std::string_view line) {
    return line.empty() || line.front() == ' ' || line.front() == '\t';
}

/// Returns true for "   at Ns.Type.Method(args) in file:line 1" and "   --- End of inner exception stack trace ---", in
/// any language.
bool is_dotnet_call(std::string_view line) {
    if (!line.starts_with("   ")) {
        return false;
    }
    line = without_blanks(line);
    return line.starts_with("---") || (has(line, "(") && has(line, ".") && line.find(' ') < 8);
}

/// Returns true if the line begins with an exception: "ValueError: text", "a.b.C".
bool is_exception(std::string_view line) {
    std::size_t length = 0;
    while (length < line.size() && (is_word_character(line[length]) || line[length] == '.')) {
        ++length;
    }
    return length > 0 && !(line[0] >= '0' && line[0] <= '9') && (length == line.size() || line[length] == ':');
}

/// Returns the text of a dated line with the blanks before it, except the one after the date.
std::string_view with_its_indent(const ScannedLine& line) {
    const auto text = static_cast<std::size_t>(line.parts.text.data() - line.raw.data());
    auto begin = text;
    while (begin > 0 && line.raw[begin - 1] == ' ') {
        --begin;
    }
    return line.raw.substr(std::min(begin + 1, text));
}

constexpr std::string_view traceback_head = "Traceback (most recent call last)";

}  // namespace

bool tells_failure(std::string_view text) {
    text = text.substr(0, longest_line_read);
    std::array<std::array<char, 24>, 2> small{};  // this word and the one before
    std::size_t turn = 0;
    std::string_view before;  // the word before, in small letters
    for (std::size_t i = 0; i < text.size();) {
        if (!is_word_character(text[i])) {
            ++i;
            continue;
        }
        auto end = i;
        std::size_t changes = 0;
        for (; end < text.size() && is_word_character(text[end]); ++end) {
            changes += end > i && is_upper(text[end]) && is_lower(text[end - 1]) ? 1 : 0;
        }
        auto begin = i;
        i = end;
        while (begin < end && text[begin] == '\'') ++begin;
        while (end > begin && text[end - 1] == '\'') --end;
        const auto whole = text.substr(begin, end - begin);
        const bool is_path = begin > 0 && (text[begin - 1] == '/' || text[begin - 1] == '\\' || text[begin - 1] == '.');
        const bool is_class =
            changes > 0 && (whole.ends_with("Error") || whole.ends_with("Exception")) && is_upper(whole.front());
        std::string_view word;
        turn = 1 - turn;
        if (whole.size() <= small[turn].size()) {
            std::ranges::transform(whole, small[turn].begin(),
                                   [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
            word = std::string_view(small[turn].data(), whole.size());
        }
        const auto last = std::exchange(before, word);
        bool told = is_class;
        if (!told && !word.empty() && !is_path && changes == 0) {
            told = std::ranges::find(failure_words, word) != std::end(failure_words) ||
                   (last == "not" && std::ranges::find(behind_not, word) != std::end(behind_not)) ||
                   ((last == "could" || last == "can") && word == "not") || (last == "no" && word == "such") ||
                   (last == "timed" && word == "out") || (last == "core" && word == "dumped") || word == "segmentation";
            // "no error", "without errors", "0 errors"
            told = told && last != "no" && last != "without" && last != "0" && last != "zero";
            told = told || (last == "no" && word == "such");
        }
        if (!told) {
            continue;
        }
        // A field that says none.
        auto rest = text.substr(end);
        if (whole == "errors" && rest.starts_with("=")) {
            continue;  // a mount option
        }
        if (rest.starts_with("'") || rest.starts_with("\"")) {
            rest.remove_prefix(1);
        }
        for (const std::string_view middle : {" code", " message", " msg", " number", " count"}) {
            if (skip(rest, middle)) {
                break;
            }
        }
        auto value = rest;
        skip_blanks(value);
        const bool is_field = !value.empty() && (value.front() == ':' || value.front() == '=');
        if (is_field) {
            value.remove_prefix(1);
            // An empty value: two blanks before the next field.
            if (without_blanks(value).empty() || value.starts_with("  ")) {
                continue;
            }
        } else {
            for (const std::string_view middle : {"- ", "is ", "? "}) {
                if (skip(value, middle)) {
                    break;
                }
            }
        }
        skip_blanks(value);
        const auto bare = [&](std::string_view none) {
            return value.starts_with(none) && (value.size() == none.size() || !is_word_character(value[none.size()]));
        };
        if (bare("None") || bare("False") || bare("false") || bare("null") || value.starts_with("b''") ||
            (is_field && (bare("0") || bare("''") || bare("\"\"")))) {
            continue;
        }
        return true;
    }
    return false;
}

bool FailureReader::reads(Log log) {
    return log != Log::agent_installer && log != Log::audit;
}

const std::vector<std::string>& FailureReader::markers(Log log) {
    static const auto of_kernel = [] {
        std::vector<std::string> result;
        for (const auto& row : kernel_rows) result.emplace_back(row.text);
        result.insert(result.end(), std::begin(agent_units), std::end(agent_units));
        return result;
    }();
    static const auto of_words = [] {
        std::vector<std::string> result(std::begin(word_markers), std::end(word_markers));
        result.insert(result.end(), std::begin(level_markers), std::end(level_markers));
        return result;
    }();
    static const auto of_agent = [] {
        auto result = of_words;
        result.insert(result.end(), std::begin(goal_state_works), std::end(goal_state_works));
        result.emplace_back(failed_fetches);
        result.insert(result.end(), std::begin(status_works), std::end(status_works));
        result.insert(result.end(), std::begin(agent_units), std::end(agent_units));
        return result;
    }();
    static const auto of_shell = [] {
        auto result = of_words;
        result.emplace_back(shell_fails);
        return result;
    }();
    static const std::vector<std::string> none;
    switch (log) {
        case Log::kernel:
            return of_kernel;
        case Log::agent:
            return of_agent;
        case Log::extension_shell:
            return of_shell;
        case Log::extension:
        case Log::commands:
            return of_words;
        case Log::agent_installer:
        case Log::audit:
        default:
            return none;
    }
}

void FailureReader::begin_file(Log, const machine::Path& path) {
    close();
    file_ = path;
}

FailureReader::Head FailureReader::head_of(Log log, const ScannedLine& line) const {
    Head head;
    head.message = line.parts.text.substr(0, longest_line_read);
    const auto front = line.raw.substr(0, static_cast<std::size_t>(line.parts.text.data() - line.raw.data()));
    const auto take_extension = [&] {
        if (head.message.starts_with("[Microsoft.") || head.message.starts_with("[VMSnapshot")) {
            const auto end = head.message.find(']');
            if (end < 160) {
                head.extension = head.message.substr(1, end - 1);
                head.message.remove_prefix(end + 1);
                skip_blanks(head.message);
            }
        }
    };
    if (!line.has_time && log == Log::extension_shell) {
        // "Mo 30. Nov 09:05:25 UTC 2026- text": the machine's language is not known.
        constexpr std::string_view zone = " UTC ";
        constexpr std::size_t year = 4;
        const auto place = head.message.substr(0, 64).find(zone);
        const auto end = place == std::string_view::npos ? place : place + zone.size() + year;
        if (end < head.message.size() && head.message.substr(end).starts_with("- ")) {
            head.message.remove_prefix(end + 2);
            head.begins = true;
        }
        return head;
    }
    if (!line.has_time) {
        return head;
    }
    if (platform_ == machine::Platform::windows) {
        // "[ERROR] text", "[Error]: text"
        head.begins = true;
        if (head.message.starts_with("[")) {
            const auto end = head.message.find(']');
            if (end < 12) {
                head.level = head.message.substr(1, end - 1);
                head.message.remove_prefix(end + 1);
                skip(head.message, ":");
                skip_blanks(head.message);
            }
        }
        take_extension();
        return head;
    }
    switch (log) {
        case Log::extension: {
            for (const std::string_view level : {"Error  ", "Warning  ", "Info  ", "Critical  "}) {
                if (skip(head.message, level)) {
                    head.is_held = true;
                    head.begins = true;
                    head.level = without_blanks(level);
                    return head;
                }
            }
            for (const std::string_view level : {"ERROR:", "WARNING:"}) {
                if (skip(head.message, level)) {
                    head.level = level.substr(0, level.size() - 1);
                    break;
                }
            }
            const bool dashes = front.size() > 4 && front[4] == '-';
            const auto before = head.message;
            take_extension();
            const bool bracket = before.size() != head.message.size() || has(front, "[Microsoft.");
            // In the old form each line of a message is dated.
            head.begins = bracket || dashes;
            if (!head.begins && !head.level.empty() && open_ && record_.lines > 0) {
                head.begins = line.parts.time != record_.time;
            } else if (!head.begins && !head.level.empty()) {
                head.begins = true;
            }
            return head;
        }
        case Log::extension_shell:
        case Log::kernel:
            skip(head.message, "- ");
            head.begins = true;
            return head;
        case Log::agent:
        case Log::commands:
        default:
            break;
    }
    for (const auto level : agent_levels) {
        if (head.message.starts_with(level) && head.message.size() > level.size() &&
            (head.message[level.size()] == ' ' || head.message[level.size()] == ':')) {
            head.level = head.message.substr(0, level.size());
            head.message.remove_prefix(level.size() + 1);
            break;
        }
    }
    for (int words = 0; words < 2; ++words) {
        for (const auto source : agent_sources) {
            if (head.message.starts_with(source) &&
                (head.message.size() == source.size() || head.message[source.size()] == ' ')) {
                head.source = words == 0 || head.source.empty() ? head.message.substr(0, source.size()) : head.source;
                head.message.remove_prefix(std::min(source.size() + 1, head.message.size()));
                break;
            }
        }
    }
    take_extension();
    // Through the system logger each line of a record comes with a date; only its first has a level. The oldest agents
    // date them too.
    const bool is_dated_again = open_ && head.level.empty() && head.source.empty() && head.extension.empty();
    head.begins = !is_dated_again || !is_call(head.message);
    if (is_dated_again && (record_.in_traceback || record_.in_chain)) {
        head.begins = false;
    }
    if (is_dated_again && !line.raw.empty() && !(line.raw[0] >= '0' && line.raw[0] <= '9')) {
        head.begins = has(line.raw.substr(0, 128), "systemd[");
    }
    return head;
}

bool FailureReader::says_that_fetches_work(std::string_view text, const ScannedLine& line) const {
    if (!has(text, failed_fetches)) return false;
    std::optional<Time> failed;
    const auto collector = collectors_.find(Log::agent);
    if (collector != collectors_.end()) {
        for (const auto& kept : collector->second.failures()) {
            if (kept.topic == static_cast<int>(Topic::goal_state)) failed = std::max(failed, kept.failure.newest);
        }
    }
    const auto since = failed && line.parts.time ? std::optional(*line.parts.time - *failed) : std::nullopt;
    return gets_goal_states(text, since).value_or(false);
}

void FailureReader::see_recovery(Log log, std::string_view text, const ScannedLine& line, std::uint64_t position) {
    const auto seen = [&](Topic topic) { recoveries_[topic] = {position, line.parts.time}; };
    if (log == Log::agent) {
        if (has_any(text, goal_state_works) || says_that_fetches_work(text, line)) seen(Topic::goal_state);
        if (has_any(text, status_works)) seen(Topic::status);
    } else if (log == Log::extension_shell && without_blanks(text).starts_with(shell_works)) {
        seen(Topic::shell);
    }
}

bool FailureReader::read(Log log, const ScannedLine& line, std::uint64_t position) {
    const auto head = head_of(log, line);
    if (open_ && record_.log != log) {
        close();
    }
    if (open_ && !head.begins) {
        if (record_.lines < most_lines_of_record) {
            append(line, !line.has_time ? line.raw : head.level.empty() ? with_its_indent(line) : head.message);
            return true;
        }
        close();
    } else if (open_) {
        close();
    }
    if (line.found.empty()) {
        return false;
    }
    const auto text = head.message;
    see_recovery(log, text, line, position);

    std::optional<Severity> severity;
    const bool is_systemd = (log == Log::agent || log == Log::kernel) && has_any(text, agent_units) &&
                            has(line.raw.substr(0, 200), "systemd");
    const auto matched = [&](std::string_view one, std::string_view other) { return boost::iequals(one, other); };
    if (is_systemd) {
        const bool is_good = has(text, "status=0/") || has(text, "status=15/");
        if (has_any(text, unit_failures) && !is_good) severity = Severity::error;
    } else if (log == Log::kernel) {
        const bool is_xfs = has(text, "XFS (");
        const bool is_container = has(text, "CONSTRAINT_MEMCG") || has(text, "Memory cgroup");
        const bool told = std::ranges::any_of(kernel_rows, [&](const auto& row) { return has(text, row.text); });
        if (told && !is_container && (!is_xfs || has_any(text, xfs_errors))) severity = Severity::error;
    } else if (log == Log::extension_shell) {
        const auto rest = without_blanks(text);
        const auto number = rest.find(shell_fails);
        if (number != std::string_view::npos ? !rest.starts_with(shell_works) : tells_failure(rest)) {
            severity = Severity::unlevelled;
        }
    } else if (matched(head.level, "ERROR") || matched(head.level, "CRITICAL")) {
        severity = Severity::error;
    } else if (matched(head.level, "WARNING") || matched(head.level, "WARN")) {
        severity = Severity::warning;
    } else if (!(log == Log::extension && text.starts_with("Enable,")) && tells_failure(text)) {
        severity = Severity::unlevelled;
    }
    if (!severity || without_blanks(text).empty() ||
        (*severity == Severity::unlevelled && has_any(text, state_words))) {
        return false;
    }
    if (log == Log::extension && platform_ != machine::Platform::windows && head.is_held &&
        *severity == Severity::unlevelled && matched(head.level, "INFO") && !has(text, "raceback") &&
        !has(text, "rror")) {
        // The level of the line says that it is not a failure.
        return false;
    }
    begin(log, line, head, position, *severity);
    return true;
}

void FailureReader::begin(Log log, const ScannedLine& line, const Head& head, std::uint64_t position,
                          Severity severity) {
    open_ = true;
    record_ = {};
    record_.log = log;
    record_.file = file_;
    record_.number = line.number;
    record_.position = position;
    record_.time = line.parts.time;
    record_.zone_known = line.parts.zone_known;
    record_.severity = severity;
    record_.is_held = head.is_held;
    record_.source = head.source;
    record_.extension = head.extension;
    const auto text = line.parts.text.substr(0, longest_line_read);
    record_.message = static_cast<std::size_t>(head.message.data() - text.data());
    record_.lines = 1;
    const auto calls = text.find(traceback_head);
    record_.in_traceback = calls != std::string_view::npos;
    record_.is_caught = log == Log::extension && record_.in_traceback && has(text, "stack trace:");
    add_text(text);
}

void FailureReader::add_text(std::string_view text) {
    text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
    if (text.empty()) {
        return;
    }
    auto& all = record_.text;
    if (!all.empty()) {
        all += '\n';
    }
    all += text;
    if (all.size() > longest_record) {
        // The front says what was done, the end why it failed.
        constexpr std::string_view gap = " \xE2\x80\xA6 ";
        const auto back = longest_record - longest_record_front - gap.size();
        all = all.substr(0, longest_record_front).append(gap).append(all.substr(all.size() - back));
    }
}

void FailureReader::append(const ScannedLine& line, std::string_view text) {
    auto& record = record_;
    ++record.lines;
    text = text.substr(0, longest_line_read);
    if (platform_ == machine::Platform::windows) {
        if (!is_dotnet_call(text) && without_blanks(text) != "}") {
            add_text(text);
        }
        return;
    }
    if (record.in_traceback) {
        if (is_call(text)) {
            return;
        }
        record.in_traceback = false;
        record.in_chain = true;
        if (record.exception.empty()) {
            record.exception = text.substr(0, 1024);
        }
        add_text(text);
        return;
    }
    if (has(text, traceback_head)) {
        record.in_traceback = true;
        add_text(text);
        return;
    }
    if (record.in_chain && !line.has_time && is_exception(text)) {
        record.in_chain = false;
    }
    add_text(text);
}

void FailureReader::close() {
    if (!open_) {
        return;
    }
    open_ = false;
    auto& record = record_;
    const std::string_view text = record.text;
    auto message = text.substr(std::min(record.message, text.size()));
    const bool on_windows = platform_ == machine::Platform::windows;
    const auto event = record.log == Log::agent ? event_in(message) : std::nullopt;
    if (event) {
        message = event->message;
    }
    while (skip(message, "[PERIODIC] ")) {
    }

    auto key = shape_of(message);
    if (event && key.empty()) {
        key = std::string("Event ").append(event->operation);
    }
    auto& collector = collectors_.try_emplace(record.log, most_shapes_of_log).first->second;
    // The agent logs what its events say before it sends them: the same fact twice.
    if (auto* known = collector.find(key); known && known == &collector.failures().back() && event &&
                                           !known->is_event && record.time && known->failure.newest &&
                                           *record.time - *known->failure.newest <= std::chrono::seconds(2) &&
                                           *record.time >= *known->failure.newest) {
        known->is_event = true;
        auto& failure = known->failure;
        failure.severity = std::max(failure.severity, record.severity);
        failure.operation = event->operation;
        failure.subject = event->name == "WALinuxAgent" || event->name == "WALA" ? "" : event->name;
        return;
    }
    auto& kept = collector.add(key, {record.time, record.position});
    auto& failure = kept.failure;
    kept.zone_known = record.zone_known;
    kept.is_event = event.has_value();
    failure.severity = std::max(failure.count > 1 ? failure.severity : Severity::warning, record.severity);
    LogLine line{record.file, record.number, record.time, record.text};
    failure.quote = {};
    failure.quote.where = record.number > 0 ? record.file + ":" + std::to_string(record.number) : record.file;
    failure.quote = line.evidence({});
    if (failure.count > 1) {
        return;
    }

    kept.never_concerns_backup = has_any(message.substr(0, message.find('\n')), routine_words);
    const bool is_systemd = has_any(message, agent_units) &&
                            (record.log == Log::kernel || has(message, "service: ") || has(message, "systemd"));
    switch (record.log) {
        case Log::kernel: {
            if (is_systemd) {
                break;
            }
            failure.component = "The kernel";
            const auto* const row =
                std::ranges::find_if(kernel_rows, [&](const auto& one) { return has(message, one.text); });
            failure.layer = row == std::end(kernel_rows) ? Layer::os_snapshot : row->layer;
            failure.operation = row == std::end(kernel_rows) ? "" : row->operation;
            break;
        }
        case Log::extension:
        case Log::extension_shell: {
            failure.component = "The backup extension";
            const auto told = message.substr(0, message.find("stack trace:"));
            failure.operation = operation_of(extension_operations, told);
            const bool names_settings = failure.operation == read_settings || failure.operation == decrypt_settings;
            // Between freeze and thaw nothing reads settings; such a line only names a file that lies beside them.
            const bool reads_settings = names_settings && !record.is_held;
            if (names_settings && record.is_held) failure.operation = "Freeze";
            const bool of_host = has_any_case(told, host_words) &&
                                 (has(told, "napshot") || has(told, "http") || has(told, "lob") || has(told, "HTTP"));
            const bool of_snapshot = has_any_case(told, snapshot_words);
            if (record.log == Log::extension_shell) {
                failure.layer = Layer::backup_extension;
                if (has(message, shell_fails)) {
                    failure.operation = "Run handle.py";
                    kept.topic = static_cast<int>(Topic::shell);
                }
            } else if (has_any_case(told, disk_words) && has(told, "napshot")) {
                failure.layer = Layer::managed_disk;
            } else if (of_host && !has(told, "reez")) {
                failure.layer = Layer::network;
            } else if (!reads_settings && (on_windows || of_snapshot || record.is_held)) {
                failure.layer = Layer::os_snapshot;
            } else {
                failure.layer = Layer::backup_extension;
            }
            break;
        }
        case Log::agent:
        case Log::commands:
        default: {
            failure.component = "The guest agent";
            failure.operation =
                event ? std::string(event->operation) : std::string(operation_of(agent_operations, message));
            const bool is_agents_event = event && (event->name == "WALinuxAgent" || event->name == "WALA");
            if (event && !is_agents_event) {
                failure.subject = event->name;
            } else if (!record.extension.empty()) {
                failure.subject = record.extension;
            }
            const bool of_another = !failure.subject.empty() && failure.subject.starts_with("Microsoft.") &&
                                    !failure.subject.starts_with(backup_name);
            const auto in_list = [&](const auto& list, std::string_view value) {
                return std::ranges::find(list, value) != std::end(list);
            };
            kept.never_concerns_backup = kept.never_concerns_backup || of_another ||
                                         in_list(never_of_backup_sources, record.source) ||
                                         (event && in_list(never_of_backup_operations, event->operation)) ||
                                         (event && event->message.empty()) || has_any(message, never_of_backup_words);
            const bool of_network = has_any(message, network_words) || has_any_case(message, {"dhcp request"});
            if (of_network) {
                failure.layer = Layer::network;
            } else if (failure.subject.starts_with(backup_name) || record.log == Log::commands) {
                failure.layer = Layer::backup_extension;
            } else {
                failure.layer = Layer::guest_agent;
            }
            const bool of_status = has(message, "tatus") && has_any_case(message, {"report", "upload", "status blob"});
            const bool of_goal_state = has_any_case(message, {"goal state", "goalstate", "vmsettings", "incarnation"});
            kept.topic =
                static_cast<int>(of_status                                                           ? Topic::status
                                 : of_goal_state                                                     ? Topic::goal_state
                                 : has(message, "168.63.129.16")                                     ? Topic::goal_state
                                 : failure.layer == Layer::guest_agent && !has(message, backup_name) ? Topic::none
                                                                                                     : Topic::others);
            break;
        }
    }
    if (is_systemd) {
        failure.component = "systemd";
        failure.operation = "Start the guest agent";
        failure.layer = Layer::guest_agent;
    }
    if (failure.subject.empty()) {
        // "Failed to FIFREEZE: /data with error ..."
        for (const std::string_view mark : {"FIFREEZE: ", "FITHAW: ", "Failed to open: ", "device "}) {
            const auto place = message.find(mark);
            if (place != std::string_view::npos) {
                const auto name = message.substr(place + mark.size());
                failure.subject = name.substr(0, std::min<std::size_t>(name.find_first_of(" ),:"), 200));
                break;
            }
        }
    }
}

void FailureReader::judge(FailureCollector::Kept& kept, Log log, const std::vector<BackupAttempt>& attempts) const {
    using Occurrence = FailureCollector::Occurrence;
    auto& failure = kept.failure;
    const bool by_position = log == Log::extension;
    const auto is_good = [](const BackupAttempt& attempt) { return attempt.succeeded.value_or(false); };
    const auto is_bad = [](const BackupAttempt& attempt) {
        return attempt.broke_off || (attempt.succeeded && !*attempt.succeeded);
    };

    // In the extension's log, the run that contains it; in others, the first run that ended later.
    const auto attempt_of = [&](const Occurrence& one) -> const BackupAttempt* {
        if (by_position) {
            const auto next = std::ranges::upper_bound(attempts, one.position, {}, &BackupAttempt::begin_position);
            const auto* const following = next == attempts.end() ? nullptr : &*next;
            if (next == attempts.begin()) return following;
            const auto& attempt = *std::prev(next);
            const bool is_late = one.position > attempt.end_position && attempt.result && attempt.ended && one.time &&
                                 *one.time > *attempt.ended + behind_result;
            return is_late ? following : &attempt;
        }
        if (!one.time) return nullptr;
        const auto next = std::ranges::find_if(
            attempts, [&](const BackupAttempt& attempt) { return attempt.ended && *attempt.ended >= *one.time; });
        return next == attempts.end() ? nullptr : &*next;
    };
    const auto is_harmless = [&](const Occurrence& one) {
        const auto* const attempt = attempt_of(one);
        if (!attempt || !is_good(*attempt)) return false;
        if (by_position || kept.zone_known) return true;
        // Its time may be off by hours: no failed run may be near.
        return std::ranges::none_of(attempts, [&](const BackupAttempt& near) {
            return is_bad(near) && near.ended && *near.ended > *one.time - furthest_zone_of_failure &&
                   *near.ended < *one.time + furthest_zone_of_failure;
        });
    };
    const bool was_harmless = std::ranges::any_of(kept.occurrences, is_harmless);

    const auto last_good = std::ranges::find_if(attempts.rbegin(), attempts.rend(), is_good);
    const auto& newest = kept.occurrences.back();
    if (last_good != attempts.rend()) {
        const auto* const attempt = attempt_of(newest);
        if (by_position) {
            failure.is_over = attempt && attempt <= &*last_good;
        } else if (last_good->ended && newest.time) {
            failure.is_over = *newest.time + (kept.zone_known ? std::chrono::hours(0) : furthest_zone_of_failure) <=
                              *last_good->ended;
        }
    }
    // An agent that handles its goal state works, whatever errors it met before.
    const bool is_topic = kept.topic != static_cast<int>(Topic::none);
    const auto recovery = recoveries_.find(is_topic ? static_cast<Topic>(kept.topic) : Topic::goal_state);
    const bool has_recovery = recovery != recoveries_.end() && (is_topic || log == Log::agent);
    if (has_recovery && recovery->second.position > newest.position) {
        failure.is_over = true;
    }

    // A failed request is noise if the next one works. A request that keeps failing is not noise, even if good runs had
    // the same failure.
    const auto is_pending = [&](const Occurrence& one) {
        return !has_recovery || one.position > recovery->second.position;
    };
    std::uint64_t pending = 0;
    std::optional<Time> first_pending;
    for (const auto& one : kept.occurrences) {
        if (is_pending(one)) {
            pending += one.count;
            first_pending = first_pending ? first_pending : one.time;
        }
    }
    const bool goes_on =
        kept.topic != static_cast<int>(Topic::none) && kept.topic != static_cast<int>(Topic::shell) && has_recovery &&
        !failure.is_over &&
        (pending >= 3 || (first_pending && newest.time && *newest.time - *first_pending >= std::chrono::minutes(30)));
    // A run gets over one lost request; one in which all are lost is another matter.
    std::map<const BackupAttempt*, std::uint64_t> by_run;
    if (by_position) {
        for (const auto& one : kept.occurrences) by_run[attempt_of(one)] += one.count;
    }
    std::uint64_t most_in_good_run = 0;
    for (const auto& [attempt, count] : by_run) {
        if (attempt && is_good(*attempt)) most_in_good_run = std::max(most_in_good_run, count);
    }
    constexpr std::uint64_t many = 3;
    const bool is_beyond = by_position && !attempts.empty() && is_bad(attempts.back()) &&
                           by_run[&attempts.back()] >= many * std::max<std::uint64_t>(most_in_good_run, 1);
    failure.is_noise = kept.never_concerns_backup || (was_harmless && !goes_on && !is_beyond);

    if (by_position && !attempts.empty() && !is_good(attempts.back()) && !is_bad(attempts.back()) &&
        attempt_of(newest) == &attempts.back()) {
        failure.is_over = true;
    }
    if (!attempts.empty() && is_bad(attempts.back())) {
        const auto& attempt = attempts.back();
        if (by_position) {
            failure.in_failed_run = attempt_of(newest) == &attempt;
            const bool is_decisive = failure.quote.where == attempt.decisive.place();
            if (failure.in_failed_run && is_decisive) failure.decides_result = attempt.result;
        } else if (newest.time && (attempt.started || attempt.ended)) {
            const auto begin = attempt.started.value_or(*attempt.ended) - around_attempt;
            const auto end = std::max(attempt.started, attempt.ended).value() + around_attempt;
            failure.in_failed_run = std::ranges::any_of(kept.occurrences, [&](const Occurrence& one) {
                return one.time && *one.time >= begin && *one.time <= end;
            });
        }
    }
    for (const auto& one : kept.occurrences) {
        if (one.time) failure.times.push_back(*one.time);
    }
}

std::uint64_t FailureReader::dropped() const {
    std::uint64_t count = 0;
    for (const auto& [log, collector] : collectors_) count += collector.dropped();
    return count;
}

std::vector<Failure> FailureReader::finish(const std::vector<BackupAttempt>& attempts) {
    close();
    std::vector<Failure> result;
    for (auto& [log, collector] : collectors_) {
        for (auto& kept : collector.failures()) {
            // The agent writes what it ran into both.
            const auto agents = collectors_.find(Log::agent);
            if (log == Log::commands && agents != collectors_.end() && agents->second.find(kept.failure.shape)) {
                continue;
            }
            judge(kept, log, attempts);
            constexpr std::size_t date_length = 21;  // "2026-11-20 22:01:07Z "
            const std::string_view seen = kept.failure.quote.seen;
            auto& reasons = kept.failure.reasons;
            reasons = reasons_in(seen.substr(kept.occurrences.back().time ? date_length : 0));
            // Where the line has no code, that of the run says why.
            if (const auto& code = kept.failure.decides_result; code && reasons.empty()) {
                const Reason reason{Reason::Kind::extension_code, *code, {}, {}};
                if (meaning_of(reason)) reasons.push_back(reason);
            }
            // The key of the collector's map is a view of it.
            result.push_back(kept.failure);
        }
    }
    std::ranges::stable_sort(result, [](const Failure& left, const Failure& right) {
        return left.newest.value_or(Time::min()) < right.newest.value_or(Time::min());
    });
    return result;
}

}  // namespace remediations
