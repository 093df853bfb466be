#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>
#include <charconv>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/agent/packaged_configuration.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_configuration_values {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr auto path = "/etc/waagent.conf";
constexpr auto period = "Extensions.GoalStatePeriod";
/// Seconds between two requests for a goal state: the agent's default, and the longest period that leaves a backup time
/// for its snapshot.
constexpr auto usual_period = "6";
constexpr int longest_period = 300;

/// The first agent that ends a value at '#'.
constexpr std::string_view knows_trailing_comments = "2.2.19";

/// If decryption failed, the agent logs the command with which it decrypts certificates.
constexpr auto decryption_line = " cms -decrypt -in ";

/// Keys for which a misspelling matters. The agent compares keys with case.
constexpr const char* known_keys[] = {
    "Extensions.Enabled", "Lib.Dir",        "Pid.File",       "Extension.LogDir",   "OS.EnableFIPS",
    "OS.OpensslPath",     "HttpProxy.Host", "HttpProxy.Port", "AutoUpdate.Enabled", "AutoUpdate.UpdateToLatestVersion",
};
/// Switches that matter. Their default is y, which backups need.
constexpr const char* switches[] = {"Extensions.Enabled", "AutoUpdate.Enabled", "AutoUpdate.UpdateToLatestVersion"};

enum class Fault { none, missing, empty, trailing_comment, long_period };

struct Examination {
    Fault fault = Fault::none;
    std::vector<Evidence> evidence;
};

std::string place_of(const AgentConfiguration& configuration, const AgentConfiguration::Line& line) {
    return fmt::format("{}:{}", configuration.path(), line.number);
}

void note_odd_lines(const AgentConfiguration& configuration, std::vector<Evidence>& evidence) {
    for (const auto& line : configuration.lines()) {
        for (const auto* key : known_keys) {
            if (boost::iequals(line.key, key) && line.key != key) {
                evidence.push_back({place_of(configuration, line), line.text,
                                    fmt::format("no such line, or {}: otherwise it has no effect", key)});
            }
        }
        for (const auto* key : switches) {
            const bool understood =
                boost::iequals(line.value, "y") || boost::iequals(line.value, "n") || line.value == "None";
            if (line.key == key && !understood) {
                evidence.push_back(
                    {place_of(configuration, line), line.text, "y or n; any other word means y, the default"});
            }
        }
    }
}

/// Returns the goal state period in effect, where it is set to a number.
std::optional<int> period_of(const AgentConfiguration& configuration) {
    const auto lines = configuration.lines_of(period);
    if (lines.empty()) return std::nullopt;
    const auto& value = lines.back().value;
    int seconds = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size()) return std::nullopt;
    return seconds;
}

Examination examine(const Machine& machine, const AgentConfiguration& configuration) {
    Examination result;
    if (configuration.is_empty()) {
        return {Fault::empty, {{configuration.path(), "empty", "at least Extensions.Enabled=y"}}};
    }
    const auto version = goal_state_agent_version(machine);
    const auto* decryption = machine.derived<LogEvidence>().find_current(Log::agent, decryption_line);
    const bool ran_a_comment = decryption && decryption->newest.text.find('#') != std::string::npos;
    if (ran_a_comment || (version && compare_versions(version->version, knows_trailing_comments) < 0)) {
        for (const auto& line : configuration.lines()) {
            const auto value = line.text.substr(line.text.find('=') + 1);
            const auto comment = value.find('#');
            if (comment == std::string::npos || comment == 0) continue;
            result.fault = Fault::trailing_comment;
            result.evidence.push_back({place_of(configuration, line), line.text, "no comment after the value"});
        }
        if (result.fault != Fault::none) {
            if (ran_a_comment) result.evidence.push_back(decryption->newest.evidence("the path of openssl"));
            if (version) {
                result.evidence.push_back({version->where, "agent " + version->version,
                                           fmt::format("{} or later ends a value at '#'", knows_trailing_comments)});
            }
            return result;
        }
    }
    if (const auto seconds = period_of(configuration); seconds.value_or(0) > longest_period) {
        const auto line = configuration.lines_of(period).back();
        result.fault = Fault::long_period;
        result.evidence.push_back(
            {place_of(configuration, line), line.text, fmt::format("{} seconds, the default", usual_period)});
    }
    note_odd_lines(configuration, result.evidence);
    return result;
}

Result<Examination> examine(const Machine& machine) {
    const auto& configuration = AgentConfiguration::of(machine);
    if (configuration) return examine(machine, *configuration);
    if (configuration.error().kind != ErrorKind::not_found) return configuration.error();
    // An agent that runs has found its configuration, at a place that is not known here.
    const auto processes = agent_processes(machine);
    if (!processes) return processes.error();
    if (processes->any() || !agent_program(machine)) return configuration.error();
    return Examination{Fault::missing, {{path, "missing", "the agent's configuration"}}};
}

/// An empty file has to go first: package managers put back only what is missing.
std::string put_back_advice(const Machine& machine, bool is_empty) {
    const auto package = agent_package(machine);
    if (!package) {
        return fmt::format(
            "Put back {} from the agent's package, or write Extensions.Enabled=y into it, and restart the guest agent.",
            path);
    }
    return fmt::format("Put back {} from the agent's package, as root: {}{}, and restart the guest agent.", path,
                       is_empty ? fmt::format("rm {} && ", path) : "", package->restore_command);
}

Finding diagnose(const Machine& machine) {
    auto examined = examine(machine);
    if (!examined && examined.error().kind == ErrorKind::not_found) {
        return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
    }
    if (!examined) return Finding::unknown(path, examined.error());
    auto& evidence = examined->evidence;
    switch (examined->fault) {
        case Fault::none:
            break;
        case Fault::missing:
        case Fault::empty:
            return Finding::broken(fmt::format("{} is {}, and without a configuration the agent ends at once.", path,
                                               examined->fault == Fault::empty ? "empty" : "missing"),
                                   std::move(evidence), put_back_advice(machine, examined->fault == Fault::empty));
        case Fault::trailing_comment:
            return Finding::broken("This old agent takes the comments behind values of waagent.conf as part of them.",
                                   std::move(evidence),
                                   "Remove the comments that follow values, restart the guest agent and update it.");
        case Fault::long_period:
            return Finding::broken("The guest agent looks for work so rarely that a backup gives up before.",
                                   std::move(evidence),
                                   fmt::format("Set {}={} and restart the guest agent.", period, usual_period));
    }
    return Finding::healthy("waagent.conf has no value that hinders the agent.", std::move(evidence));
}

/// The package's own text or, where no copy of it is on this VM, one that leaves everything to the agent's defaults.
std::string own_or_minimal_text(const Machine& machine) {
    auto packaged = packaged_agent_configuration(machine);
    if (packaged) return std::move(packaged->text);
    return "# Everything else has the agent's defaults.\nExtensions.Enabled=y\n";
}

Result<void> fix(const Finding&, Changes& changes) {
    const auto examined = examine(changes.machine());
    if (!examined) return examined.error();
    const auto configuration = AgentConfiguration::read(changes.machine());
    const machine::Path file = configuration ? configuration->path() : path;
    std::string text;
    switch (examined->fault) {
        case Fault::none:
            return {};
        case Fault::missing:
        case Fault::empty:
            text = own_or_minimal_text(changes.machine());
            break;
        case Fault::trailing_comment:
            if (!configuration) return configuration.error();
            text = configuration->without_trailing_comments();
            break;
        case Fault::long_period:
            if (!configuration) return configuration.error();
            text = configuration->with_value(period, usual_period);
            break;
    }
    if (auto written = changes.write_file(file, text, 0644); !written) return written;
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-configuration-values",
        .title = "waagent.conf hinders the guest agent",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentStatusUnavailable", "GuestAgentSnapshotTaskStatusError",
                        "VMAgentStatusCommunicationError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "A missing or empty waagent.conf ends the agent at once; agents before 2.2.19 take a comment behind a "
            "value as part of it, so that for example OS.OpensslPath names no program; a long "
            "Extensions.GoalStatePeriod brings the order to take a snapshot too late. The fix writes the package's own "
            "file, where a copy of it is on this VM (beside it, or in apt's cache), else one that leaves all to the "
            "agent's defaults; it removes such comments, or sets the default period; and it restarts the agent.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/763",
        .signals = {judged(Log::agent, decryption_line), proof(Log::agent, ": None: not found"),
                    proof(Log::agent, ": None: command not found")},
        .consequences = {"agent-not-running", "agent-crash-looping", "agent-hung", "transport-certificate-missing",
                         "agent-openssl-missing", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_configuration_values
