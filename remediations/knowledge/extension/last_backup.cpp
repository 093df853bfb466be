#include "remediations/knowledge/extension/last_backup.hpp"

#include <fmt/format.h>

namespace remediations {

namespace {

/// Returns true for success, for a repeated request, and while the host still works.
bool is_good(int code) {
    return code == 0 || code == 1 || code == 3 || code == 4;
}

}  // namespace

LastBackup last_backup(const machine::Machine& machine, const InstalledExtension& installed) {
    LastBackup last;
    last.attempt = machine.derived<LogEvidence>().newest_attempt();
    const auto* folder = version_in_use(installed);
    const auto* status = folder && folder->status ? &*folder->status : nullptr;
    if (last.attempt) {
        last.succeeded = last.attempt->succeeded;
        last.code = last.attempt->result;
        if (!last.attempt->decisive.file.empty()) {
            last.evidence.push_back(last.attempt->decisive.evidence("no error"));
        }
    } else if (status && status->code) {
        last.code = status->code;
        if (!is_good(*status->code)) last.succeeded = false;
        if (*status->code == 0 || *status->code == 1) last.succeeded = true;
    }
    if (last.succeeded == false && status && status->code && !is_good(*status->code)) {
        last.evidence.push_back(
            {status->file, fmt::format("{}, code {}: {}", status->word, *status->code, status->message.substr(0, 300)),
             "success, code 0 or 1"});
        if (!last.code) last.code = status->code;
    }
    return last;
}

}  // namespace remediations
