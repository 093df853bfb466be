#include "remediations/knowledge/extension/last_run.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/find.hpp>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/backup_activity.hpp"
#include "remediations/knowledge/logs/log_line.hpp"

namespace remediations {

using machine::Machine;

namespace {

/// Log lines and file dates have the same clock, but the status is written around the time when the log begins.
constexpr auto tolerance = std::chrono::minutes(10);

/// Azure gives up after 140 minutes.
constexpr auto longest_backup = std::chrono::minutes(140);

bool is_hex_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Returns true if the text contains `word` and no digit follows it.
bool has_number(std::string_view text, const std::string& word) {
    for (auto rest = text;;) {
        const auto found = boost::algorithm::ifind_first(rest, word);
        if (found.empty()) return false;
        rest = std::string_view(found.end(), static_cast<std::size_t>(rest.end() - found.end()));
        if (rest.empty() || !is_hex_digit(rest.front())) return true;
    }
}

}  // namespace

LastRun::LastRun(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    for (const auto& each : logs.attempts()) {
        if (each.succeeded == true && each.ended) success_ = std::max(success_.value_or(*each.ended), *each.ended);
    }
    attempt_ = logs.newest_attempt();
    if (attempt_ && attempt_->phase == BackupPhase::none && attempt_->decisive.file.empty()) attempt_ = nullptr;
    if (attempt_) {
        if (!attempt_->decisive.file.empty()) {
            failure_text_ = attempt_->decisive.text;
            evidence_.push_back(attempt_->decisive.evidence("no error"));
        }
        end_ = attempt_->succeeded == true                                        ? End::succeeded
               : attempt_->succeeded == false || !attempt_->decisive.file.empty() ? End::failed
                                                                                  : End::broke_off;
    }
    read_status(machine);
    if (end_ == End::succeeded) {
        evidence_.clear();
        failure_text_.clear();
    }
    const auto running = running_backup_processes(machine);
    const bool runs = running && !running->empty();
    if (runs) end_ = End::running;
    // Without the list of processes a log that stops may be one that is still written, as long as Azure waits for it.
    const bool is_over = attempt_ && attempt_->ended && machine.facts().now - *attempt_->ended > longest_backup;
    if (!running && end_ == End::broke_off && !is_over) end_ = End::unknown;
}

void LastRun::read_status(const Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed || installed->folders.empty()) return;
    const auto* folder = version_in_use(*installed);
    const auto* status = folder && folder->status ? &*folder->status : nullptr;
    if (status == nullptr) return;
    const bool has_time = status->modified != std::chrono::system_clock::time_point{};
    const bool is_of_attempt =
        attempt_ && (!has_time || !attempt_->started || status->modified + tolerance >= *attempt_->started);
    if (status->word == "success" && status->code.value_or(0) <= 1) {
        if (has_time && !attempt_) success_ = std::max(success_.value_or(status->modified), status->modified);
        // Versions differ in their last line; a run that the status calls a success did not break off.
        if (end_ == End::unknown || (end_ == End::broke_off && is_of_attempt && has_time)) {
            if (has_time) success_ = std::max(success_.value_or(status->modified), status->modified);
            end_ = End::succeeded;
        }
    } else if (status->word == "error" && end_ != End::succeeded) {
        end_ = End::failed;
        failure_text_ += (failure_text_.empty() ? "" : "\n") + status->message;
        evidence_.push_back({status->file,
                             fmt::format("error, code {}: {}", status->code.value_or(0), printable(status->message)),
                             "success"});
    }
}

std::vector<Evidence> LastRun::evidence_of_end() const {
    auto evidence = evidence_;
    if (attempt_ == nullptr || !is_failure()) return evidence;
    std::string when;
    if (attempt_->ended) {
        when = fmt::format(", {:%Y-%m-%d %H:%M}Z", std::chrono::floor<std::chrono::minutes>(*attempt_->ended));
    }
    evidence.push_back({"newest IaaSBcdrExtension log",
                        fmt::format("ends at {}{}", text_of(attempt_->phase).name, when),
                        "DoSnapshot=complete, without a failed snapshot"});
    return evidence;
}

LastRun::Bearing LastRun::bearing_of(std::chrono::system_clock::time_point time) const {
    if (success_ && time <= *success_) return Bearing::history;
    const auto* run = is_failure() ? attempt_ : nullptr;
    const bool is_before = run && run->started && time + tolerance < *run->started;
    return is_before ? Bearing::earlier : Bearing::current;
}

BackupRuns backup_runs(const Machine& machine) {
    const auto& last = machine.derived<LastRun>();
    BackupRuns runs{machine.derived<LogEvidence>().attempts(), last.success(), machine.facts().now};
    if (last.end() == LastRun::End::running && !runs.attempts.empty() && !runs.attempts.back().succeeded) {
        runs.attempts.pop_back();
    }
    return runs;
}

PhaseText text_of(BackupPhase phase) {
    switch (phase) {
        case BackupPhase::none:
            return {"its start", "nothing yet"};
        case BackupPhase::configuration:
            return {"reading its configuration", "its settings and the certificate that protects them"};
        case BackupPhase::visual_cpp_runtime:
            return {"the Visual C++ runtime", "Windows Installer, to install the Visual C++ 2013 runtime"};
        case BackupPhase::services:
            return {"the services it needs", "the services VSS, COMSysApp and MSDTC"};
        case BackupPhase::provider:
            return {"installing its VSS provider", "COM+ and MSDTC, to register IaasVmProvider"};
        case BackupPhase::writer_metadata:
            return {"GatherWriterMetadata", "every VSS writer, to say what it has"};
        case BackupPhase::snapshot_set:
            return {"AddToSnapshotSet", "VSS, to accept the volumes"};
        case BackupPhase::writer_status:
            return {"GatherWriterStatus", "every VSS writer, to say how it is"};
        case BackupPhase::prepare:
            return {"PrepareForBackup", "the VSS writers, to prepare"};
        case BackupPhase::volume_snapshot:
            return {"DoSnapshotSet", "the VSS writers, to come to rest, and the disks, to write what waits"};
        case BackupPhase::backup_complete:
            return {"BackupComplete", "the VSS writers, to go on"};
        case BackupPhase::host_snapshot:
            return {"the host's snapshot", "the Azure host"};
        case BackupPhase::finished:
            return {"its end", "the Azure host and storage, to take the snapshots of the disks"};
    }
    return {"an unknown step", "nothing known"};
}

bool names_code(std::string_view text, std::uint32_t code) {
    return has_number(text, fmt::format("0x{:08x}", code)) ||
           (code > 0x7FFFFFFF && has_number(text, std::to_string(static_cast<std::int32_t>(code))));
}

}  // namespace remediations
