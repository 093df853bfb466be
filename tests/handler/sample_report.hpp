#pragma once

#include "remediations/engine.hpp"

namespace handler::samples {

/// Causes that exist only here, so that these tests do not change with the catalogue.
inline const remediations::Remediation agent_stopped{
    .id = "agent-stopped",
    .title = "The guest agent does not run",
    .layer = remediations::Layer::guest_agent,
    .disruption = remediations::Disruption::agent_restart,
    .diagnose = [](const machine::Machine&) { return remediations::Finding::healthy("It runs."); },
    .fix = [](const remediations::Finding&, remediations::Changes&) { return machine::Result<void>(); },
};
inline const remediations::Remediation log_damaged{
    .id = "log-damaged",
    .title = "The transaction log is damaged",
    .layer = remediations::Layer::os_snapshot,
    .disruption = remediations::Disruption::workload,
    .diagnose = agent_stopped.diagnose,
    .fix = agent_stopped.fix,
};
inline const remediations::Remediation host_unreachable{
    .id = "host-unreachable",
    .title = "The host cannot be reached",
    .layer = remediations::Layer::network,
    .diagnose = agent_stopped.diagnose,
};

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
    return {&agent_stopped,
            remediations::Finding::broken("Service walinuxagent is stopped.",
                                          {{"service walinuxagent", "stopped", "running"}}, "Start walinuxagent."),
            {}};
}

inline remediations::Report broken_report() {
    auto result = report({broken_agent(), healthy(log_damaged), healthy(host_unreachable)});
    result.root_cause = &agent_stopped;
    result.root_cause_reason = "It is the only thing found broken, in layer guest-agent.";
    return result;
}

}  // namespace handler::samples
