#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/handler_refusal.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_package_unavailable {

namespace {

constexpr auto log_line = "Failed to download";

/// Returns the host name of the first https address in a text that is not the platform's own; empty without one.
std::string storage_host_in(std::string_view text) {
    constexpr std::string_view scheme = "https://";
    const auto at = text.find(scheme);
    if (at == std::string_view::npos) return {};
    const auto rest = text.substr(at + scheme.size());
    constexpr auto of_name = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    return std::string(rest.substr(0, std::min<std::size_t>(rest.find_first_not_of(of_name), 253)));
}

bool is_about_container(std::string_view message) {
    return boost::icontains(message, "InvalidContainer") || boost::icontains(message, "ResourceGone");
}

/// Returns "HTTP status 403, HTTP status 400": the answers on all ways to the package, each once.
std::string answers_in(const std::vector<Reason>& reasons) {
    std::string answers;
    std::size_t count = 0;
    for (const auto& reason : reasons) {
        // The agent's own exceptions only wrap the reasons beside them.
        if (reason.kind == Reason::Kind::python && boost::icontains(reason.name, "Http")) continue;
        if (count == 3) break;
        answers += (count++ == 0 ? "" : ", ") + description_of(reason);
    }
    return answers;
}

std::string advice_for(const machine::Machine& machine, const HandlerRefusal& refusal) {
    const auto host = storage_host_in(refusal.message);
    const auto storage = host.empty() ? std::string("Azure Storage") : host;
    std::string advice;
    const auto& wire_server = machine.derived<WireServerProbes>();
    if (!wire_server.not_looked() && !wire_server.reachable()) {
        advice = fmt::format("Allow HTTP to {}:32526, over which the host hands out packages; or", wire_server_address);
    } else if (is_about_container(refusal.message)) {
        advice = "Restart the guest agent: it holds a stale container id, so the host hands out nothing. Besides,";
    }
    advice += fmt::format(
        "{}llow HTTPS (TCP 443) from this VM to {}: look at firewalls, proxies (HttpProxy in waagent.conf), network "
        "security groups, service endpoint policies and private endpoints that answer in its place.",
        advice.empty() ? "A" : " a", storage);
    const bool is_http = std::ranges::any_of(refusal.reasons, [](const Reason& reason) {
        return reason.kind == Reason::Kind::http && reason.number >= 400;
    });
    if (is_http) {
        advice +=
            " Where storage itself refuses (403, 404, 409), renew the addresses of the package: az vm reapply "
            "--resource-group <group> --name <vm>, then back up again.";
    }
    return advice;
}

Finding version_not_offered(const HandlerRefusal& refusal) {
    auto finding = Finding::needs_operator(
        fmt::format("Azure offers no package of the backup extension {}, which the guest agent is to install.",
                    refusal.version),
        {refusal.evidence},
        "Let Azure choose the version anew: az vm extension delete --resource-group <group> --vm-name <vm> --name "
        "VMSnapshotLinux, az vm reapply, and back up again, which adds the extension in its current version.");
    finding.basis = Basis::log;
    return finding;
}

Finding diagnose(const machine::Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto refusal = handler_refusal(*installed);
    if (refusal && refusal->what == HandlerRefusal::What::no_version) return version_not_offered(*refusal);
    if (!refusal || refusal->what != HandlerRefusal::What::download) {
        return Finding::healthy("The guest agent does not say that it cannot download the backup extension.");
    }
    std::vector<Evidence> evidence{refusal->evidence};
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, log_line)) {
        evidence.push_back(line->newest.evidence("the package is downloaded"));
    }
    const auto& wire_server = machine.derived<WireServerProbes>();
    if (!wire_server.not_looked()) {
        for (const auto& probe : wire_server.probes()) evidence.push_back(probe.evidence());
    }
    const auto answers = answers_in(refusal->reasons);
    auto finding = Finding::needs_operator(
        fmt::format("The guest agent cannot download the package of the backup extension {}, neither from storage nor "
                    "through the host{}.",
                    refusal->version, answers.empty() ? "" : ": " + answers),
        std::move(evidence), advice_for(machine, *refusal));
    finding.basis = Basis::log;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-package-unavailable",
        .title = "The guest agent cannot get the package of the backup extension",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "VMExtensionProvisioningError",
                        "UserErrorVmProvisioningStateFailed", "1001", "1002"},
        .disruption = Disruption::none,
        .explanation =
            "The agent fetches the extension from a storage account of Azure, directly or, where that fails, through "
            "the host (168.63.129.16, port 32526). Where both fail it leaves a folder with its own status and little "
            "else, and tries again with the next goal state. Moving that folder away changes nothing: what stops the "
            "download has to go.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/extensions/features-linux",
        .signals =
            {judged(Log::agent, log_line),
             {.role = Role::proof, .line = {Log::agent, log_line}, .with = {"VMSnapshotLinux"}, .heals_unsaid = true}},
        .consequences = {"backup-extension-state", "extension-error", "extension-not-installed-yet",
                         "extension-damaged"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_package_unavailable
