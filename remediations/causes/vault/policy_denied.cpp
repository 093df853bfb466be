#include <fmt/format.h>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/protected_item.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::policy_denied {

Remediation remediation();

namespace {

using namespace remediations::azure;
namespace json = boost::json;

bool is_denial(const std::string& effect) {
    return boost::iequals(effect, "Deny");
}

/// Asks if policies would deny the resource group that Azure Backup creates. Does not create it.
machine::Result<std::vector<Evidence>> denials(const machine::Machine& machine, const std::string& group,
                                               const std::string& location) {
    const json::object content{
        {"type", "Microsoft.Resources/subscriptions/resourceGroups"}, {"name", group}, {"location", location}};
    const json::object body{
        {"resourceDetails", json::object{{"resourceContent", content}, {"apiVersion", "2021-04-01"}}}};
    const auto answer = ask(
        machine, {.path = subscription_of(machine.azure().access()->vm_id) +
                          "/providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
                  .members = {"fieldRestrictions.field", "fieldRestrictions.restrictions.result",
                              "fieldRestrictions.restrictions.policyEffect", "fieldRestrictions.restrictions.reason",
                              "fieldRestrictions.restrictions.policy.policyAssignmentId",
                              "contentEvaluationResult.policyEvaluations.evaluationResult",
                              "contentEvaluationResult.policyEvaluations.policyInfo.policyAssignmentId",
                              "contentEvaluationResult.policyEvaluations.effectDetails.policyEffect"},
                  .method = "POST",
                  .body = json::serialize(body)});
    if (!answer) return answer.error();
    std::vector<Evidence> evidence;
    for (const auto& each : list_of(*answer, "contentEvaluationResult.policyEvaluations")) {
        const bool denies = boost::iequals(text_of(each, "evaluationResult"), "NonCompliant") &&
                            is_denial(text_of(each, "effectDetails.policyEffect"));
        if (denies) {
            evidence.push_back({text_of(each, "policyInfo.policyAssignmentId"), "Deny for " + group, "no denial"});
        }
    }
    for (const auto& field : list_of(*answer, "fieldRestrictions")) {
        for (const auto& each : list_of(field, "restrictions")) {
            if (!is_denial(text_of(each, "policyEffect"))) continue;
            const auto what = fmt::format("{} of {}: {} {}", text_of(field, "field"), group, text_of(each, "result"),
                                          text_of(each, "reason"));
            evidence.push_back({text_of(each, "policy.policyAssignmentId"), what, "no denial"});
        }
    }
    return evidence;
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    const auto& model = machine.derived<VmInAzure>().model();
    if (!model) return not_told(model.error());
    const auto& policy = machine.derived<BackupPolicy>().policy();
    const bool is_named = policy && !policy->group_prefix.empty();
    const auto group = is_named ? fmt::format("{}1{}", policy->group_prefix, policy->group_suffix)
                                : fmt::format("AzureBackupRG_{}_1", model->location);
    auto evidence = denials(machine, group, model->location);
    if (!evidence) return not_told(evidence.error());
    if (evidence->empty()) {
        return Finding::healthy(fmt::format("No policy would deny Azure Backup's resource group {}.", group));
    }
    auto finding = Finding::needs_operator(fmt::format("A policy denies Azure Backup's resource group {}.", group),
                                           std::move(*evidence), remediation().instructions);
    // A group that was made before the policy stays.
    return explains(remediation(), question.error_code) ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "policy-denied",
        .title = "An Azure Policy forbids what the backup has to create",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {"UserErrorRequestDisallowedByPolicy"},
        .disruption = Disruption::none,
        .explanation =
            "Azure Backup makes a resource group AzureBackupRG_<region>_<number> and restore points in it. A policy "
            "with the effect Deny, often one that demands tags or a naming scheme, refuses them.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .instructions =
            "Find the policy in the error details of the job, or with az policy assignment list "
            "--disable-scope-strict-match. Change its effect from Deny to Modify or Audit, exempt the resource groups "
            "AzureBackupRG_*, or create the resource group by hand with the tags it demands and name it in the backup "
            "policy (portal: the policy > Azure Backup Resource Group). Then back up again.",
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::policy_denied
