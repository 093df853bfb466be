#pragma once

#include "remediations/engine/engine.hpp"

namespace handler::samples {

/// Causes that exist only here, so that these tests do not change with the catalogue.
inline remediations::Remediation cause(const std::string& id, const std::string& title, remediations::Layer layer) {
    remediations::Remediation result;
    result.id = id;
    result.title = title;
    result.layer = layer;
    result.diagnose = [](const machine::Machine&) { return remediations::Finding::healthy("As it should be."); };
    return result;
}

inline remediations::Remediation repairable(remediations::Remediation remediation,
                                            remediations::Disruption disruption) {
    remediation.disruption = disruption;
    remediation.fix = [](const remediations::Finding&, remediations::Changes&) { return machine::Result<void>(); };
    return remediation;
}

inline const auto agent_stopped =
    repairable(cause("agent-stopped", "The guest agent does not run", remediations::Layer::guest_agent),
               remediations::Disruption::agent_restart);
inline const auto log_damaged =
    repairable(cause("log-damaged", "The transaction log is damaged", remediations::Layer::os_snapshot),
               remediations::Disruption::workload);
inline const auto host_unreachable =
    cause("host-unreachable", "The host cannot be reached", remediations::Layer::network);

inline remediations::Report report(std::vector<remediations::Outcome> outcomes) {
    remediations::Report result;
    result.outcomes = std::move(outcomes);
    result.machine.platform = machine::Platform::linux;
    result.machine.os_name = "Ubuntu 22.04.4 LTS";
    result.machine.os_version = "22.04";
    result.machine.architecture = "x86_64";
    result.machine.host_name = "vm1";
    return result;
}

inline remediations::Outcome healthy(const remediations::Remediation& remediation) {
    return {&remediation, remediations::Finding::healthy("As it should be."), {}};
}

inline remediations::Outcome broken_agent() {
    remediations::Outcome outcome{
        &agent_stopped,
        remediations::Finding::broken("Service walinuxagent is stopped.",
                                      {{"service walinuxagent", "stopped", "running"}}, "Start walinuxagent."),
        {}};
    outcome.plan = {{"start service walinuxagent"}};
    return outcome;
}

inline remediations::Report broken_report() {
    auto result = report({broken_agent(), healthy(log_damaged), healthy(host_unreachable)});
    result.root_cause = &agent_stopped;
    result.root_cause_reason = "It is the only thing found broken, in layer guest-agent.";
    return result;
}

}  // namespace handler::samples
