#include "remediations/changes/firewall_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <optional>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::Command;
using machine::CommandOutput;
using machine::Error;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

using Words = std::vector<std::string>;

constexpr std::string_view slot_kind = "firewall-rule";
constexpr std::string_view tool_names[] = {"iptables", "nft"};

std::string_view name_of(FirewallRule::Tool tool) {
    return tool_names[static_cast<std::size_t>(tool)];
}

/// Returns true for a name that both programs take for a table or chain, and that cannot be an option.
bool is_plain_name(const std::string& name) {
    const auto allowed = [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    return !name.empty() && name.size() < 128 && name.front() != '-' && std::ranges::all_of(name, allowed);
}

/// Returns true for four numbers. iptables would also take a host name.
bool is_ipv4_address(std::string_view text) {
    for (int part = 0; part < 4; ++part) {
        const auto end = part < 3 ? text.find('.') : text.size();
        std::uint8_t number = 0;
        const auto* stop = text.data() + std::min(end, text.size());
        const auto [parsed, error] = std::from_chars(text.data(), stop, number);
        if (error != std::errc() || parsed != stop || end == text.npos) return false;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

Result<void> check(const FirewallRule& rule) {
    const auto invalid = [](const std::string& what) { return machine::Error::invalid("firewall rule: " + what); };
    if (!rule.program.starts_with('/')) return invalid("'" + rule.program + "' is not the path of a program");
    const bool family_fits =
        rule.tool == FirewallRule::Tool::nft ? rule.family == "ip" || rule.family == "inet" : rule.family.empty();
    if (!family_fits) return invalid("'" + rule.family + "' is not the family of an IPv4 table");
    for (const auto* name : {&rule.table, &rule.chain}) {
        if (!is_plain_name(*name)) return invalid("'" + *name + "' is not the name of a table or chain");
    }
    if (!is_ipv4_address(rule.address)) return invalid("'" + rule.address + "' is not an IPv4 address");
    if (rule.port == 0) return invalid("port 0 cannot be connected to");
    return {};
}

/// Returns the comment by which the rule is recognized.
std::string comment_of(const FirewallRule& rule) {
    return fmt::format("backup-remediation {}:{}", rule.address, rule.port);
}

Error refused(const std::string& program, const CommandOutput& output) {
    return machine::Error::refused(fmt::format("{} ended with exit code {}: {}", program, output.exit_code,
                                               output.err.substr(0, output.err.find('\n'))),
                                   output.exit_code);
}

// ---- iptables

Command iptables(const FirewallRule& rule, const char* action) {
    Words words{"-w", "-t", rule.table, action, rule.chain};
    if (std::string_view(action) == "-I") words.emplace_back("1");
    const Words match{"-d", rule.address, "-p",          "tcp", "-m", "tcp",     "--dport",   std::to_string(rule.port),
                      "-m", "owner",      "--uid-owner", "0",   "-m", "comment", "--comment", comment_of(rule),
                      "-j", "ACCEPT"};
    words.insert(words.end(), match.begin(), match.end());
    return {rule.program, std::move(words)};
}

Result<bool> is_in_iptables(const FirewallRule& rule, const Machine& machine) {
    const auto output = machine.processes().query(iptables(rule, "-C"));
    if (!output) return output.error();
    if (output->exit_code > 1) return refused(rule.program, *output);
    return output->exit_code == 0;
}

// ---- nft

/// Returns the objects of `kind` ("chain", "rule") in the output of nft -j.
Result<std::vector<json::object>> nft_objects(const FirewallRule& rule, const Machine& machine, const Words& listing,
                                              std::string_view kind) {
    Words words{"-j", "-a", "list"};
    words.insert(words.end(), listing.begin(), listing.end());
    const auto output = machine.processes().query({rule.program, std::move(words)});
    if (!output) return output.error();
    if (output->exit_code != 0) return refused(rule.program, *output);
    boost::system::error_code error;
    const auto document = json::parse(output->out, error);
    const auto* object = error ? nullptr : document.if_object();
    const auto* list = object ? object->if_contains("nftables") : nullptr;
    if (!list || !list->is_array()) {
        return machine::Error::invalid(fmt::format("{} -j list {}: expected an object with the list \"nftables\"{}",
                                                   rule.program, listing.front(),
                                                   error ? ", found what is not JSON: " + error.message() : ""));
    }
    std::vector<json::object> found;
    for (const auto& entry : list->get_array()) {
        const auto* wrapper = entry.if_object();
        const auto* value = wrapper ? wrapper->if_contains(kind) : nullptr;
        if (value && value->is_object()) found.push_back(value->get_object());
    }
    return found;
}

bool has(const json::object& object, std::string_view member, std::string_view text) {
    const auto* value = object.if_contains(member);
    return value && value->is_string() && value->get_string() == text;
}

/// Returns the number by which nft deletes this rule; nullopt where the rule does not exist.
Result<std::optional<std::int64_t>> nft_handle(const FirewallRule& rule, const Machine& machine) {
    const auto chains = nft_objects(rule, machine, {"chains"}, "chain");
    if (!chains) return chains.error();
    const bool chain_exists = std::ranges::any_of(*chains, [&](const json::object& chain) {
        return has(chain, "family", rule.family) && has(chain, "table", rule.table) && has(chain, "name", rule.chain);
    });
    if (!chain_exists) return std::optional<std::int64_t>();
    const auto rules = nft_objects(rule, machine, {"chain", rule.family, rule.table, rule.chain}, "rule");
    if (!rules) return rules.error();
    for (const auto& candidate : *rules) {
        if (!has(candidate, "comment", comment_of(rule))) continue;
        const auto* handle = candidate.if_contains("handle");
        if (handle && handle->is_int64()) return std::optional(handle->get_int64());
    }
    return std::optional<std::int64_t>();
}

Command nft_insert(const FirewallRule& rule) {
    return {rule.program,
            {"insert", "rule", rule.family, rule.table, rule.chain, "ip", "daddr", rule.address, "tcp", "dport",
             std::to_string(rule.port), "meta", "skuid", "0", "accept", "comment",
             fmt::format("\"{}\"", comment_of(rule))}};
}

class FirewallRuleSlot final : public Slot {
public:
    explicit FirewallRuleSlot(FirewallRule rule) : rule_(std::move(rule)) {}

    json::object identity() const override {
        return {{"kind", slot_kind},        {"tool", name_of(rule_.tool)}, {"program", rule_.program},
                {"family", rule_.family},   {"table", rule_.table},        {"chain", rule_.chain},
                {"address", rule_.address}, {"port", rule_.port}};
    }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        const auto chain = rule_.family.empty() ? fmt::format("{} {}", rule_.table, rule_.chain)
                                                : fmt::format("{} {} {}", rule_.family, rule_.table, rule_.chain);
        return fmt::format("{} {} chain {} that accepts root's TCP connections to {} port {}",
                           after == "present" ? "insert a rule in" : "remove the rule in", name_of(rule_.tool), chain,
                           rule_.address, rule_.port);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto present = is_present(machine);
        if (!present) return present.error();
        return SlotValue(*present ? "present" : "absent");
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        const auto present = is_present(machine);
        if (!present) return present.error();
        if (value == "present") return *present ? Result<void>() : run(machine, insertion());
        if (value != "absent") return machine::Error::invalid("journal: a firewall rule is present or absent");
        if (!*present) return {};
        if (rule_.tool == FirewallRule::Tool::iptables) return run(machine, iptables(rule_, "-D"));
        const auto handle = nft_handle(rule_, machine);
        if (!handle) return handle.error();
        if (!*handle) return {};
        return run(machine,
                   {rule_.program,
                    {"delete", "rule", rule_.family, rule_.table, rule_.chain, "handle", std::to_string(**handle)}});
    }

private:
    Result<bool> is_present(const Machine& machine) const {
        if (auto checked = check(rule_); !checked) return checked.error();
        if (rule_.tool == FirewallRule::Tool::iptables) return is_in_iptables(rule_, machine);
        const auto handle = nft_handle(rule_, machine);
        if (!handle) return handle.error();
        return handle->has_value();
    }

    Command insertion() const {
        return rule_.tool == FirewallRule::Tool::iptables ? iptables(rule_, "-I") : nft_insert(rule_);
    }

    static Result<void> run(Machine& machine, const Command& command) {
        const auto output = machine.processes().run(command);
        if (!output) return output.error();
        if (output->exit_code != 0) return refused(command.program, *output);
        return {};
    }

    FirewallRule rule_;
};

Result<std::unique_ptr<Slot>> firewall_rule_slot_from(const json::object& identity) {
    auto rule = firewall_rule_from(identity);
    if (!rule) return invalid_value(rule.error().message);
    return firewall_rule_slot(std::move(*rule));
}

}  // namespace

std::unique_ptr<Slot> firewall_rule_slot(FirewallRule rule) {
    return std::make_unique<FirewallRuleSlot>(std::move(rule));
}

Result<FirewallRule> firewall_rule_from(const json::object& identity) {
    const auto text = [&](const char* member) { return text_of(identity, member); };
    const auto* tool = std::ranges::find(tool_names, text("tool"));
    if (tool == std::end(tool_names)) {
        return machine::Error::invalid("firewall rule: '" + text("tool") + "' is neither iptables nor nft");
    }
    const auto* number = identity.if_contains("port");
    const auto port = json::try_value_to<std::uint16_t>(number ? *number : json::value());
    FirewallRule rule{static_cast<FirewallRule::Tool>(tool - std::begin(tool_names)),
                      text("program"),
                      text("family"),
                      text("table"),
                      text("chain"),
                      text("address"),
                      port ? *port : std::uint16_t{0}};
    if (auto checked = check(rule); !checked) return checked.error();
    return rule;
}

extern const SlotKind firewall_rule_kind{slot_kind, {"tool"}, firewall_rule_slot_from};

}  // namespace remediations
