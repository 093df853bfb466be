#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/network/azure_vm.hpp"
#include "remediations/knowledge/network/firewall.hpp"
#include "remediations/knowledge/network/platform_probes.hpp"
#include "remediations/knowledge/network/routes.hpp"
#include "remediations/machine/ipv4.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::guest_firewall_blocks_wire_server {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr std::uint16_t ports[] = {80, 32526};

/// The files of packet filters with the rules that they load at boot.
constexpr const char* rule_files[] = {
    "/etc/nftables.conf",      "/etc/sysconfig/nftables.conf", "/etc/iptables/rules.v4",
    "/etc/sysconfig/iptables", "/etc/ufw/user.rules",          "/etc/ufw/before.rules",
    "/etc/ufw/after.rules",    "/etc/firewalld/direct.xml",    "/etc/network/iptables",
};

/// The agent's lines after it has carried out a goal state from this very address.
constexpr const char* got_through[] = {"ProcessExtensionsGoalState completed",
                                       "ProcessExtensionsInGoalState completed"};
/// A more recent line shows the current state of the firewall.
constexpr auto fresh = std::chrono::minutes(1);

OutgoingConnection connection_to(const Machine& machine, std::uint16_t port) {
    OutgoingConnection connection{.destination = *machine::parse_ipv4(wire_server_address), .port = port};
    const auto source = machine.network().source_address(wire_server_address);
    if (!source) return connection;
    connection.source = machine::parse_ipv4(*source);
    if (const auto interfaces = machine.network().interfaces()) {
        if (const auto* interface = interface_with(*interfaces, *source)) connection.interface = interface->name;
    }
    return connection;
}

/// Returns true if the block fits the failure: a dropped packet gets no answer, a rejected one gets one at once.
bool explains_failure(const FirewallBlock& block, const machine::Error& failure) {
    if (block.block.action == FilterAction::redirect) return true;
    // Dropped on its way out of this machine, a packet comes back to whoever sends it as EPERM.
    constexpr long not_permitted = 1;
    if (failure.code == not_permitted) return block.block.action == FilterAction::drop;
    return (block.block.action == FilterAction::drop) == (failure.kind == ErrorKind::timed_out);
}

struct Blocked {
    std::uint16_t port = 0;
    FirewallBlock block;
};

/// Returns what stops the failed connections in the way in which they failed: for each port the first rule that
/// certainly does, else those that may.
Result<std::vector<Blocked>> find_blocks(const Machine& machine) {
    std::vector<Blocked> found;
    for (const auto& probe : machine.derived<WireServerProbes>().probes()) {
        if (probe.answer || std::ranges::any_of(found, [&](const auto& b) { return b.port == probe.port; })) continue;
        const auto views = look_at_firewall(machine, connection_to(machine, probe.port));
        if (!views) return views.error();
        for (const auto& block : blocks_in(*views)) {
            // A drop refuses nothing: whoever was refused got through, or was stopped by another.
            if (!explains_failure(block, probe.answer.error())) continue;
            found.push_back({probe.port, block});
            if (block.block.certain) break;
        }
    }
    return found;
}

/// Returns the lines of rule files that name the address.
std::vector<Evidence> lines_in_files(const Machine& machine) {
    std::vector<Evidence> lines;
    for (const auto* file : rule_files) {
        const auto text = machine.files().read(file);
        if (!text) continue;
        std::size_t number = 0;
        std::vector<std::string> all;
        boost::split(all, *text, boost::is_any_of("\n"));
        for (const auto& line : all) {
            ++number;
            const bool is_comment = line.starts_with('#');
            if (is_comment || !boost::contains(line, wire_server_address) || lines.size() >= 5) continue;
            lines.push_back({fmt::format("{}:{}", file, number), line.substr(0, 200), "no rule against it"});
        }
    }
    return lines;
}

bool runs(const Machine& machine, const std::string& service) {
    const auto found = machine.services().find(service);
    return found && found->state == machine::ServiceState::running;
}

/// Returns how to remove the rule for good: a rule that is only deleted comes back when the firewall is started again.
std::string permanent_advice(const Machine& machine, const std::vector<Blocked>& blocked) {
    const auto any_chain = [&](std::string_view part) {
        return std::ranges::any_of(blocked, [&](const auto& b) { return boost::icontains(b.block.block.chain, part); });
    };
    if (any_chain("ufw")) {
        return fmt::format(
            "For good, with ufw: \"ufw insert 1 allow out to {} proto tcp port 80,32526\", and delete "
            "the rule that denies it (\"ufw status numbered\").",
            wire_server_address);
    }
    if (any_chain("firewalld") || any_chain("_direct") || runs(machine, "firewalld")) {
        return "For good, with firewalld: remove the rule (\"firewall-cmd --permanent --direct --get-all-rules\", or "
               "the policies and rich rules in \"firewall-cmd --list-all-policies\" and \"--list-all-zones\"), then "
               "\"firewall-cmd --reload\".";
    }
    if (runs(machine, "nftables")) {
        return "For good: remove the rule from the file that service nftables loads (/etc/nftables.conf or "
               "/etc/sysconfig/nftables.conf).";
    }
    return "For good: remove the rule where it is made (a saved rule file, a script run at boot, a security product).";
}

std::string verb_for(FilterAction action) {
    return action == FilterAction::drop ? "drops" : action == FilterAction::reject ? "rejects" : "redirects";
}

/// Returns true if the kernel has the match by owner, with which the agent's rules let root through: as a module or
/// built in. nullopt where that is not known.
std::optional<bool> has_owner_match(const Machine& machine) {
    const auto release = machine.files().read("/proc/sys/kernel/osrelease");
    if (!release) return std::nullopt;
    const auto folder = "/lib/modules/" + boost::trim_copy(*release);
    if (const auto built_in = machine.files().read(folder + "/modules.builtin");
        built_in && boost::contains(*built_in, "/xt_owner.ko")) {
        return true;
    }
    const auto modules = machine.files().list(folder + "/kernel/net/netfilter");
    if (!modules) return std::nullopt;
    return std::ranges::any_of(*modules, [](const std::string& name) { return name.starts_with("xt_owner.ko"); });
}

/// Returns the finding that the guest agent's own rules block it: one is missing, or their order is wrong.
Finding own_rules(const Machine& machine, const FirewallBlock& block, std::vector<Evidence> evidence) {
    const auto owner = has_owner_match(machine);
    if (owner == false) {
        evidence.push_back({"/lib/modules/.../kernel/net/netfilter", "without xt_owner",
                            "the module with which a rule matches root's packets (kernel-modules-extra)"});
    }
    auto lines = lines_in_files(machine);
    const bool is_saved = std::ranges::any_of(
        lines, [](const auto& line) { return line.where.starts_with("/etc/firewalld/direct.xml"); });
    std::ranges::move(lines, std::back_inserter(evidence));
    const auto& configuration = AgentConfiguration::of(machine);
    const auto path = configuration ? configuration->path() : machine::Path("/etc/waagent.conf");
    const bool uses_nft = block.tool == FirewallRule::Tool::nft;
    auto advice = fmt::format(
        "Set OS.EnableFirewall=n in {}, so that the guest agent does not make these rules again, delete its DROP rule "
        "for {} ({}), and restart the guest agent. A restart alone brings the rule back as it is.",
        path, wire_server_address,
        uses_nft ? "nft -a list ruleset shows its handle, nft delete rule ... handle N"
                 : "iptables -w -t security -D OUTPUT -d 168.63.129.16 -p tcp -m conntrack --ctstate INVALID,NEW -j "
                   "DROP");
    if (is_saved) {
        advice +=
            " firewalld loads it at every boot: remove it there too (firewall-cmd --permanent --direct "
            "--get-all-rules, then --remove-rule; firewall-cmd --reload).";
    }
    if (owner == false) {
        advice +=
            " To keep the rules instead, install the kernel's module xt_owner (package kernel-modules-extra of "
            "the running kernel) and restart the agent: without it the rule that lets root pass cannot be made.";
    } else {
        advice +=
            " To keep the rules instead, put the one that accepts root before the DROP rule (iptables -w -t "
            "security -I OUTPUT -d 168.63.129.16 -p tcp -m owner --uid-owner 0 -j ACCEPT) and find out which "
            "script or product changes the table 'security'.";
    }
    return Finding::needs_operator(
        fmt::format("The guest agent's own firewall rules shut out root as well: the rule that drops everything for {} "
                    "is there, the one that lets root pass is missing or stands behind it{}.",
                    wire_server_address,
                    owner == false ? ", because this kernel has no match by owner (xt_owner)" : ""),
        std::move(evidence), std::move(advice));
}

Finding blocked_finding(const Machine& machine, const std::vector<Blocked>& blocked) {
    std::vector<Evidence> evidence;
    for (const auto& probe : machine.derived<WireServerProbes>().probes()) evidence.push_back(probe.evidence());
    for (const auto& [port, block] : blocked) {
        evidence.push_back({block.where(), rule_text(machine, block),
                            fmt::format("root's connections to {} port {} pass", wire_server_address, port)});
    }
    const auto& first = blocked.front().block;
    if (first.is_of_guest_agent()) return own_rules(machine, first, std::move(evidence));
    auto files = lines_in_files(machine);
    std::ranges::move(files, std::back_inserter(evidence));
    const auto advice = permanent_advice(machine, blocked);
    if (!first.block.certain) {
        return Finding::needs_operator(
            fmt::format("A rule of this VM's firewall in chain {} may stop connections to {}: whether its conditions "
                        "are met cannot be seen from its text.",
                        first.where(), wire_server_address),
            std::move(evidence),
            fmt::format("Put a rule before it that accepts root's TCP connections to {} ports 80 and 32526, and see "
                        "whether the platform answers. {}",
                        wire_server_address, advice));
    }
    return Finding::broken(
               fmt::format("This VM's firewall {} connections to {}: chain {}.", verb_for(first.block.action),
                           wire_server_address, first.where()),
               std::move(evidence),
               fmt::format("Let root's TCP connections to {} ports 80 and 32526 pass. {}", wire_server_address, advice))
        .as_security_change();
}

/// Judges by the rules where nobody tried the address: a known rule stops it for certain, or a saved rule names it.
Finding judge_rules_alone(const Machine& machine, const machine::Error& error) {
    auto blocked = find_blocks(machine);
    if (blocked) std::erase_if(*blocked, [](const auto& one) { return !one.block.block.certain; });
    if (blocked && !blocked->empty()) return blocked_finding(machine, *blocked);
    auto lines = lines_in_files(machine);
    std::erase_if(lines, [](const auto& line) {
        constexpr const char* verdicts[] = {"DROP", "REJECT", "drop", "reject", "deny"};
        return std::ranges::none_of(verdicts, [&](const auto* verdict) { return boost::contains(line.seen, verdict); });
    });
    if (blocked || lines.empty()) return Finding::unknown("the rules of this VM's firewall", error);
    return Finding::needs_operator(
        fmt::format("A saved rule of this VM's firewall stops connections to {}.", wire_server_address),
        std::move(lines),
        fmt::format("Remove it and load the firewall anew; root's TCP connections to {} ports 80 and 32526 must pass.",
                    wire_server_address));
}

/// Returns the agent's line that says that it has just reached the platform: then it passes, whatever the text of a
/// rule says.
const LogMatch* agent_that_got_through(const Machine& machine) {
    for (const auto* text : got_through) {
        const auto* match = machine.derived<LogEvidence>().find(Log::agent, text);
        if (match && match->newest.time && machine.facts().now - *match->newest.time < fresh) return match;
    }
    return nullptr;
}

Finding diagnose(const Machine& machine) {
    if (!machine.derived<AzureVm>().is_one()) return AzureVm::elsewhere();
    const auto& wire_server = machine.derived<WireServerProbes>();
    if (const auto error = wire_server.not_looked()) return judge_rules_alone(machine, *error);
    const auto* failure = wire_server.failure();
    if (!failure) {
        return Finding::healthy(fmt::format("No firewall keeps this VM from {}: it answers.", wire_server_address),
                                {wire_server.probes()[0].evidence(), wire_server.probes()[1].evidence()});
    }
    const auto source = machine.network().source_address(wire_server_address);
    if (!source && source.error().kind != ErrorKind::not_captured) {
        return Finding::healthy("Packets do not get as far as a firewall: there is no route for them.",
                                {failure->evidence()});
    }
    auto blocked = find_blocks(machine);
    if (!blocked) return Finding::unknown("the rules of this VM's firewall", blocked.error());
    if (blocked->empty()) {
        return Finding::healthy(
            fmt::format("No rule of this VM's firewall stops root's connections to {}.", wire_server_address),
            {failure->evidence()});
    }
    const auto* veto = agent_that_got_through(machine);
    if (!veto) return blocked_finding(machine, *blocked);
    for (auto& one : *blocked) one.block.block.certain = false;
    auto finding = blocked_finding(machine, *blocked);
    finding.evidence.push_back(veto->newest.evidence("an agent that cannot reach the platform gets no goal state"));
    return finding;
}

/// Keeps the new rules only where they help: the platform does not answer right before, and answers right after.
/// Otherwise returns an error, so that the caller undoes them.
Result<void> fix(const Finding&, Changes& changes) {
    std::vector<std::uint16_t> closed;
    // All are worked out before the first is made: what is in place then changes what is seen.
    std::vector<FirewallRule> rules;
    for (const auto port : ports) {
        const auto views = look_at_firewall(changes.machine(), connection_to(changes.machine(), port));
        if (!views) return views.error();
        auto for_port = rules_that_let_through(*views, wire_server_address, port);
        if (for_port.empty()) continue;
        if (!changes.is_plan() && wire_server_answers_now(changes.machine(), port)) continue;
        closed.push_back(port);
        std::ranges::move(for_port, std::back_inserter(rules));
    }
    if (closed.empty()) {
        return machine::Error::failed(fmt::format("{} answers by now, without a change", wire_server_address));
    }
    for (const auto& rule : rules) {
        if (auto allowed = changes.allow_outbound(rule); !allowed) return allowed;
    }
    if (changes.is_plan()) return {};
    for (const auto port : closed) {
        if (wire_server_answers_now(changes.machine(), port)) continue;
        return machine::Error::failed(
            fmt::format("{} port {} does not answer with the rule in place either, so something else "
                        "keeps the VM from it",
                        wire_server_address, port));
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "guest-firewall-blocks-wire-server",
        .title = "A firewall in the VM blocks the Azure platform address 168.63.129.16",
        .layer = Layer::network,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "ExtensionSnapshotFailedNoNetwork",
                        "VMAgentStatusCommunicationError", "GuestAgentSnapshotTaskStatusError",
                        "VMRestorePointInternalError", "InternalError"},
        .disruption = Disruption::none,
        .explanation =
            "A rule of nftables or iptables drops or rejects what this VM sends to 168.63.129.16, so the guest agent "
            "gets no orders and its status does not arrive. A network security group cannot do that. The rules are "
            "read only where the address does not answer, and followed as a first packet of root would meet them; the "
            "guest agent's own rules let root through and are left alone. The fix puts a rule first that accepts "
            "root's connections, and takes it back where the platform does not answer right then; it lasts until the "
            "firewall is loaded anew, so the rule has to go from where it comes from too.",
        .source = "https://jpaztech.github.io/blog/vm/vmagent-notready/",
        .signals = {judged(Log::agent, got_through[0]), judged(Log::agent, got_through[1])},
        .consequences = {"wire-server-unreachable", "dhcp-disabled", "duplicate-network-configuration", "agent-proxy"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::guest_firewall_blocks_wire_server
