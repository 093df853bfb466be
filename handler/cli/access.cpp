#include "handler/cli/access.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "handler/report/plain_text.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

namespace json = boost::json;
using remediations::azure::NeededAction;
using remediations::azure::Rights;

namespace {

std::string_view scope_word(remediations::azure::RightScope scope) {
    switch (scope) {
        case remediations::azure::RightScope::subscription:
            return "subscription";
        case remediations::azure::RightScope::vm:
            return "vm";
        case remediations::azure::RightScope::vault:
            return "vault";
    }
    return "";
}

void add_actions(Page& page, const char* heading, const std::vector<NeededAction>& actions) {
    if (actions.empty()) return;
    page.blank();
    page.heading(heading);
    for (const auto& each : actions) {
        page.paragraph(2, fmt::format("{} (at the {}): {}", each.action, scope_word(each.scope), each.serves));
    }
}

json::array in_json(const std::vector<NeededAction>& actions) {
    json::array list;
    for (const auto& each : actions) {
        list.push_back(
            json::object{{"action", each.action}, {"scope", scope_word(each.scope)}, {"serves", each.serves}});
    }
    return list;
}

}  // namespace

std::string access_text(const machine::AzureAccess& access, const Rights& rights, const TextStyle& style) {
    Page page(style);
    page.heading(fmt::format("Azure is asked as {}", visible(access.identity)));
    page.paragraph(2, fmt::format("Cloud: {}", visible(access.cloud)));
    page.paragraph(2, fmt::format("VM: {}", visible(access.vm_id)));
    if (!access.vault_id.empty()) page.paragraph(2, fmt::format("Vault: {}", visible(access.vault_id)));
    for (const auto& problem : rights.problems) page.paragraph(2, visible(problem));
    add_actions(page, "It may not, and so cannot see:", rights.missing);
    add_actions(page, "Whether it may is not known:", rights.unknown);
    page.blank();
    if (rights.missing.empty() && rights.unknown.empty()) {
        page.paragraph(0, "It may see all that this program asks for.");
    } else {
        page.paragraph(0, fmt::format("The role \"{}\" (manifest/roles/look.json) has all of it.",
                                      remediations::azure::look_role));
    }
    return std::move(page).text();
}

std::string access_json(const machine::AzureAccess& access, const Rights& rights) {
    std::vector<NeededAction> needed(remediations::azure::needed_actions().begin(),
                                     remediations::azure::needed_actions().end());
    json::array problems;
    for (const auto& problem : rights.problems) problems.emplace_back(machine::valid_utf8(problem));
    const json::object document{{"schema", 1},
                                {"identity", machine::valid_utf8(access.identity)},
                                {"cloud", machine::valid_utf8(access.cloud)},
                                {"vm", machine::valid_utf8(access.vm_id)},
                                {"vault", machine::valid_utf8(access.vault_id)},
                                {"needed", in_json(needed)},
                                {"missing", in_json(rights.missing)},
                                {"unknown", in_json(rights.unknown)},
                                {"problems", std::move(problems)}};
    return machine::with_escaped_controls(json::serialize(document)) + "\n";
}

std::string proof_text(const remediations::azure::Proof& proof, const TextStyle& style) {
    Page page(style);
    page.heading(proof.is_proven ? "Proven: a backup of the VM works" : "Not proven");
    page.paragraph(2, visible(proof.summary));
    page.paragraph(2, fmt::format("Item: {}", visible(proof.item)));
    if (!proof.job.empty()) page.paragraph(2, fmt::format("Job: {}", visible(proof.job)));
    if (!proof.is_proven) return std::move(page).text();
    page.paragraph(2, fmt::format("Recovery point: {}, in {}", visible(proof.recovery_point), visible(proof.tiers)));
    if (proof.consistency == "CrashConsistent") {
        page.paragraph(2, "It is consistent for a crash alone: look for what keeps the snapshot from more.");
    }
    return std::move(page).text();
}

std::string proof_json(const remediations::azure::Proof& proof, json::array locks) {
    const auto text = [](const std::string& each) {
        return each.empty() ? json::value(nullptr) : json::value(machine::valid_utf8(each));
    };
    const json::object document{
        {"schema", 1},
        {"proven", proof.is_proven},
        {"summary", text(proof.summary)},
        {"item", text(proof.item)},
        {"job", text(proof.job)},
        {"errorCode", text(proof.error_code)},
        {"recoveryPoint", text(proof.recovery_point)},
        {"time", proof.time ? json::value(remediations::azure::shown(*proof.time)) : json::value(nullptr)},
        {"consistency", text(proof.consistency)},
        {"tiers", text(proof.tiers)},
        {"locks", std::move(locks)}};
    return machine::with_escaped_controls(json::serialize(document)) + "\n";
}

}  // namespace handler
