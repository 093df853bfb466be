#include "remediations/knowledge/azure/attach.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/json.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/machine/arm/client.hpp"

namespace remediations::azure {

namespace {

bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= 260 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               static_cast<unsigned char>(c) >= 128 || std::string_view("-_.()").find(c) != std::string_view::npos;
    });
}

/// /subscriptions/<id>/resourceGroups/<group>/providers/<provider>/<type>/<name>
std::string problem_of_id(const std::string& text, std::string_view provider, std::string_view type) {
    std::vector<std::string> parts;
    boost::split(parts, text, boost::is_any_of("/"));
    const bool fits = parts.size() == 9 && parts[0].empty() && boost::iequals(parts[1], "subscriptions") &&
                      is_name(parts[2]) && boost::iequals(parts[3], "resourceGroups") && is_name(parts[4]) &&
                      boost::iequals(parts[5], "providers") && boost::iequals(parts[6], provider) &&
                      boost::iequals(parts[7], type) && is_name(parts[8]);
    if (fits) return {};
    return fmt::format("expected /subscriptions/<id>/resourceGroups/<group>/providers/{}/{}/<name>", provider, type);
}

}  // namespace

std::string proxy_of_agent(const machine::Machine& machine) {
    if (machine.facts().platform != machine::Platform::linux) return {};
    const auto configuration = AgentConfiguration::read(machine);
    if (!configuration) return {};
    const auto host = configuration->text_of("HttpProxy.Host", "");
    const auto port = configuration->text_of("HttpProxy.Port", "");
    return host.empty() || port.empty() ? std::string() : host + ":" + port;
}

void attach(machine::Machine& machine, const Choice& choice) {
    if (!choice.ask) return;
    machine::arm::ClientOptions options;
    options.client_id = choice.client_id;
    options.vault_id = choice.vault_id;
    options.proxy = proxy_of_agent(machine);
    machine.use_azure(machine::arm::make_azure(std::move(options)));
}

std::string problem_of_vault_id(const std::string& text) {
    return problem_of_id(text, "Microsoft.RecoveryServices", "vaults");
}

std::string problem_of_vm_id(const std::string& text) {
    return problem_of_id(text, "Microsoft.Compute", "virtualMachines");
}

machine::Result<machine::SystemFacts> facts_from_outside(const machine::Azure& azure) {
    const auto access = azure.access();
    if (!access) return access.error();
    const auto question = question_for_vm(access->vm_id);
    const auto answer = azure.ask(question);
    if (!answer) return answer.error();
    if (answer->is_refusal()) return refused(question, *answer);
    machine::SystemFacts facts;
    const bool is_windows = boost::iequals(text_of(answer->body, "properties.storageProfile.osDisk.osType"), "Windows");
    facts.platform = is_windows ? machine::Platform::windows : machine::Platform::linux;
    facts.os_name = is_windows ? "Windows, seen through Azure" : "Linux, seen through Azure";
    facts.host_name = text_of(answer->body, "name");
    facts.system_drive = is_windows ? "C:" : "";
    facts.now = std::chrono::system_clock::now();
    return facts;
}

}  // namespace remediations::azure
