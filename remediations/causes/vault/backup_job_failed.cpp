#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/model/error_codes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::backup_job_failed {

namespace {

using namespace remediations::azure;

std::vector<Evidence> evidence_of(const BackupJob& job) {
    std::vector<Evidence> evidence;
    for (const auto& error : job.errors) {
        const auto number = error.number ? std::to_string(*error.number) : std::string("no number");
        const auto* code = find_error_code(number);
        evidence.push_back({job.where(), fmt::format("{}: {}", number, error.text),
                            code ? std::string(code->meaning) : std::string("no error")});
    }
    if (!job.dynamic_message.empty()) evidence.push_back({job.where(), job.dynamic_message, "no error"});
    for (const auto& task : job.tasks) evidence.push_back({job.where() + ", " + task.name, task.status, "Completed"});
    if (evidence.empty()) evidence.push_back({job.where(), job.status, "Completed"});
    return evidence;
}

/// A protected VM is backed up once a week at the least.
Finding diagnose_without_a_job(const machine::Machine& machine) {
    constexpr std::chrono::days longest_interval{8};
    const auto& item = machine.derived<ProtectedItem>().item();
    const bool is_protected = item && *item && boost::iequals((*item)->protection_state, "Protected");
    const auto last = is_protected ? (*item)->last_backup : std::nullopt;
    if (!last || machine.facts().now - *last <= longest_interval) {
        return Finding::healthy("The vault tells of no backup of this VM in the last seven days.");
    }
    auto finding = Finding::needs_operator(
        fmt::format("The vault protects the VM, but began no backup of it since {}.", shown(*last)),
        {{(*item)->id, "lastBackupTime " + shown(*last), "within the last week"}},
        "Look at the schedule of its policy in the vault, and back up once: Backup items > this VM > Backup now.");
    finding.is_envelope = true;
    return finding;
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    const auto& jobs = machine.derived<BackupJobs>();
    if (!jobs.jobs()) return not_told(jobs.jobs().error());
    const auto* job = jobs.newest();
    if (!job) return diagnose_without_a_job(machine);
    if (!job->has_failed()) {
        return Finding::healthy(fmt::format("The newest backup of the VM has not failed ({}).", job->status),
                                {{job->where(), job->status, "Completed"}});
    }
    std::vector<std::string> advice;
    for (const auto& error : job->errors) {
        advice.insert(advice.end(), error.recommendations.begin(), error.recommendations.end());
    }
    auto finding = Finding::needs_operator(
        "The newest backup job of the VM has failed.", evidence_of(*job),
        advice.empty() ? fmt::format("See its details: az backup job show --ids \"{}\"", job->id)
                       : fmt::format("Azure Backup advises: {}", fmt::join(advice, " ")));
    // It only says that the backup failed; any finding that says why explains it.
    finding.is_envelope = true;
    finding.basis = Basis::last_run;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "backup-job-failed",
        .title = "The newest backup job of the vault has failed, or none was begun",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {},
        .disruption = Disruption::none,
        .explanation =
            "The vault's own record of the newest backup: the number and the texts of its error, and how far it came. "
            "It is seen where Azure may be asked (setting azure), and serves every other cause as the error code.",
        .source = "https://learn.microsoft.com/rest/api/backup/job-details/get",
        .instructions = "See the job in the vault: Backup jobs, or az backup job list.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::backup_job_failed
