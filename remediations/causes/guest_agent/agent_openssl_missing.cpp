#include <fmt/format.h>

#include <optional>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_openssl_missing {

namespace {

constexpr auto key = "OS.OpensslPath";
constexpr auto usual_program = "/usr/bin/openssl";

/// What openssl prints where the file that it is built or told to read is not there.
constexpr const char* unread_configuration[] = {"can't open config file", "Unable to load config info"};

/// Many commands of openssl work without a configuration; the one that makes the agent's own certificate does not.
std::optional<Finding> without_its_configuration(const machine::Machine& machine, const std::string& program) {
    const auto certificate = agent_library_folder(machine) + "/TransportCert.pem";
    const auto made = machine.files().status(certificate);
    const bool is_missing = made ? made->size == 0 : made.error().kind == machine::ErrorKind::not_found;
    if (!is_missing) return std::nullopt;
    for (const auto* text : unread_configuration) {
        const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, text);
        if (!line || (line->newest.time && agent_started_since(machine, *line->newest.time))) continue;
        return Finding::needs_operator(
            fmt::format("{} cannot read its configuration file, so the agent cannot make its certificate.", program),
            {line->newest.evidence("a configuration file that exists"),
             {certificate, made ? "empty" : "missing", "the certificate"}},
            fmt::format(
                "See which openssl the agent finds and what it reads ({} version -d; OPENSSL_CONF in the agent's "
                "unit). Bring that file back with the package it belongs to, or name the distribution's openssl "
                "in OS.OpensslPath of /etc/waagent.conf. Then restart the guest agent.",
                program));
    }
    return std::nullopt;
}

Finding diagnose(const machine::Machine& machine) {
    const auto& configuration = AgentConfiguration::of(machine);
    if (!configuration && configuration.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
    }
    if (!configuration) return Finding::unknown("/etc/waagent.conf", configuration.error());
    const auto program = configuration->text_of(key, usual_program);
    if (auto unread = without_its_configuration(machine, program)) return std::move(*unread);
    if (!program.starts_with('/')) {
        return Finding::healthy("The agent's openssl is looked for along PATH.", {{key, program, ""}});
    }
    const auto status = machine.files().status(program);
    if (status) return Finding::healthy("The openssl program that the agent uses exists.", {{program, "exists", ""}});
    if (status.error().kind != machine::ErrorKind::not_found) return Finding::unknown(program, status.error());

    std::vector<Evidence> evidence{{program, "missing", "the openssl program"}};
    for (const auto& line : configuration->lines_of(key)) {
        evidence.push_back({fmt::format("{}:{}", configuration->path(), line.number), line.text, "None, the default"});
    }
    const auto summary = fmt::format("{} is missing: the agent cannot decrypt the settings of extensions.", program);
    if (program != usual_program && machine.files().status(usual_program)) {
        evidence.push_back({usual_program, "exists", ""});
        return Finding::broken(
            summary, std::move(evidence),
            fmt::format("Set {}=None in {} and restart the guest agent.", key, configuration->path()));
    }
    return Finding::needs_operator(summary, std::move(evidence),
                                   "Install the distribution's package openssl and restart the guest agent.");
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto configuration = AgentConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    const auto written = changes.write_file(configuration->path(), configuration->with_value(key, "None"));
    if (!written) return written;
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-openssl-missing",
        .title = "The guest agent has no openssl that works",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentCertificateNotFound", "UserErrorGuestAgentStatusUnavailable",
                        "GuestAgentSnapshotTaskStatusError"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The agent runs openssl (OS.OpensslPath, else /usr/bin/openssl) to make its own certificate and to take "
            "the certificates of a goal state apart; the backup extension decrypts its settings with it. Where the "
            "configuration names a program that does not exist, the fix sets the default back and restarts the agent.",
        .source = "https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/common/utils/cryptutil.py",
        .signals = {judged(Log::agent, unread_configuration[0]), judged(Log::agent, unread_configuration[1]),
                    proof(Log::agent, "openssl: not found"), proof(Log::agent, "openssl: command not found"),
                    proof(Log::agent, "No such file or directory: 'openssl'"),
                    proof(Log::agent, "No such file or directory: '/usr/bin/openssl'"),
                    proof(Log::extension, "openssl: not found"), proof(Log::extension, "openssl: command not found"),
                    proof(Log::extension, "No such file or directory: 'openssl'"),
                    proof(Log::extension, "No such file or directory: '/usr/bin/openssl'")},
        .consequences = {"transport-certificate-missing", "agent-crash-looping", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_openssl_missing
