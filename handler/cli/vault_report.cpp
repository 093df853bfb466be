#include "handler/cli/vault_report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "handler/report/csv.hpp"
#include "handler/report/plain_text.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

namespace json = boost::json;
using remediations::VaultReport;
using remediations::VmInVault;
using remediations::azure::group_of;
using remediations::azure::name_of;
using remediations::azure::shown;
using remediations::azure::Standing;
using MaybeTime = std::optional<std::chrono::system_clock::time_point>;

namespace {

constexpr Standing worst_first[] = {Standing::failing, Standing::unknown,       Standing::not_protected,
                                    Standing::warned,  Standing::no_backup_yet, Standing::well};

bool is_worth_telling(const VmInVault& vm) {
    return vm.standing != Standing::well && vm.standing != Standing::no_backup_yet;
}

std::string words(Standing standing) {
    std::string text(to_string(standing));
    std::ranges::replace(text, '-', ' ');
    return text;
}

std::string vms(std::size_t count) {
    return count == 1 ? "1 VM" : fmt::format("{} VMs", count);
}

/// VMs with one cause, or else with one error.
struct Group {
    Standing standing;
    std::string heading;
    std::vector<const VmInVault*> vms;

    /// What all of them have; empty where they differ.
    std::string common(std::string VmInVault::*text) const {
        const auto& first = vms.front()->*text;
        const bool is_common = std::ranges::all_of(vms, [&](const auto* vm) { return vm->*text == first; });
        return is_common ? first : std::string();
    }
};

std::string heading_of(const VmInVault& vm) {
    if (vm.cause) return fmt::format("{} [{}]", vm.cause->title, vm.cause->id);
    if (!vm.error_code.empty()) return fmt::format("No cause was found outside the VM for {}", visible(vm.error_code));
    return vm.standing == Standing::unknown ? std::string("How the backups stand is not known")
                                            : std::string("No cause was found outside the VM");
}

std::vector<Group> groups_of(const VaultReport& report) {
    std::vector<Group> groups;
    std::map<std::pair<Standing, std::string>, std::size_t> places;
    for (const auto& vm : report.vms) {
        if (!is_worth_telling(vm)) continue;
        auto heading = heading_of(vm);
        const auto [place, is_new] = places.try_emplace({vm.standing, heading}, groups.size());
        if (is_new) groups.push_back({vm.standing, std::move(heading), {}});
        groups[place->second].vms.push_back(&vm);
    }
    const auto rank = [](Standing standing) { return std::ranges::find(worst_first, standing) - worst_first; };
    std::ranges::stable_sort(groups, [&](const Group& one, const Group& other) {
        if (one.standing != other.standing) return rank(one.standing) < rank(other.standing);
        return one.vms.size() > other.vms.size();
    });
    return groups;
}

/// "failing since 2026-11-28 08:00 UTC or longer; 380008; last good backup 2026-11-27 08:00 UTC"
std::string line_of(const VmInVault& vm) {
    auto text = words(vm.standing);
    if (vm.failing_since) {
        text += fmt::format(" since {}{}", shown(*vm.failing_since), vm.may_fail_for_longer ? " or longer" : "");
    }
    if (!vm.error_code.empty() && vm.standing == Standing::failing) text += "; " + vm.error_code;
    if (vm.is_running) text += "; a backup runs now";
    if (vm.last_good) text += "; last good backup " + shown(*vm.last_good);
    if (!vm.also.empty()) text += fmt::format("; also {}", fmt::join(vm.also, ", "));
    return text;
}

void add_group(Page& page, const Group& group) {
    constexpr std::size_t column = 30;
    page.blank();
    page.heading(fmt::format("{}: {}", vms(group.vms.size()), group.heading),
                 group.standing == Standing::failing ? Paint::bad : Paint::attention);
    const auto summary = group.common(&VmInVault::summary);
    const auto repair = group.common(&VmInVault::repair);
    if (!summary.empty()) page.paragraph(2, visible(summary));
    for (const auto* vm : group.vms) {
        page.entry(4, visible(fmt::format("{} ({})", name_of(vm->vm), name_of(group_of(vm->vm)))), column,
                   visible(line_of(*vm)));
        if (summary.empty() && !vm->summary.empty()) page.paragraph(8, visible(vm->summary));
        if (repair.empty() && !vm->repair.empty()) page.paragraph(8, "What to do: " + visible(vm->repair));
    }
    if (!repair.empty()) page.paragraph(2, "What to do: " + visible(repair));
}

/// Of how many VMs each was told.
std::map<std::string, std::size_t> counted(const VaultReport& report, std::set<std::string> VmInVault::*texts) {
    std::map<std::string, std::size_t> counts;
    for (const auto& vm : report.vms) {
        for (const auto& text : vm.*texts) ++counts[text];
    }
    return counts;
}

void add_what_is_not_known(Page& page, const VaultReport& report) {
    constexpr std::size_t most_problems = 20;
    const auto missing = counted(report, &VmInVault::missing_actions);
    if (!missing.empty()) {
        page.blank();
        page.heading("This token may not see all, and so some causes can be missing:", Paint::attention);
        for (const auto& [action, count] : missing) {
            page.paragraph(2, fmt::format("{} (asked for {})", visible(action), vms(count)));
        }
        page.paragraph(2, fmt::format("The role \"{}\" (manifest/roles/look.json) has all of it.",
                                      remediations::azure::look_role));
    }
    const auto problems = counted(report, &VmInVault::problems);
    if (problems.empty()) return;
    page.blank();
    page.heading("Azure did not tell all:", Paint::attention);
    std::size_t told = 0;
    for (const auto& [problem, count] : problems) {
        if (++told > most_problems) {
            page.paragraph(2, fmt::format("and {} more: --format json has them all.", problems.size() - most_problems));
            break;
        }
        page.paragraph(2, fmt::format("{} ({})", visible(problem), vms(count)));
    }
}

std::string utc(const MaybeTime& time) {
    if (!time) return {};
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(*time)));
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(machine::valid_utf8(text));
}

template <class Texts>
json::array in_json(const Texts& texts) {
    json::array list;
    for (const auto& each : texts) list.emplace_back(machine::valid_utf8(each));
    return list;
}

json::object in_json(const VmInVault& vm) {
    return {{"vm", machine::valid_utf8(vm.vm)},
            {"name", machine::valid_utf8(name_of(vm.vm))},
            {"resourceGroup", machine::valid_utf8(name_of(group_of(vm.vm)))},
            {"state", to_string(vm.standing)},
            {"protectionState", text_or_null(vm.protection_state)},
            {"lastBackupStatus", text_or_null(vm.last_status)},
            {"lastBackup", text_or_null(utc(vm.last_backup))},
            {"lastGoodBackup", text_or_null(utc(vm.last_good))},
            {"failingSince", text_or_null(utc(vm.failing_since))},
            {"mayFailForLonger", vm.may_fail_for_longer},
            {"running", vm.is_running},
            {"job", text_or_null(vm.job)},
            {"errorCode", text_or_null(vm.error_code)},
            {"errorText", text_or_null(vm.error_text)},
            {"cause", vm.cause ? json::value(vm.cause->id) : json::value(nullptr)},
            {"causeTitle", vm.cause ? json::value(vm.cause->title) : json::value(nullptr)},
            {"summary", text_or_null(vm.summary)},
            {"repair", text_or_null(vm.repair)},
            {"also", in_json(vm.also)},
            {"missingActions", in_json(vm.missing_actions)},
            {"problems", in_json(vm.problems)}};
}

}  // namespace

std::string vault_text(const VaultReport& report, const TextStyle& style) {
    constexpr std::size_t count_column = 18;
    Page page(style);
    page.heading(visible(fmt::format("Vault {} ({}): {}, looked at {}", name_of(report.vault),
                                     name_of(group_of(report.vault)), vms(report.vms.size()), shown(report.time))));
    for (const auto standing : worst_first) {
        const auto count = report.count(standing);
        if (count > 0) page.entry(2, words(standing), count_column, std::to_string(count));
    }
    if (report.vms.empty()) page.paragraph(2, "It protects no VM, as far as this token may see.");
    if (report.notice) page.paragraph(2, visible(*report.notice));
    for (const auto& group : groups_of(report)) add_group(page, group);
    add_what_is_not_known(page, report);
    return std::move(page).text();
}

std::string vault_json(const VaultReport& report) {
    json::object counts;
    for (const auto standing : worst_first) counts[to_string(standing)] = report.count(standing);
    json::array rows;
    for (const auto& vm : report.vms) rows.push_back(in_json(vm));
    const json::object document{{"schema", 1},
                                {"vault", machine::valid_utf8(report.vault)},
                                {"time", utc(report.time)},
                                {"counts", std::move(counts)},
                                {"notice", text_or_null(report.notice.value_or(""))},
                                {"vms", std::move(rows)}};
    return machine::with_escaped_controls(json::serialize(document)) + "\n";
}

std::string vault_csv(const VaultReport& report) {
    auto text = csv_line({"vm", "resourceGroup", "state", "failingSince", "mayFailForLonger", "errorCode", "cause",
                          "causeTitle", "summary", "repair", "also", "lastBackup", "lastBackupStatus", "lastGoodBackup",
                          "running", "protectionState", "errorText", "notSeen", "vmId"});
    for (const auto& vm : report.vms) {
        std::vector<std::string> not_seen(vm.missing_actions.begin(), vm.missing_actions.end());
        not_seen.insert(not_seen.end(), vm.problems.begin(), vm.problems.end());
        text += csv_line({name_of(vm.vm), name_of(group_of(vm.vm)), std::string(to_string(vm.standing)),
                          utc(vm.failing_since), vm.may_fail_for_longer ? "true" : "false", vm.error_code,
                          vm.cause ? vm.cause->id : "", vm.cause ? vm.cause->title : "", vm.summary, vm.repair,
                          fmt::format("{}", fmt::join(vm.also, " ")), utc(vm.last_backup), vm.last_status,
                          utc(vm.last_good), vm.is_running ? "true" : "false", vm.protection_state, vm.error_text,
                          fmt::format("{}", fmt::join(not_seen, "; ")), vm.vm});
    }
    return text;
}

bool something_is_wrong(const VaultReport& report) {
    constexpr Standing wrong[] = {Standing::failing, Standing::warned, Standing::not_protected};
    return std::ranges::any_of(wrong, [&](Standing standing) { return report.count(standing) > 0; });
}

}  // namespace handler
