#include "remediations/knowledge/snapshot/freeze_failures.hpp"

#include <algorithm>
#include <utility>

namespace remediations {

namespace {

constexpr std::pair<std::string_view, MountFailure::Step> openings[] = {
    {"Failed to open: ", MountFailure::Step::open},
    {"Failed to stat: ", MountFailure::Step::status},
    {"Path not a directory: ", MountFailure::Step::not_a_directory},
    {"Failed to FIFREEZE: ", MountFailure::Step::freeze},
    {"Failed to FITHAW: ", MountFailure::Step::thaw},
};

constexpr std::pair<std::string_view, std::string_view> meanings[] = {
    {"Device or resource busy",
     "it was frozen already: the same file system through a second mount point, or by another program"},
    {"Input/output error", "the disk or the file system fails: see the kernel's log"},
    {"Structure needs cleaning", "the file system is damaged and must be checked unmounted"},
    {"No such file or directory", "the mount point is not there (hidden by another mount, gone, or spelled otherwise)"},
    {"Stale file handle", "the file system behind it is gone"},
    {"Transport endpoint is not connected", "the program that serves this file system has ended"},
    {"No such device or address", "its disk is gone"},
    {"No such device", "its disk is gone"},
    {"Operation not supported", "this file system cannot be frozen"},
    {"Inappropriate ioctl for device", "this file system cannot be frozen"},
    {"Operation not permitted", "security software or a missing capability forbids it"},
    {"Permission denied", "security software (SELinux, AppArmor) or the folder's permissions forbid it"},
    {"Read-only file system", "the file system is read-only, mostly after an error"},
    {"No space left on device", "the file system or its thin pool is full"},
    {"Invalid argument", "it is not frozen (any more)"},
    {"Cannot allocate memory", "the machine has no memory left"},
    {"Too many open files", "the process may not open more files"},
    {"Not a directory", "a part of the path is a file"},
    {"Too many levels of symbolic links", "the path leads in a circle"},
};

std::string_view without_trailing_blanks(std::string_view text) {
    const auto last = text.find_last_not_of(" \t\r\n");
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

std::optional<MountFailure> parse_mount_failure(const LogLine& line) {
    const std::string_view text = line.text;
    for (const auto& [opening, step] : openings) {
        const auto start = text.find(opening);
        if (start == std::string_view::npos) continue;
        const auto rest = without_trailing_blanks(text.substr(start + opening.size()));
        const auto mount_end = rest.rfind(" with error");
        const auto mount_point = without_trailing_blanks(rest.substr(0, mount_end));
        if (!mount_point.starts_with('/')) return std::nullopt;
        MountFailure failure{step, std::string(mount_point), {}, line};
        // "with error message: <reason>", "with error: -1 and error message: <reason>", "with error message : <reason>"
        constexpr std::string_view before_reason = "message";
        const auto message = mount_end == std::string_view::npos ? mount_end : rest.find(before_reason, mount_end);
        if (message != std::string_view::npos) {
            auto reason = rest.substr(message + before_reason.size());
            reason.remove_prefix(std::min(reason.find_first_not_of(": "), reason.size()));
            failure.reason = reason;
        }
        return failure;
    }
    return std::nullopt;
}

std::vector<LogPattern> mount_failure_patterns() {
    std::vector<LogPattern> patterns;
    for (const auto& [opening, step] : openings) patterns.push_back({Log::extension, std::string(opening)});
    return patterns;
}

std::vector<MountFailure> current_mount_failures(const machine::Machine& machine) {
    std::vector<MountFailure> failures;
    const auto add = [&](const LogLine& line) {
        auto failure = parse_mount_failure(line);
        const auto is_same = [&](const auto& one) {
            return one.step == failure->step && one.mount_point == failure->mount_point;
        };
        if (failure && std::ranges::none_of(failures, is_same)) failures.push_back(std::move(*failure));
    };
    const auto& log = machine.derived<LogEvidence>();
    const auto* newest = log.newest_attempt();
    if (newest != nullptr) {
        if (newest->succeeded == true) return failures;
        for (const auto& line : newest->freeze_failures) add(line);
    }
    for (const auto& [opening, step] : openings) {
        const auto* match = log.find_current(Log::extension, opening);
        const bool of_another_run = match && newest && newest->started && !belongs_to(match->newest, *newest);
        if (match != nullptr && !of_another_run) add(match->newest);
    }
    return failures;
}

std::string_view meaning_of_freeze_error(std::string_view reason) {
    const auto* known = std::ranges::find_if(meanings, [&](const auto& each) { return each.first == reason; });
    return known == std::end(meanings) ? std::string_view() : known->second;
}

const BackupAttempt* last_failed_backup(const machine::Machine& machine) {
    const auto* newest = machine.derived<LogEvidence>().newest_attempt();
    if (newest == nullptr || newest->succeeded == true) return nullptr;
    return newest->succeeded == false || !newest->decisive.file.empty() ? newest : nullptr;
}

bool last_backup_succeeded(const machine::Machine& machine) {
    const auto* newest = machine.derived<LogEvidence>().newest_attempt();
    return newest != nullptr && newest->succeeded == true;
}

Finding weighed_by_last_backup(Finding finding, const machine::Machine& machine) {
    return last_backup_succeeded(machine) ? std::move(finding).as_risk() : finding;
}

bool belongs_to(const LogLine& line, const BackupAttempt& attempt) {
    if (!line.time || !attempt.started) return true;  // nothing tells them apart
    return *line.time >= *attempt.started && (!attempt.ended || *line.time <= *attempt.ended);
}

}  // namespace remediations
