#include "remediations/knowledge/azure/prove.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <thread>

#include "remediations/changes/azure_request.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/backup_jobs.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"

namespace remediations::azure {

namespace json = boost::json;
using machine::Error;
using machine::Machine;
using machine::Result;

namespace {

using Time = std::chrono::system_clock::time_point;

/// A job of Azure Backup changes from minute to minute.
constexpr std::chrono::seconds between_looks{30};
constexpr std::chrono::days point_lasts{2};
/// The number of on-demand backups that Azure Backup allows in the time below.
constexpr std::ptrdiff_t most_on_demand = 3;
constexpr std::chrono::hours counted{24};
/// The clocks of Azure and of this computer may differ.
constexpr std::chrono::minutes clock_difference{5};
/// A job of a backup that Azure accepted is listed by then: without one it was never asked for.
constexpr std::chrono::minutes job_appears_within{15};

struct RecoveryPoint {
    std::string name;
    Time time;
    std::string consistency;
    std::vector<std::string> tiers;  ///< the valid ones

    bool is_in(std::string_view tier) const {
        return std::ranges::any_of(tiers, [&](const auto& each) { return boost::iequals(each, tier); });
    }
};

/// Does not ask for the keys and secrets in a recovery point, so that they are never kept.
Result<std::vector<RecoveryPoint>> points_since(const Machine& machine, const std::string& item, Time since) {
    const auto list = ask(
        machine, {.path = item + "/recoveryPoints",
                  .members = {"name", "properties.recoveryPointTime", "properties.recoveryPointType",
                              "properties.recoveryPointTierDetails.type", "properties.recoveryPointTierDetails.status"},
                  .query = {{"$filter", fmt::format("startDate eq '{}' and endDate eq '{}'", filter_time(since),
                                                    filter_time(since + std::chrono::days(3)))}},
                  .is_list = true});
    if (!list) return list.error();
    std::vector<RecoveryPoint> points;
    for (const auto& each : list_of(*list, "")) {
        const auto time = time_of(each, "properties.recoveryPointTime");
        if (!time || *time < since) continue;
        RecoveryPoint point{text_of(each, "name"), *time, text_of(each, "properties.recoveryPointType"), {}};
        for (const auto& tier : list_of(each, "properties.recoveryPointTierDetails")) {
            if (boost::iequals(text_of(tier, "status"), "Valid")) point.tiers.push_back(text_of(tier, "type"));
        }
        points.push_back(std::move(point));
    }
    std::ranges::sort(points, std::greater(), &RecoveryPoint::time);
    return points;
}

/// One proof, from the start of a backup to its recovery point.
class Prover {
public:
    Prover(Machine& machine, const ProveOptions& options)
        : machine_(machine), options_(options), deadline_(options.now() + options.within) {}

    Result<Proof> prove() {
        if (options_.begun) {
            go_on_with(*options_.begun);
            auto gone_on = watch();
            if (!gone_on || !never_began_) return gone_on;
            proof_ = {};
            deadline_ = options_.now() + options_.within;
        }
        const auto item = machine_.derived<ProtectedItem>().item();
        if (!item) return item.error();
        if (!*item) return machine::Error::not_found("no vault protects the VM, as far as this identity may see");
        proof_.item = (*item)->id;
        vault_ = (*item)->vault;
        if (auto begun = begin(); !begun) return begun.error();
        if (!proof_.summary.empty()) return proof_;
        return watch();
    }

private:
    void go_on_with(const BegunBackup& begun) {
        proof_.item = begun.item;
        proof_.job = begun.job;
        proof_.started = begun.started;
        since_ = begun.started - clock_difference;
        deadline_ = begun.started + options_.within;
    }

    Result<void> note() const {
        return options_.note({proof_.item, proof_.job, proof_.started.value_or(options_.now())});
    }

    /// Watches a running backup, or starts one. Sets a summary where neither is possible.
    Result<void> begin() {
        const auto& jobs = machine_.derived<BackupJobs>().jobs();
        if (!jobs) return jobs.error();
        const auto* newest = machine_.derived<BackupJobs>().newest();
        if (newest && newest->runs()) {
            if (options_.not_before && newest->started && *newest->started < *options_.not_before) {
                proof_.summary = "A backup runs that began before the repair, and proves nothing; the next one does.";
                return {};
            }
            proof_.job = newest->id;
            proof_.started = newest->started.value_or(options_.now());
            since_ = *proof_.started - clock_difference;
            return note();
        }
        const auto recent = std::ranges::count_if(*jobs, [&](const BackupJob& job) {
            return job.is_started_by_user && job.started && options_.now() - *job.started < counted;
        });
        if (recent >= most_on_demand) {
            proof_.summary = fmt::format(
                "{} backups were started by hand in the last 24 hours, and Azure Backup allows no more: wait.", recent);
            return {};
        }
        proof_.started = options_.now();
        since_ = *proof_.started - clock_difference;
        if (auto noted = note(); !noted) return noted;
        options_.progress("starting a backup");
        const auto expires = fmt::format(
            "{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(options_.now() + point_lasts)));
        const json::object body{{"properties", json::object{{"objectType", "IaasVMBackupRequest"},
                                                            {"recoveryPointExpiryTimeInUTC", expires}}}};
        const machine::ArmQuestion request{.path = proof_.item + "/backup",
                                           .members = {"status", "properties.jobId"},
                                           .method = "POST",
                                           .body = json::serialize(body)};
        const auto started = machine_.azure().change(request);
        if (!started) return started.error();
        if (started->is_refusal()) {
            // No backup began, so that none failed.
            proof_.started.reset();
            proof_.summary = "No backup is started. " + refused_by_azure(request, *started).message + ".";
            return {};
        }
        const auto id = text_of(started->body, "properties.jobId");
        if (id.empty()) return {};
        proof_.job = vault_ + "/backupJobs/" + id;
        return note();
    }

    Result<Proof> watch() {
        std::optional<Error> last_error;
        while (true) {
            if (options_.stop_requested()) {
                proof_.was_stopped = true;
                proof_.summary = "The proof was stopped; the backup goes on.";
                return proof_;
            }
            machine_.azure().look_anew();
            machine_.forget_derived();
            auto done = look();
            if (done && *done) return proof_;
            if (!done) last_error = done.error();
            if (done && options_.begun && proof_.job.empty() &&
                options_.now() - options_.begun->started > job_appears_within) {
                never_began_ = true;
                return proof_;
            }
            if (options_.now() + between_looks >= deadline_) {
                proof_.summary = fmt::format("No recovery point within {} minutes{}.", options_.within.count(),
                                             last_error ? "; " + last_error->message : std::string());
                return proof_;
            }
            options_.progress(proof_.job.empty() ? "waiting for the backup's job"
                                                 : fmt::format("waiting for {}", name_of(proof_.job)));
            sleep(between_looks);
        }
    }

    /// Returns true once the result is known.
    Result<bool> look() {
        const auto points = points_since(machine_, proof_.item, since_);
        if (!points) return points.error();
        for (const auto& point : *points) {
            const bool counts = point.is_in("HardenedRP") || (!options_.wait_for_vault && point.is_in("InstantRP"));
            if (!counts) continue;
            proof_.is_proven = true;
            proof_.recovery_point = point.name;
            proof_.time = point.time;
            proof_.consistency = point.consistency;
            proof_.tiers = fmt::format("{}", fmt::join(point.tiers, ", "));
            proof_.summary = fmt::format("A recovery point of {} exists ({}).", shown(point.time), point.consistency);
            return true;
        }
        const auto& jobs = machine_.derived<BackupJobs>().jobs();
        if (!jobs) return jobs.error();
        const auto job = std::ranges::find_if(*jobs, [&](const BackupJob& each) {
            return proof_.job.empty() ? each.started && *each.started >= since_ : is_same_id(each.id, proof_.job);
        });
        if (job == jobs->end()) return false;
        proof_.job = job->id;
        if (job->runs()) return false;
        if (boost::iequals(job->status, "Completed")) return false;  // its recovery point is seen with the next look
        proof_.error_code = job->error_code();
        proof_.summary = fmt::format("The backup has ended as {}{}.", job->status,
                                     proof_.error_code.empty() ? "" : fmt::format(" ({})", proof_.error_code));
        return true;
    }

    void sleep(std::chrono::seconds time) const {
        if (options_.sleep) return options_.sleep(time);
        constexpr std::chrono::seconds portion{1};
        for (auto left = time; left > left.zero() && !options_.stop_requested(); left -= portion) {
            std::this_thread::sleep_for(portion);
        }
    }

    Machine& machine_;
    const ProveOptions& options_;
    Time deadline_;
    Time since_;
    bool never_began_ = false;  ///< the backup to go on with was only about to be asked for
    std::string vault_;
    Proof proof_;
};

}  // namespace

Result<Proof> prove_by_backup(Machine& machine, const ProveOptions& options) {
    return Prover(machine, options).prove();
}

}  // namespace remediations::azure
