#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <future>

#include "remediations/catalogue_entries.hpp"

namespace remediations {

namespace {

/// The platform's address, the same in every Azure region; root and SYSTEM may reach it.
constexpr auto address = "168.63.129.16";

struct Endpoint {
    std::uint16_t port;
    const char* path;
    const char* used_for;
};
constexpr std::array endpoints{Endpoint{80, "/?comp=versions", "goal states"},
                               Endpoint{32526, "/versions", "status and packages"}};

std::string name_of(const Endpoint& endpoint) {
    return fmt::format("{}:{}{}", address, endpoint.port, endpoint.path);
}

std::string describe(const machine::Error& error) {
    switch (error.kind) {
        case machine::ErrorKind::refused:
            return "connection refused: a firewall in this VM, or this is no Azure VM";
        case machine::ErrorKind::timed_out:
            return "no answer: something drops the packets";
        case machine::ErrorKind::unreachable:
            return "no route to it";
        default:
            return error.message;
    }
}

Finding diagnose(const machine::Machine& machine) {
    std::vector<std::future<machine::Result<machine::HttpResponse>>> answers;
    for (const auto& endpoint : endpoints) {
        answers.push_back(std::async(std::launch::async, [&machine, endpoint] {
            return machine.network().get(
                {.host = address, .port = endpoint.port, .path = endpoint.path, .headers = {}});
        }));
    }
    std::vector<Evidence> evidence;
    std::vector<std::string> lost;
    for (std::size_t index = 0; index < endpoints.size(); ++index) {
        const auto answer = answers[index].get();
        const auto& endpoint = endpoints[index];
        if (!answer && answer.error().kind == machine::ErrorKind::not_captured) {
            return Finding::unknown(name_of(endpoint), answer.error());
        }
        evidence.push_back({name_of(endpoint),
                            answer ? fmt::format("HTTP {}", answer->status) : describe(answer.error()),
                            "an HTTP answer"});
        if (!answer) lost.push_back(fmt::format("port {} ({})", endpoint.port, endpoint.used_for));
    }
    if (lost.empty()) return Finding::healthy("The Azure platform answers.", std::move(evidence));
    return Finding::needs_operator(
        fmt::format("The Azure platform at {} does not answer on {}.", address, fmt::join(lost, " and ")),
        std::move(evidence),
        fmt::format(
            "Let root or SYSTEM reach {} on TCP 80 and 32526: look at this VM's firewall rules, routes, a proxy that "
            "takes all traffic, and whether the address comes from DHCP.",
            address));
}

}  // namespace

const Remediation wire_server_unreachable{
    .id = "wire-server-unreachable",
    .title = "The Azure platform address 168.63.129.16 cannot be reached",
    .layer = Layer::network,
    .scope = Scope::both,
    .error_codes = {"ExtensionSnapshotFailedNoNetwork", "UserErrorGuestAgentStatusUnavailable",
                    "VMAgentStatusCommunicationError", "GuestAgentSnapshotTaskStatusError"},
    .disruption = Disruption::none,
    .explanation =
        "The guest agent gets its orders from 168.63.129.16 on TCP 80 and reports through port 32526; the snapshot "
        "itself "
        "is asked for on port 80. Both are tried as root or SYSTEM, because the agent's own firewall rule shuts out "
        "everyone else. Nothing else on the network is needed for a VM backup.",
    .source = "https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16",
    .diagnose = diagnose,
    .fix = nullptr,
};

}  // namespace remediations
