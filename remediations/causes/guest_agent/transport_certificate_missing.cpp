#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/configuration/extension_settings.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/machine/certificate.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::transport_certificate_missing {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr const char* failure_lines[] = {"unable to load certificate", "Error opening recipient certificate file",
                                         "Could not read certificate"};
/// Since 2026 the extension no longer logs the output of openssl. openssl ends with 127 or 126 where it cannot be
/// started.
constexpr auto not_decrypted_line = "decryption also failed with return code: ";
constexpr auto cannot_open_line = "Can't open /var/lib/waagent/";
constexpr auto restart_advice =
    "Restart the guest agent, which fetches the certificates again. If they stay away, reapply the VM: az vm reapply "
    "--resource-group GROUP --name VM";
/// The extension's result code for it.
constexpr int certificate_not_found = 16;

/// Returns the faults of the certificate and the key that the settings name; empty where there are none.
Result<std::vector<Evidence>> faults_of(const Machine& machine, const std::string& thumbprint) {
    std::vector<Evidence> faults;
    const auto stem = agent_library_folder(machine) + "/" + thumbprint;
    const auto certificate = machine.files().read(stem + ".crt");
    if (!certificate && certificate.error().kind != ErrorKind::not_found) return certificate.error();
    if (!certificate) {
        faults.push_back({stem + ".crt", "missing", "the certificate that the settings are encrypted to"});
    } else if (const auto parsed = machine::parse_certificate(*certificate); !parsed) {
        faults.push_back({stem + ".crt", parsed.error().message, "a PEM certificate"});
    } else if (parsed->thumbprint != thumbprint) {
        faults.push_back({stem + ".crt", "another certificate: " + parsed->thumbprint, thumbprint});
    }
    const auto key = machine.files().status(stem + ".prv");
    if (!key && key.error().kind != ErrorKind::not_found) return key.error();
    if (!key || key->size == 0) faults.push_back({stem + ".prv", key ? "empty" : "missing", "its private key"});
    return faults;
}

/// Returns signs that the extension failed because of it.
std::vector<Evidence> failures(const Machine& machine) {
    std::vector<Evidence> found;
    for (const auto* text : failure_lines) {
        const auto* line = machine.derived<LogEvidence>().find_current(Log::extension, text);
        if (line) found.push_back(line->newest.evidence("the settings are decrypted"));
    }
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::extension, not_decrypted_line)) {
        found.push_back(line->newest.evidence("return code 0"));
    }
    const auto installed = installed_backup_extension(machine);
    const bool is_installed = installed && !installed->folders.empty() && installed->folders.back().status;
    if (is_installed && installed->folders.back().status->code == certificate_not_found) {
        found.push_back({installed->folders.back().status->file, fmt::format("code {}", certificate_not_found), "0"});
    }
    return found;
}

/// Returns the end date of an expired certificate; the extension may still decrypt with it.
std::optional<Evidence> expired(const Machine& machine, const std::string& thumbprint) {
    const auto path = agent_library_folder(machine) + "/" + thumbprint + ".crt";
    const auto text = machine.files().read(path);
    const auto certificate = text ? machine::parse_certificate(*text) : text.error();
    if (!certificate || certificate->not_after >= machine.facts().now) return std::nullopt;
    const auto end = std::chrono::floor<std::chrono::seconds>(certificate->not_after);
    return Evidence{path, fmt::format("valid until {:%Y-%m-%d %H:%M:%S}Z", end), "valid now"};
}

/// Returns "29CF..." for "/var/lib/waagent/29CF....crt" in the line about a certificate that could not be opened.
std::string thumbprint_in(std::string_view line) {
    constexpr std::size_t digits = 40;
    const auto end = line.find(".crt");
    if (end == std::string_view::npos || end < digits) return {};
    const auto thumbprint = line.substr(end - digits, digits);
    const bool is_one = thumbprint.find_first_not_of("0123456789ABCDEFabcdef") == std::string_view::npos;
    return is_one ? std::string(thumbprint) : std::string();
}

/// Judges by the log where the settings are missing or not known: the extension logged which certificate it wanted.
std::optional<Finding> by_log_alone(const Machine& machine) {
    const LogMatch* opening = nullptr;
    for (const auto* text : {failure_lines[1], cannot_open_line}) {
        if (!opening) opening = machine.derived<LogEvidence>().find_current(Log::extension, text);
    }
    if (!opening) return std::nullopt;
    const auto thumbprint = thumbprint_in(opening->newest.text);
    if (thumbprint.empty()) return std::nullopt;
    auto faults = faults_of(machine, thumbprint);
    if (!faults || faults->empty()) return std::nullopt;
    std::vector<Evidence> evidence{opening->newest.evidence("the certificate is opened")};
    std::ranges::move(*faults, std::back_inserter(evidence));
    auto finding =
        Finding::broken("The certificate that the backup extension's settings were encrypted to is missing or damaged.",
                        std::move(evidence), restart_advice);
    finding.subjects = {thumbprint};
    return finding;
}

Finding diagnose(const Machine& machine) {
    const auto settings = newest_backup_settings(machine);
    if (!settings || settings->thumbprint.empty()) {
        if (auto finding = by_log_alone(machine)) return std::move(*finding);
    }
    if (!settings && settings.error().kind == ErrorKind::not_found) {
        return Finding::not_applicable("The backup extension has no settings yet.");
    }
    if (!settings) return Finding::unknown("the settings of the backup extension", settings.error());
    if (settings->thumbprint.empty()) {
        return Finding::not_applicable("The settings of the backup extension are not encrypted.");
    }
    auto faults = faults_of(machine, settings->thumbprint);
    if (!faults) return Finding::unknown(settings->file, faults.error());
    std::vector<Evidence> evidence{{settings->file, "encrypted to " + settings->thumbprint, ""}};
    if (faults->empty()) {
        if (auto end = expired(machine, settings->thumbprint)) {
            evidence.push_back(std::move(*end));
            return Finding::needs_operator(
                       "The certificate that the backup extension's settings are encrypted to has expired.",
                       std::move(evidence),
                       "See that the clock of the VM is right. If it is, deallocate and start the VM, which brings a "
                       "new certificate.")
                .as_risk();
        }
        return Finding::healthy("The certificate for the backup extension's settings and its key are there.",
                                std::move(evidence));
    }
    for (auto& fault : *faults) evidence.push_back(std::move(fault));
    auto seen = failures(machine);
    if (!settings->is_encrypted && seen.empty()) {
        return Finding::healthy(
            "The certificate of the last settings is gone, but the backup extension has read them already.",
            std::move(evidence));
    }
    for (auto& failure : seen) evidence.push_back(std::move(failure));
    auto finding = Finding::broken(
        "The certificate or key that the backup extension's settings are encrypted to is missing or damaged.",
        std::move(evidence), restart_advice);
    finding.subjects = {settings->thumbprint};
    return finding;
}

/// Restarts the agent, which fetches certificates with its first goal state, some seconds after its start.
Result<void> fix(const Finding& finding, Changes& changes) {
    if (auto restarted = restart_agent(changes); !restarted || changes.is_plan()) return restarted;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(40);
    while (std::chrono::steady_clock::now() < deadline) {
        const auto faults = faults_of(changes.machine(), finding.subjects.front());
        if (!faults) return faults.error();
        if (faults->empty()) return {};
        if (!changes.machine().wait(std::chrono::milliseconds(500))) break;
    }
    return machine::Error::timed_out("the agent brought no certificate within 40 seconds of its restart");
}

}  // namespace

Remediation remediation() {
    return {
        .id = "transport-certificate-missing",
        .title = "The certificate for the backup extension's settings is missing",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentCertificateNotFound", "FailedHandlerGuestAgentCertificateNotFound"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "The service encrypts the extension's settings to a certificate that the agent keeps as <thumbprint>.crt "
            "and .prv in its library folder. Without it the extension ends with result code 16. The fix restarts the "
            "agent, which fetches the certificates again, and waits for them.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/370",
        .signals = {judged(Log::extension, not_decrypted_line),
                    proof(Log::extension, failure_lines[0]),
                    proof(Log::extension, failure_lines[1]),
                    proof(Log::extension, failure_lines[2]),
                    {.role = Role::proof, .line = {Log::extension, cannot_open_line}, .with = {".crt"}},
                    {.role = Role::proof,
                     .line = {Log::extension, not_decrypted_line},
                     .without = {"code: 127", "code: 126", "code: 0"}},
                    proof(Log::agent, "Error outputting keys and certificates"),
                    {.role = Role::proof, .results = {16}}},
        .consequences = {"backup-extension-state", "extension-error", "no-network-catch-all"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::transport_certificate_missing
