#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/goal_state_failures.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::goal_state_refused {

namespace {

/// The kind of an answer that came over a working connection but is not a goal state.
enum class Kind {
    none,
    platform,     ///< the host or the wire server failed, HTTP 5xx
    container,    ///< it no longer knows the agent's container
    refused,      ///< any other HTTP status of 400 and more
    certificate,  ///< the answer lacks a certificate
    unreadable,   ///< the answer cannot be parsed
};

struct Refusal {
    Kind kind = Kind::none;
    std::string why;  ///< "HTTP status 500"
};

bool is_about_container(const LogLine& line) {
    return boost::icontains(line.text, "InvalidContainer") || boost::icontains(line.text, "ResourceGone");
}

Refusal refusal_in(const LogLine& line) {
    const auto reasons = reasons_in(line.text);
    const auto http = std::ranges::find_if(
        reasons, [](const Reason& reason) { return reason.kind == Reason::Kind::http && reason.number >= 400; });
    if (is_about_container(line)) {
        return {Kind::container, http == reasons.end() ? "its container id is unknown" : description_of(*http)};
    }
    if (http != reasons.end()) {
        const bool is_gone = http->number == 410;
        const auto kind = is_gone ? Kind::container : http->number >= 500 ? Kind::platform : Kind::refused;
        return {kind, description_of(*http)};
    }
    if (boost::icontains(line.text, "certificate")) return {Kind::certificate, "a certificate is missing"};
    constexpr std::string_view parsers[] = {"JSONDecodeError", "ExpatError",           "not well-formed",
                                            "ParseError",      "VmSettingsParseError", "No JSON object"};
    for (const auto parser : parsers) {
        if (boost::contains(line.text, parser)) return {Kind::unreadable, std::string(parser)};
    }
    return {};
}

constexpr auto reapply = "az vm reapply --resource-group <group> --name <vm>";

std::string advice_for(Kind kind) {
    switch (kind) {
        case Kind::platform:
            return fmt::format(
                "Nothing in the VM is wrong: the host fails. Look at Azure status and the VM's Resource health; have "
                "the platform write the goal state anew ({}), then redeploy the VM, or deallocate and start it, which "
                "puts it on another host. If it goes on, open a support request with these lines.",
                reapply);
        case Kind::container:
            return fmt::format(
                "Restart the guest agent: it asks with a stale container id. If the same answer comes "
                "back, reapply the VM ({}) or redeploy it.",
                reapply);
        case Kind::certificate:
            return fmt::format(
                "Reapply the VM, which makes the platform send its certificates again: {}. Then restart "
                "the guest agent.",
                reapply);
        default:
            return fmt::format(
                "Have the platform write the goal state anew: {}. If the same answer comes back, "
                "redeploy the VM, or open a support request with these lines.",
                reapply);
    }
}

Finding diagnose(const machine::Machine& machine) {
    const auto failing = failing_fetch(machine);
    if (!failing) return Finding::healthy("The log of the guest agent tells of no goal state that it cannot get.");
    const auto refusal = refusal_in(failing->line);
    std::vector<Evidence> evidence{failing->line.evidence("the goal state is fetched")};
    const auto& wire_server = machine.derived<WireServerProbes>();
    const bool is_known = !wire_server.not_looked();
    if (is_known) {
        for (const auto& probe : wire_server.probes()) evidence.push_back(probe.evidence());
    }
    if (refusal.kind == Kind::none || (is_known && !wire_server.reachable())) {
        return Finding::healthy("The guest agent cannot get its goal state, but not because of an answer to it.",
                                std::move(evidence));
    }
    constexpr std::uint64_t too_often = 2;
    if (failing->count < too_often) {
        return Finding::healthy("One request for the goal state was refused; the agent asks again.",
                                std::move(evidence));
    }
    constexpr std::string_view who[] = {"",
                                        "the host of the VM fails",
                                        "the host does not know its container id",
                                        "the platform refuses it",
                                        "a certificate is missing in it",
                                        "it cannot be read"};
    auto finding = Finding::needs_operator(
        fmt::format("The guest agent reaches the platform but cannot get its goal state: {} ({}). So it learns of no "
                    "backup.",
                    who[static_cast<std::size_t>(refusal.kind)], refusal.why),
        std::move(evidence), advice_for(refusal.kind));
    finding.basis = Basis::log;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "goal-state-refused",
        .title = "The platform answers the guest agent's request for its goal state with an error",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "VMAgentStatusCommunicationError", "VMRestorePointInternalError", "InternalError"},
        .disruption = Disruption::none,
        .explanation =
            "The agent learns from the goal state that it is to run the backup extension. It asks for it at "
            "168.63.129.16, port 80 and 32526. Where the answer comes but is an error (HTTP 4xx or 5xx), or is none "
            "that the agent can use, the network is well and the fault lies with the host, with what Azure keeps of "
            "this VM, or with a container id that the agent keeps and the host does not know any more.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/3256",
        .signals = all_judged(failing_fetch_lines()),
        .consequences = {"agent-crash-looping", "agent-hung", "agent-status-not-reported", "agent-not-ready-yet",
                         "backup-extension-state", "transport-certificate-missing"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::goal_state_refused
