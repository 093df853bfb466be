#include "remediations/knowledge/azure/backup_jobs.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/model/error_codes.hpp"

namespace remediations::azure {

namespace json = boost::json;
using machine::Machine;
using machine::Result;

namespace {

const std::vector<std::string>& job_members() {
    static const std::vector<std::string> members = {"id",
                                                     "properties.operation",
                                                     "properties.status",
                                                     "properties.startTime",
                                                     "properties.endTime",
                                                     "properties.entityFriendlyName",
                                                     "properties.containerName",
                                                     "properties.isUserTriggered",
                                                     "properties.actionsInfo",
                                                     "properties.errorDetails.errorCode",
                                                     "properties.errorDetails.errorTitle",
                                                     "properties.errorDetails.errorString",
                                                     "properties.errorDetails.recommendations"};
    return members;
}

/// "Cancellable", or its number in older answers.
bool is_cancellable(const json::value& job) {
    return std::ranges::any_of(list_of(job, "properties.actionsInfo"), [](const json::value& action) {
        return (action.is_string() && boost::iequals(std::string_view(action.get_string()), "Cancellable")) ||
               (action.is_int64() && action.get_int64() == 1);
    });
}

/// "iaasvmcontainerv2;rg;vm" out of "IaasVMContainer;iaasvmcontainerv2;rg;vm".
bool is_of_container(std::string_view named, const std::string& container) {
    return boost::iequals(named, container) || boost::iends_with(named, ";" + container);
}

/// Returns true if no other group has a VM of this name. An old form of jobs has only the VM's name.
bool is_only_one_of_its_name(const Machine& machine, const ProtectedItem::Item& item, const std::string& vm_name) {
    const auto list = ask(machine, {.path = item.vault + "/backupProtectedItems",
                                    .members = {"id"},
                                    .query = {{"$filter", "backupManagementType eq 'AzureIaasVM'"}},
                                    .is_list = true});
    if (!list) return false;
    return std::ranges::count_if(list_of(*list, ""), [&](const json::value& each) {
               return boost::iends_with(text_of(each, "id"), ";" + vm_name);
           }) == 1;
}

void add_details(const Machine& machine, BackupJob& job) {
    const auto answer = ask(
        machine, {.path = job.id,
                  .members = {"properties.extendedInfo.tasksList.taskId", "properties.extendedInfo.tasksList.status",
                              "properties.extendedInfo.progressPercentage",
                              "properties.extendedInfo.dynamicErrorMessage", "properties.errorDetails.errorCode",
                              "properties.errorDetails.errorString", "properties.errorDetails.recommendations"}});
    if (!answer) return;
    for (const auto& each : list_of(*answer, "properties.extendedInfo.tasksList")) {
        job.tasks.push_back({text_of(each, "taskId"), text_of(each, "status")});
    }
    job.percent = number_of(*answer, "properties.extendedInfo.progressPercentage");
    job.dynamic_message = text_of(*answer, "properties.extendedInfo.dynamicErrorMessage");
    if (job.errors.empty()) job.errors = job_in(*answer).errors;
}

Result<std::vector<BackupJob>> read_jobs(const Machine& machine) {
    const auto& item = machine.derived<ProtectedItem>().item();
    if (!item) return item.error();
    std::vector<BackupJob> jobs;
    if (!*item) return jobs;
    const auto list = ask(machine, question_for_jobs((*item)->vault, machine.facts().now));
    if (!list) return list.error();
    const auto vm_name = name_of((*item)->source_id);
    std::optional<bool> is_only_one;
    for (const auto& each : list_of(*list, "")) {
        const auto container = text_of(each, "properties.containerName");
        if (!boost::iequals(text_of(each, "properties.operation"), "Backup")) continue;
        if (container.empty()) {
            if (!boost::iequals(text_of(each, "properties.entityFriendlyName"), vm_name)) continue;
            if (!is_only_one) is_only_one = is_only_one_of_its_name(machine, **item, vm_name);
            if (!*is_only_one) continue;
        } else if (!is_of_container(container, (*item)->container)) {
            continue;
        }
        jobs.push_back(job_in(each));
    }
    std::ranges::stable_sort(jobs, std::greater(), [](const BackupJob& job) {
        return job.started.value_or(std::chrono::system_clock::time_point());
    });
    if (!jobs.empty()) add_details(machine, jobs.front());
    return jobs;
}

/// Returns true for a code that jobs report; they quote the codes of restore points too.
bool is_code_of_job(const std::string& name) {
    const auto* code = find_error_code(name);
    return code && (code->origin == CodeOrigin::backup_job || code->origin == CodeOrigin::restore_point);
}

/// Returns the first word of a text that is the name of an error code.
std::string known_word(const std::string& text) {
    constexpr std::size_t shortest_name = 8;
    const auto is_part = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    for (std::size_t begin = 0; begin < text.size();) {
        auto end = begin;
        while (end < text.size() && is_part(text[end])) ++end;
        const auto word = text.substr(begin, end - begin);
        if (word.size() >= shortest_name && is_code_of_job(word)) return word;
        begin = end + 1;
    }
    return {};
}

}  // namespace

bool BackupJob::has_failed() const {
    return boost::iequals(status, "Failed");
}

bool BackupJob::runs() const {
    return boost::iequals(status, "InProgress") || boost::iequals(status, "Cancelling");
}

const JobTask* BackupJob::task(std::string_view words) const {
    const auto found =
        std::ranges::find_if(tasks, [&](const JobTask& each) { return boost::icontains(each.name, words); });
    return found == tasks.end() ? nullptr : &*found;
}

std::string BackupJob::where() const {
    return fmt::format("backup job {}{}", name_of(id), started ? " of " + shown(*started) : std::string());
}

std::string BackupJob::error_code() const {
    // A number can be as general as "a command failed" beside a text that names the reason.
    for (const auto& error : errors) {
        if (auto word = known_word(error.text); !word.empty()) return word;
    }
    if (auto word = known_word(dynamic_message); !word.empty()) return word;
    for (const auto& error : errors) {
        if (error.number && is_code_of_job(std::to_string(*error.number))) return std::to_string(*error.number);
    }
    for (const auto& error : errors) {
        if (const auto* code = find_code_by_message(error.text)) return std::string(code->names.front());
    }
    return errors.empty() || !errors.front().number ? std::string() : std::to_string(*errors.front().number);
}

std::optional<std::chrono::minutes> usual_start(const std::vector<BackupJob>& jobs) {
    constexpr int enough = 3;
    constexpr std::chrono::minutes spread{15};
    std::optional<std::chrono::minutes> newest;
    int count = 0;
    for (const auto& job : jobs) {
        if (job.is_started_by_user || !job.started) continue;
        const auto start = std::chrono::duration_cast<std::chrono::minutes>(
            *job.started - std::chrono::floor<std::chrono::days>(*job.started));
        if (!newest) newest = start;
        if (time_between(start, *newest) > spread) return std::nullopt;
        if (++count == enough) return newest;
    }
    return std::nullopt;
}

std::chrono::minutes time_between(std::chrono::minutes one, std::chrono::minutes other) {
    const auto apart = std::chrono::abs(one - other);
    return std::min<std::chrono::minutes>(apart, std::chrono::hours(24) - apart);
}

machine::ArmQuestion question_for_jobs(const std::string& vault, std::chrono::system_clock::time_point now) {
    const auto hour = std::chrono::floor<std::chrono::hours>(now);
    return {.path = vault + "/backupJobs",
            .members = job_members(),
            .query = {{"$filter",
                       fmt::format("startTime eq '{}' and endTime eq '{}' and operation eq 'Backup' and "
                                   "backupManagementType eq 'AzureIaasVM'",
                                   filter_time(hour - jobs_looked_back), filter_time(hour + std::chrono::hours(24)))}},
            .is_list = true};
}

BackupJob job_in(const json::value& answer) {
    BackupJob job;
    job.id = text_of(answer, "id");
    job.status = text_of(answer, "properties.status");
    job.started = time_of(answer, "properties.startTime");
    job.ended = time_of(answer, "properties.endTime");
    job.is_started_by_user = switch_of(answer, "properties.isUserTriggered").value_or(false);
    job.may_be_cancelled = is_cancellable(answer);
    for (const auto& each : list_of(answer, "properties.errorDetails")) {
        JobError error{number_of(each, "errorCode"), text_of(each, "errorString"), {}};
        if (const auto title = text_of(each, "errorTitle"); !title.empty()) {
            error.text = error.text.empty() ? title : title + ": " + error.text;
        }
        for (const auto& advice : list_of(each, "recommendations")) {
            if (advice.is_string()) error.recommendations.emplace_back(advice.get_string());
        }
        job.errors.push_back(std::move(error));
    }
    return job;
}

BackupJobs::BackupJobs(const Machine& machine) : jobs_(read_jobs(machine)) {}

const BackupJob* BackupJobs::newest() const {
    return jobs_ && !jobs_->empty() ? &jobs_->front() : nullptr;
}

std::string filter_time(std::chrono::system_clock::time_point time) {
    const auto utc = fmt::gmtime(std::chrono::system_clock::to_time_t(time));
    const int hour = utc.tm_hour % 12 == 0 ? 12 : utc.tm_hour % 12;
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, hour,
                       utc.tm_min, utc.tm_sec, utc.tm_hour < 12 ? "AM" : "PM");
}

}  // namespace remediations::azure
