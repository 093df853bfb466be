#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_fips {

namespace {

constexpr auto key = "OS.EnableFIPS";
constexpr auto kernel_switch = "/proc/sys/crypto/fips_enabled";
constexpr const char* decryption_lines[] = {"Error in transport decryption", "Error converting PFX to PEM",
                                            "Cannot convert PFX to PEM"};

Finding diagnose(const machine::Machine& machine) {
    const auto kernel = machine.files().read(kernel_switch, 64);
    if (!kernel && kernel.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("The kernel has no FIPS mode.");
    }
    if (!kernel) return Finding::unknown(kernel_switch, kernel.error());
    const auto value = boost::algorithm::trim_copy(*kernel);
    if (value != "1") return Finding::healthy("The kernel is not in FIPS mode.", {{kernel_switch, value, ""}});
    const auto& configuration = AgentConfiguration::of(machine);
    if (!configuration && configuration.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
    }
    if (!configuration) return Finding::unknown("/etc/waagent.conf", configuration.error());

    std::vector<Evidence> evidence{{kernel_switch, value, ""}};
    for (const auto& line : configuration->lines_of(key)) {
        evidence.push_back({fmt::format("{}:{}", configuration->path(), line.number), line.text, "OS.EnableFIPS=y"});
    }
    if (configuration->is_on(key, false)) {
        return Finding::healthy("The kernel is in FIPS mode, and the agent knows.", std::move(evidence));
    }
    if (configuration->lines_of(key).empty()) {
        evidence.push_back({configuration->path(), "OS.EnableFIPS is not set", "OS.EnableFIPS=y"});
    }
    const LogMatch* failure = nullptr;
    for (const auto* text : decryption_lines) {
        if (!failure) failure = machine.derived<LogEvidence>().find_current(Log::agent, text);
    }
    if (failure) evidence.push_back(failure->newest.evidence("certificates are decrypted"));
    auto finding = Finding::broken(
        failure ? "The kernel is in FIPS mode, the agent is not told, and cannot decrypt the certificates it gets."
                : "The kernel is in FIPS mode, but the agent is not told.",
        std::move(evidence), fmt::format("Set {}=y in {} and restart the guest agent.", key, configuration->path()));
    return failure ? finding : std::move(finding).as_risk();
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto configuration = AgentConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    const auto written = changes.write_file(configuration->path(), configuration->with_setting(key, "y"));
    if (!written) return written;
    return restart_agent(changes);
}

}  // namespace

extern const Remediation remediation{
    .id = "agent-fips",
    .title = "The guest agent does not know that the kernel is in FIPS mode",
    .layer = Layer::guest_agent,
    .scope = Scope::linux,
    .error_codes = {"GuestAgentCertificateNotFound", "GuestAgentSnapshotTaskStatusError"},
    .disruption = Disruption::agent_restart,
    .explanation =
        "In FIPS mode openssl refuses some of the ciphers with which certificates for extensions are sent. "
        "OS.EnableFIPS=y makes the agent run openssl accordingly. The fix sets it and restarts the agent. With FIPS "
        "140-3 the VM must also have opted in to AES on Azure's side.",
    .source = "https://github.com/Azure/WALinuxAgent#osenablefips",
    .log_lines = {{Log::agent, decryption_lines[0]},
                  {Log::agent, decryption_lines[1]},
                  {Log::agent, decryption_lines[2]}},
    .consequences = {"transport-certificate-missing"},
    .diagnose = diagnose,
    .fix = fix,
};

}  // namespace remediations::causes::agent_fips
