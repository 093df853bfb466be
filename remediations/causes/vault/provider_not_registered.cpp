#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::provider_not_registered {

namespace {

using namespace remediations::azure;

constexpr const char* needed[] = {"Microsoft.Compute", "Microsoft.RecoveryServices", "Microsoft.Storage"};

Finding diagnose_in_azure(const machine::Machine& machine, const Question&) {
    std::vector<Evidence> evidence;
    std::vector<std::string> commands;
    for (const auto* provider : needed) {
        const auto path = fmt::format("{}/providers/{}", subscription_of(machine.azure().access()->vm_id), provider);
        const auto answer = ask(machine, {.path = path, .members = {"registrationState"}});
        if (!answer) return not_told(answer.error());
        const auto state = text_of(*answer, "registrationState");
        if (boost::iequals(state, "Registered") || boost::iequals(state, "Registering")) continue;
        const bool is_known = boost::iequals(state, "NotRegistered") || boost::istarts_with(state, "Unregister");
        if (!is_known) {
            return not_told(
                machine::Error::invalid(fmt::format("Azure calls the provider {} \"{}\"", provider, state)));
        }
        evidence.push_back({path, state, "Registered"});
        commands.push_back(fmt::format("az provider register --namespace {}", provider));
    }
    if (evidence.empty()) return Finding::healthy("The resource providers that a backup needs are registered.");
    std::vector<std::string> ids;
    for (const auto& each : evidence) ids.push_back(each.where);
    auto finding =
        Finding::broken("A resource provider that a backup needs is not registered in the subscription.",
                        std::move(evidence), fmt::format("{}. It takes some minutes.", fmt::join(commands, "; ")));
    finding.subjects = std::move(ids);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& id : finding.subjects) {
        if (auto registered = changes.register_provider(id); !registered) return registered;
    }
    // "Registering" is enough: Azure goes on with it by itself.
    changes.azure_shows(
        [](const machine::Machine& machine) { return diagnose_in_azure(machine, {}).state == State::healthy; });
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "provider-not-registered",
        .title = "A resource provider that a backup needs is not registered",
        .layer = Layer::vault,
        .scope = Scope::both,
        .error_codes = {},
        .disruption = Disruption::none,
        .explanation =
            "A subscription uses only the services whose providers are registered in it. Without Microsoft.Compute, "
            "Microsoft.Storage and Microsoft.RecoveryServices Azure Backup cannot make restore points for its VMs.",
        .source = "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types",
        .acts_in_azure = true,
        .instructions =
            "See az provider show --namespace Microsoft.RecoveryServices --query registrationState, the same for "
            "Microsoft.Compute and Microsoft.Storage, and register what is not: az provider register --namespace "
            "<provider>.",
        .diagnose_in_azure = diagnose_in_azure,
        .fix = fix,
    };
}

}  // namespace remediations::causes::provider_not_registered
