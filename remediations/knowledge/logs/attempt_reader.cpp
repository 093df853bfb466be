#include "remediations/knowledge/logs/attempt_reader.hpp"

#include <algorithm>
#include <charconv>

namespace remediations {
namespace {

using ErrorTopic = AttemptReader::ErrorTopic;

enum class LineMeaning {
    enable_begins,
    daemon_begins,
    nothing_to_do,
    step,
    result,
    pre_snapshot_status,
    do_snapshot_status,
    snapshot_method,
    snapshot_mode,
    snapshot_begins,
    restricted_network,
    freeze_failure,
    activity,  // of a run; no fault
    host_answer,
    python_error,
    request_failed,  // of the snapshot, or of an upload before it
    error,           // of Marker::kind
    phase,           // Windows: of Marker::phase
    windows_error,
    windows_result,
};

struct Marker {
    std::string_view text;
    LineMeaning meaning;
    ErrorTopic kind = ErrorTopic::other;
    BackupPhase phase = BackupPhase::none;
};

constexpr Marker error(std::string_view text, ErrorTopic kind) {
    return {text, LineMeaning::error, kind};
}

constexpr Marker phase(std::string_view text, BackupPhase phase) {
    return {text, LineMeaning::phase, ErrorTopic::other, phase};
}

// The extension's texts (Azure/azure-linux-extensions, VMBackup/main) since 2016, with its spelling.
constexpr Marker linux_markers[] = {
    // One process takes the command and starts another, which does the backup.
    {"starting enable", LineMeaning::enable_begins},
    {"starting to enable", LineMeaning::enable_begins},
    {"starting daemon", LineMeaning::daemon_begins},
    {"sequence number are same, so skip", LineMeaning::nothing_to_do},
    {"TaskId is same as last, so skip", LineMeaning::nothing_to_do},
    {"****** ", LineMeaning::step},
    {"Enable,", LineMeaning::result},

    {"PreSnapshot: Status Code: ", LineMeaning::pre_snapshot_status},
    {"hostStatusCodePreSnapshot=", LineMeaning::pre_snapshot_status},
    {"hostStatusCodeDoSnapshot=", LineMeaning::do_snapshot_status},
    {"snapshotMethodConfigValue : ", LineMeaning::snapshot_method},
    {"Setting the snapshot mode to ", LineMeaning::snapshot_mode},
    {"doing snapshot now", LineMeaning::snapshot_begins},
    {"doing snapshotall now", LineMeaning::snapshot_begins},
    {"start calling the snapshot rest api", LineMeaning::snapshot_begins},
    {"StatusCode.FailedRetryableSnapshotFailedRestrictedNetwork", LineMeaning::restricted_network},

    {"T:S freeze, timeout value ", LineMeaning::activity},
    {"Failed to open file or aquire lock:", LineMeaning::activity},
    {"Failed to FITHAW: ", LineMeaning::activity},
    {"Failed to FIFREEZE: ", LineMeaning::freeze_failure},
    {"Failed to open: ", LineMeaning::freeze_failure},
    {"Failed to stat: ", LineMeaning::freeze_failure},
    {"Path not a directory: ", LineMeaning::freeze_failure},
    error("freeze took longer than timeout", ErrorTopic::freeze),
    error("Failed to receive timely Thaw from parent process", ErrorTopic::freeze),
    error("Inconsistent snapshot because of SLEEP failure", ErrorTopic::freeze),
    error("Mount Points already freezed by some other processor", ErrorTopic::lock),

    error("Command result was ", ErrorTopic::certificate),
    error("unable to load certificate", ErrorTopic::certificate),

    error("safefreeze binary is missing", ErrorTopic::precondition),
    error("CRP timeout limit has reached", ErrorTopic::precondition),
    error("Invalid Input. IsAnyDiskExcluded", ErrorTopic::precondition),
    error("required field empty or not correct", ErrorTopic::precondition),
    error("command is not correct", ErrorTopic::precondition),
    error("Failing backup as OnAppFailureDoFsFreeze", ErrorTopic::precondition),
    error("Plugin Host Precheck Failed", ErrorTopic::precondition),
    error("PreScript failed for the plugin", ErrorTopic::precondition),
    error("PostScript failed for the plugin", ErrorTopic::precondition),
    error("Workload Patch failed with error message", ErrorTopic::precondition),
    error("Failed to call the daemon with error: ", ErrorTopic::precondition),
    error("Failed to enable the extension with error: ", ErrorTopic::precondition),

    error("T:S snapshot result: errorcode", ErrorTopic::snapshot),
    error("IsSuccessful:False", ErrorTopic::snapshot),
    error("snapshot HttpCallGetResponse failed", ErrorTopic::snapshot),
    error("Failed to do the snapshot with error: ", ErrorTopic::snapshot),
    error("Failed to do the snapshot because", ErrorTopic::snapshot),
    error("taking snapshot failed as blobs are empty", ErrorTopic::snapshot),
    error("Unable to perform parallel snapshot with error: ", ErrorTopic::snapshot),
    error("Unable to perform sequential snapshot with error: ", ErrorTopic::snapshot),
    error("The rate of snapshot blob calls is exceeded", ErrorTopic::snapshot),
    error("The snapshot count against this blob has been exceeded", ErrorTopic::snapshot),
    {"Failed to call http with error: ", LineMeaning::request_failed},

    error("dosnapshot Hitting wrong WireServer IP", ErrorTopic::host),
    error("presnapshot Hitting wrong WireServer IP", ErrorTopic::host),
    error("BHS is not runnning on host machine", ErrorTopic::host),
    error("responseBody is empty but http status code is success", ErrorTopic::host),
    error("Failed to do the snapshot in host with error: ", ErrorTopic::host),
    error("Failed to do the pre snapshot in host with error: ", ErrorTopic::host),
    {"dosnapshot responseBody: ", LineMeaning::host_answer},

    error(", stack trace: ", ErrorTopic::exception),
    {"Error: ", LineMeaning::python_error},
    {"Exception: ", LineMeaning::python_error},

    error("  Error  ", ErrorTopic::other),
    error("ERROR:", ErrorTopic::other),

    error("Enable failed", ErrorTopic::last_word),
    error("freeze failed for some mount", ErrorTopic::last_word),
    error("file open failed for some mount", ErrorTopic::last_word),
    error("freeze timed-out", ErrorTopic::last_word),
    error("snapshot result inconsistent", ErrorTopic::last_word),
    error("T:S Machine unable to sleep", ErrorTopic::last_word),
    error("Snapshots are inconsistent", ErrorTopic::last_word),
};

constexpr Marker windows_markers[] = {
    phase("Loading configuration {", BackupPhase::configuration),
    phase("VCRedist installation state", BackupPhase::visual_cpp_runtime),
    phase("Service is running now", BackupPhase::services),
    phase("Service is not stopped", BackupPhase::services),
    phase("IsCommonProviderDllInstalled", BackupPhase::provider),
    phase("Provider installed successfully", BackupPhase::provider),
    phase("Registered the provider with VSS", BackupPhase::provider),
    phase("Install provider failed", BackupPhase::provider),
    phase("Waiting for GatherWriterMetadata", BackupPhase::writer_metadata),
    phase("Adding drive to snapshotset", BackupPhase::snapshot_set),
    phase("Waiting for GatherWriterStatusPreBackup", BackupPhase::writer_status),
    phase("Waiting for PrepareForBackup", BackupPhase::prepare),
    phase("Waiting for DoSnapshotSet", BackupPhase::volume_snapshot),
    phase("Waiting for BackupComplete", BackupPhase::backup_complete),
    phase("DoSnapshotHost=complete", BackupPhase::host_snapshot),
    {"DoSnapshot=complete", LineMeaning::windows_result},
    {"[Error]", LineMeaning::windows_error},
    // At any level: "{Exception = System.Runtime.InteropServices.COMException (0x80110401)".
    {"Exception (0x", LineMeaning::windows_error},
};

std::span<const Marker> markers_of(machine::Platform platform) {
    if (platform == machine::Platform::windows) {
        return windows_markers;
    }
    return linux_markers;
}

std::string_view behind(const ScannedLine& line, const ScannedLine::Found& found) {
    return line.raw.substr(found.end);
}

std::optional<int> leading_number(std::string_view text) {
    int value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    return read.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

std::string leading_word(std::string_view text) {
    std::size_t length = 0;
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (length < text.size() && length < 40 && is_letter(text[length])) {
        ++length;
    }
    return std::string(text.substr(0, length));
}

/// Returns the kinds of error that can lead to a result, the likeliest first; all others follow.
std::vector<ErrorTopic> kinds_behind(std::optional<int> result) {
    switch (result.value_or(2)) {
        case 16:
            return {ErrorTopic::certificate, ErrorTopic::precondition};
        case 15:
        case 76:
        case 85:
        case 173:
        case 761:
            return {ErrorTopic::snapshot, ErrorTopic::host, ErrorTopic::exception};
        case 556:
            return {ErrorTopic::host, ErrorTopic::snapshot, ErrorTopic::exception};
        case 121:
        case 122:
        case 123:
            return {ErrorTopic::freeze, ErrorTopic::lock, ErrorTopic::exception};
        case 2:
        case 12:
            return {ErrorTopic::freeze, ErrorTopic::snapshot, ErrorTopic::precondition, ErrorTopic::exception};
        default:
            return {ErrorTopic::precondition};
    }
}

/// Returns true if only a run of the extension writes such a line.
bool tells(LineMeaning meaning) {
    switch (meaning) {
        case LineMeaning::step:
        case LineMeaning::snapshot_begins:
        case LineMeaning::restricted_network:
        case LineMeaning::freeze_failure:
        case LineMeaning::activity:
        case LineMeaning::request_failed:
        case LineMeaning::error:
            return true;
        default:
            return false;
    }
}

bool has_prefix(const ScannedLine& line) {
    return line.parts.text.data() != line.raw.data();
}

/// Returns true if the line comes too late: what a run logs after its result comes at once.
bool is_late(const ScannedLine& line, const BackupAttempt& attempt) {
    constexpr auto soon = std::chrono::minutes(5);
    if (!line.parts.time || !attempt.ended) {
        return false;
    }
    const auto gap = *line.parts.time - *attempt.ended;
    return gap > soon || gap < -soon;
}

constexpr ErrorTopic any_kind[] = {ErrorTopic::freeze,      ErrorTopic::lock,         ErrorTopic::snapshot,
                                   ErrorTopic::host,        ErrorTopic::precondition, ErrorTopic::exception,
                                   ErrorTopic::certificate, ErrorTopic::other,        ErrorTopic::last_word};

}  // namespace

const std::vector<std::string>& AttemptReader::markers(machine::Platform platform) {
    const auto texts = [](machine::Platform of) {
        std::vector<std::string> result;
        for (const auto& marker : markers_of(of)) {
            result.emplace_back(marker.text);
        }
        return result;
    };
    static const auto on_linux = texts(machine::Platform::linux);
    static const auto on_windows = texts(machine::Platform::windows);
    return platform == machine::Platform::windows ? on_windows : on_linux;
}

bool AttemptReader::is_last_word(std::string_view line) {
    // "Enable,error,2,": the agent writes "op=Enable, message=" of anything.
    constexpr std::string_view results[] = {"Enable,success,", "Enable,error,", "Enable,transitioning,",
                                            "Enable,warning,"};
    const auto is_in_line = [&](std::string_view text) { return line.find(text) != std::string_view::npos; };
    return std::ranges::any_of(results, is_in_line) || std::ranges::any_of(linux_markers, [&](const Marker& marker) {
               return marker.kind == ErrorTopic::last_word && is_in_line(marker.text);
           });
}

void AttemptReader::begin_file(const machine::Path& path) {
    file_ = path;
    new_file_ = true;
}

void AttemptReader::read(const ScannedLine& line, std::span<const ScannedLine::Found> found, std::uint64_t position) {
    if (found.empty()) {
        return;
    }
    const auto began = drafts_.size();
    position_ = position;
    const auto* over = !drafts_.empty() && is_of_another_run(line) ? &drafts_.back() : nullptr;
    for (const auto& place : found) {
        if (platform_ == machine::Platform::windows) {
            read_windows(line, place);
        } else {
            read_linux(line, place);
        }
    }
    if (drafts_.empty() || drafts_.size() < began) {
        return;  // the line says that there was no attempt
    }
    if (&drafts_.back() == over) {
        return;
    }
    auto& attempt = drafts_.back().attempt;
    attempt.ended = line.parts.time ? line.parts.time : attempt.ended;
    attempt.end_position = position;
}

bool AttemptReader::extend(const ScannedLine& line, std::uint64_t position) {
    if (drafts_.empty()) {
        return false;
    }
    auto& attempt = drafts_.back().attempt;
    if (attempt.result && is_late(line, attempt)) {
        return false;
    }
    attempt.end_position = std::max(attempt.end_position, position);
    return true;
}

void AttemptReader::begin_attempt(const ScannedLine& line) {
    // Keeps one more than is returned, so that an attempt that turns out not to be one does not displace an older one.
    if (drafts_.size() > most_attempts) {
        drafts_.pop_front();
    }
    auto& draft = drafts_.emplace_back();
    draft.attempt.started = line.parts.time;
    draft.attempt.begin_position = position_;
    draft.has_prefix = has_prefix(line);
}

/// Returns true if the line belongs to a new run. A log can begin in the middle of a run, or lack a run's first lines.
/// The lines that a run logs after its result come at once.
bool AttemptReader::is_of_another_run(const ScannedLine& line) const {
    const auto& draft = drafts_.back();
    if (!draft.attempt.result) {
        return false;
    }
    if (continues_) {
        return false;
    }
    if (has_prefix(line) != draft.has_prefix) {
        return draft.has_prefix;
    }
    return is_late(line, draft.attempt);
}

void AttemptReader::add_error(ErrorTopic kind, const ScannedLine& line, const ScannedLine::Found& found) {
    auto& draft = drafts_.back();
    auto& first = draft.first_error[static_cast<std::size_t>(kind)];
    if (!first && !draft.attempt.result) {
        first = line.to_log_line(file_, found, markers_of(platform_)[found.pattern].text.size());
    }
}

void AttemptReader::add_freeze_failure(const ScannedLine& line, const ScannedLine::Found& found) {
    add_error(ErrorTopic::freeze, line, found);
    auto& failures = drafts_.back().attempt.freeze_failures;
    if (failures.size() >= most_freeze_failures) {
        return;
    }
    // "<mount> with error message: <reason>", "<mount> with error: -1 and error message: <reason>", "<mount>"
    const auto text = behind(line, found);
    const auto mount_end = std::min(text.rfind(" with error"), text.find_last_not_of(" \t") + 1);
    constexpr std::string_view before_reason = "error message:";
    const auto reason = text.find(before_reason, mount_end);
    FreezeFailure failure{line.to_log_line(file_, found, markers_of(platform_)[found.pattern].text.size()), {}, {}};
    failure.mount = printable(text.substr(0, mount_end));
    if (reason != std::string_view::npos) {
        auto words = text.substr(reason + before_reason.size());
        words.remove_prefix(std::min(words.find_first_not_of(' '), words.size()));
        failure.reason = printable(words);
    }
    failures.push_back(std::move(failure));
}

void AttemptReader::read_result(const ScannedLine& line, const ScannedLine::Found& found) {
    // "Enable,<status>,<code>,<text>", with ",True" or ",False" behind it in newer versions.
    auto text = behind(line, found);
    const auto status_end = text.find(',');
    if (status_end == std::string_view::npos) {
        return;
    }
    const auto status = text.substr(0, status_end);
    text.remove_prefix(status_end + 1);
    const auto code = leading_number(text);
    const auto code_end = text.find(',');
    constexpr int already_processed = 3;
    constexpr int still_at_work = 4;
    if (!code || code_end == std::string_view::npos || status == "transitioning" || *code == still_at_work ||
        *code == already_processed) {
        return;
    }
    if (drafts_.empty() || is_of_another_run(line)) {
        begin_attempt(line);
    }
    add_error(ErrorTopic::last_word, line, found);
    text.remove_prefix(code_end + 1);
    for (const std::string_view flag : {",True", ",False"}) {
        if (text.ends_with(flag)) {
            text.remove_suffix(flag.size());
        }
    }
    auto& attempt = drafts_.back().attempt;
    attempt.result = code;
    attempt.result_text = printable(text);
    attempt.succeeded = *code == 0 || *code == 1;
}

void AttemptReader::read_linux(const ScannedLine& line, const ScannedLine::Found& found) {
    const auto& marker = linux_markers[found.pattern];
    const auto number = leading_number(behind(line, found));
    if (marker.meaning == LineMeaning::enable_begins) {
        begin_attempt(line);
        daemon_began_ = false;
        return;
    }
    if (marker.meaning == LineMeaning::daemon_begins) {
        // The daemon says so more than once.
        const bool next =
            drafts_.empty() || drafts_.back().attempt.result || (daemon_began_ && drafts_.back().attempt.last_step > 0);
        if (next) {
            begin_attempt(line);
        }
        daemon_began_ = true;
        return;
    }
    if (marker.meaning == LineMeaning::result) {
        read_result(line, found);
        return;
    }
    const bool tells_of_a_run = tells(marker.meaning) && (marker.meaning != LineMeaning::step || number);
    if (tells_of_a_run && (drafts_.empty() || is_of_another_run(line))) {
        begin_attempt(line);
        drafts_.back().attempt.begins_unseen = true;
    }
    if (drafts_.empty()) {
        return;
    }
    auto& draft = drafts_.back();
    auto& attempt = draft.attempt;
    switch (marker.meaning) {
        case LineMeaning::nothing_to_do:
            // The run before it may still be at work: it is the current one again.
            if (!daemon_began_) {
                drafts_.pop_back();
                daemon_began_ = true;
            }
            break;
        case LineMeaning::step:
            if (number && *number >= 1 && *number <= 9) {
                attempt.last_step = std::max(attempt.last_step, *number);
                draft.snapshot_began = draft.snapshot_began || *number == 5;
            }
            break;
        case LineMeaning::pre_snapshot_status:
            attempt.host_pre_snapshot = number;
            break;
        case LineMeaning::do_snapshot_status:
            attempt.host_do_snapshot = number;
            break;
        case LineMeaning::snapshot_method:
        case LineMeaning::snapshot_mode:
            attempt.snapshot_method = leading_word(behind(line, found));
            break;
        case LineMeaning::snapshot_begins:
            draft.snapshot_began = true;
            break;
        case LineMeaning::restricted_network:
            draft.restricted_network = true;
            break;
        case LineMeaning::freeze_failure:
            add_freeze_failure(line, found);
            break;
        case LineMeaning::host_answer:
            if (behind(line, found).starts_with("{ \"error\"")) {
                add_error(ErrorTopic::host, line, found);
            }
            break;
        case LineMeaning::python_error: {
            // "TypeError: ...", the last line of a traceback.
            const auto name = line.raw.substr(0, found.end - 2);
            const auto text_begin = static_cast<std::size_t>(line.parts.text.data() - line.raw.data());
            if (text_begin < name.size() && name.find_first_of(" ,;=([{'\"", text_begin) == std::string_view::npos) {
                add_error(ErrorTopic::exception, line, found);
            }
            break;
        }
        case LineMeaning::request_failed:
            add_error(draft.snapshot_began ? ErrorTopic::snapshot : ErrorTopic::exception, line, found);
            break;
        case LineMeaning::error:
            add_error(marker.kind, line, found);
            break;
        case LineMeaning::activity:
        default:
            break;
    }
}

void AttemptReader::read_windows(const ScannedLine& line, const ScannedLine::Found& found) {
    const auto& marker = windows_markers[found.pattern];
    if (new_file_ || drafts_.empty() ||
        (marker.phase == BackupPhase::configuration && drafts_.back().attempt.phase > BackupPhase::configuration)) {
        begin_attempt(line);
        new_file_ = false;
    }
    auto& attempt = drafts_.back().attempt;
    switch (marker.meaning) {
        case LineMeaning::phase:
            attempt.phase = std::max(attempt.phase, marker.phase);
            break;
        case LineMeaning::windows_error: {
            const bool tells_why = line.raw.find("Exception") != std::string_view::npos ||
                                   line.raw.find("0x8", found.end) != std::string_view::npos;
            add_error(tells_why ? ErrorTopic::exception : ErrorTopic::other, line, found);
            break;
        }
        case LineMeaning::windows_result: {
            attempt.phase = BackupPhase::finished;
            const auto text = behind(line, found);
            const auto says = [&](std::string_view what) { return text.find(what) != std::string_view::npos; };
            attempt.succeeded =
                says("WaitResult:True") && says("AnySnapshotFailed:False") && says("AllSnapshotFailed:False");
            if (!*attempt.succeeded) {
                add_error(ErrorTopic::last_word, line, found);
            }
            break;
        }
        default:
            break;
    }
}

std::vector<BackupAttempt> AttemptReader::finish() && {
    if (drafts_.size() > most_attempts) {
        drafts_.pop_front();
    }
    std::vector<BackupAttempt> attempts;
    for (auto& draft : drafts_) {
        auto& attempt = draft.attempt;
        // Some disks failed, others not: the status has 76 for both, the log tells them apart.
        if (attempt.result == 76 && draft.restricted_network) {
            attempt.result = 761;
        }
        if (!attempt.succeeded.value_or(false)) {
            auto kinds = kinds_behind(attempt.result);
            kinds.insert(kinds.end(), std::begin(any_kind), std::end(any_kind));
            for (const auto kind : kinds) {
                if (auto& line = draft.first_error[static_cast<std::size_t>(kind)]) {
                    attempt.decisive = std::move(*line);
                    break;
                }
            }
        }
        attempts.push_back(std::move(attempt));
    }
    return attempts;
}

}  // namespace remediations
