#include "remediations/knowledge/network/firewall.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <optional>

#include "remediations/knowledge/network/iptables_rules.hpp"
#include "remediations/knowledge/network/nftables_rules.hpp"

namespace remediations {

using machine::Error;
using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr auto time_limit = std::chrono::milliseconds(10000);
/// A cluster's node has ten thousands of rules: some megabytes of text.
constexpr std::size_t most_text = std::size_t{32} << 20;
/// The tables that legacy iptables has created. No file, or an empty one, means none.
constexpr auto legacy_tables = "/proc/net/ip_tables_names";

struct ProgramOutput {
    std::string program;  ///< its path; empty where it is not installed
    std::string text;
};

Result<ProgramOutput> output_of(const Machine& machine, const std::string& name,
                                const std::vector<std::string>& arguments) {
    std::optional<Error> unseen;
    for (const auto* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/"}) {
        auto program = name.starts_with('/') ? name : folder + name;
        auto output = machine.processes().query({program, arguments, time_limit, most_text});
        if (!output && output.error().kind == ErrorKind::not_found) continue;
        if (!output && output.error().kind == ErrorKind::not_captured) {
            unseen = output.error();
            continue;
        }
        if (!output) return output.error();
        if (output->exit_code != 0) {
            return machine::Error::refused(program + " ended with exit code " + std::to_string(output->exit_code) +
                                               ": " + output->err.substr(0, output->err.find('\n')),
                                           output->exit_code);
        }
        return ProgramOutput{std::move(program), std::move(output->out)};
    }
    if (unseen) return *unseen;
    return ProgramOutput{};
}

bool has_content(const Machine& machine, const machine::Path& path) {
    const auto text = machine.files().read(path);
    return text && !boost::algorithm::trim_copy(*text).empty();
}

bool is_loaded(const Machine& machine, const std::string& module) {
    const auto modules = machine.files().read("/proc/modules");
    return modules && (modules->starts_with(module + " ") || boost::contains(*modules, "\n" + module + " "));
}

class Reader {
public:
    Reader(const Machine& machine, const OutgoingConnection& connection) : machine_(machine), connection_(connection) {}

    Result<std::vector<FirewallView>> read() {
        const bool has_legacy_tables = has_content(machine_, legacy_tables);
        if (auto read = read_iptables("iptables-save"); !read) return read.error();
        if (has_legacy_tables && !shows_legacy_) {
            if (auto read = read_iptables("iptables-legacy-save"); !read) return read.error();
        }
        if (auto read = read_nftables(); !read) return read.error();
        const bool misses_rules =
            (has_legacy_tables && !shows_legacy_) || (!shows_nftables_ && is_loaded(machine_, "nf_tables"));
        if (views_.empty() && misses_rules) {
            return machine::Error::not_found(
                "a packet filter is in use, but neither nft nor iptables-save is installed to show its rules");
        }
        return std::move(views_);
    }

private:
    Result<void> read_iptables(const std::string& name) {
        const auto rules = output_of(machine_, name, {});
        if (!rules) return rules.error();
        if (rules->program.empty()) return {};
        const auto& save = rules->program;
        FirewallView view{FirewallRule::Tool::iptables, save.substr(0, save.size() - std::string_view("-save").size()),
                          parse_iptables_save(rules->text, connection_)};
        // Both kinds begin with a comment that names the tool; of a kernel without tables there is nothing to tell.
        const bool is_nftables = boost::contains(rules->text.substr(0, rules->text.find('\n')), "nf_tables");
        (is_nftables ? shows_nftables_ : shows_legacy_) = true;
        if (is_nftables) tables_of_iptables_ = tables_of(view.chains);
        views_.push_back(std::move(view));
        return {};
    }

    Result<void> read_nftables() {
        const auto ruleset = output_of(machine_, "nft", {"-j", "list", "ruleset"});
        if (ruleset && ruleset->program.empty()) return {};
        auto chains =
            ruleset ? parse_nftables_ruleset(ruleset->text, connection_) : Result<FilterChains>(ruleset.error());
        if (!chains) {
            // A tool too old for JSON, which says so, goes with rules that iptables made. Any other failure means that
            // there may be rules nobody has seen.
            const bool is_too_old =
                ruleset ? !ruleset->text.starts_with('{') : ruleset.error().kind == ErrorKind::refused;
            return views_.empty() || !is_too_old ? Result<void>(chains.error()) : Result<void>();
        }
        // nft lists the rules of iptables too, but cannot name some of their conditions.
        std::erase_if(*chains, [&](const auto& entry) {
            return std::ranges::find(tables_of_iptables_, entry.second.table) != tables_of_iptables_.end();
        });
        shows_nftables_ = true;
        views_.push_back({FirewallRule::Tool::nft, ruleset->program, std::move(*chains)});
        return {};
    }

    /// Returns the tables by nft's names.
    static std::vector<std::string> tables_of(const FilterChains& chains) {
        std::vector<std::string> tables;
        for (const auto& [name, chain] : chains) tables.push_back("ip " + chain.table);
        return tables;
    }

    const Machine& machine_;
    const OutgoingConnection& connection_;
    std::vector<FirewallView> views_;
    std::vector<std::string> tables_of_iptables_;
    bool shows_legacy_ = false;
    bool shows_nftables_ = false;
};

/// Makes the rule for a chain: "inet filter output" is of family inet and table filter; "filter OUTPUT" of table
/// filter.
FirewallRule rule_for(const FirewallView& view, const FilterBlock& block, const std::string& address,
                      std::uint16_t port) {
    std::vector<std::string> words;
    boost::split(words, block.base_chain, boost::is_any_of(" "));
    const bool has_family = view.tool == FirewallRule::Tool::nft;
    words.resize(has_family ? 3 : 2);
    return {view.tool, view.program, has_family ? words[0] : std::string(), words[words.size() - 2], words.back(),
            address,   port};
}

}  // namespace

std::string FirewallBlock::where() const {
    return (tool == FirewallRule::Tool::nft ? "nft " : "iptables ") + block.chain;
}

bool FirewallBlock::is_of_guest_agent() const {
    if (tool == FirewallRule::Tool::nft) return block.table == "ip walinuxagent";
    return block.table == "security" && boost::contains(block.rule, "168.63.129.16") &&
           boost::contains(block.rule, "INVALID,NEW");
}

Result<std::vector<FirewallView>> look_at_firewall(const Machine& machine, const OutgoingConnection& connection) {
    return Reader(machine, connection).read();
}

std::vector<FirewallBlock> blocks_in(const std::vector<FirewallView>& views) {
    std::vector<FirewallBlock> blocks;
    for (const auto& view : views) {
        for (auto& block : blocks_of(view.chains)) blocks.push_back({view.tool, view.program, std::move(block)});
    }
    std::stable_partition(blocks.begin(), blocks.end(), [](const FirewallBlock& block) { return block.block.certain; });
    return blocks;
}

std::vector<FirewallRule> rules_that_let_through(std::vector<FirewallView> views, const std::string& address,
                                                 std::uint16_t port) {
    std::vector<FirewallRule> rules;
    for (auto& view : views) {
        for (auto blocks = blocks_of(view.chains); !blocks.empty(); blocks = blocks_of(view.chains)) {
            rules.push_back(rule_for(view, blocks.front(), address, port));
            // With the rule in place the connection meets nothing more in this chain.
            view.chains[blocks.front().base_chain].rules = {};
            view.chains[blocks.front().base_chain].policy = FilterAction::accept;
        }
    }
    return rules;
}

std::string rule_text(const Machine& machine, const FirewallBlock& block) {
    if (block.tool == FirewallRule::Tool::iptables || !block.block.rule.starts_with("handle ")) return block.block.rule;
    std::vector<std::string> names;
    boost::split(names, block.block.chain, boost::is_any_of(" "));
    std::vector<std::string> arguments{"-a", "list", "chain"};
    arguments.insert(arguments.end(), names.begin(), names.end());
    const auto listed = output_of(machine, block.program, arguments);
    if (!listed) return block.block.rule;
    std::vector<std::string> lines;
    boost::split(lines, listed->text, boost::is_any_of("\n"));
    const auto line =
        std::ranges::find_if(lines, [&](const std::string& text) { return text.ends_with(" # " + block.block.rule); });
    if (line == lines.end()) return block.block.rule;
    return boost::algorithm::trim_copy(line->substr(0, line->rfind(" # ")));
}

}  // namespace remediations
