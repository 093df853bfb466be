#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// An installation that Windows Installer aborted.
struct FailedInstallation {
    std::vector<Evidence> evidence;
    std::string reason;  ///< as a clause after "ended with ": "fatal error 1603, which one of its steps made"
    std::string action;  ///< what a person should do
};

/// Returns the newest failed installation of a product since the last good backup, from the events of Windows
/// Installer; nullopt where there is none, or where the product was installed later. `product` is a part of its name,
/// which is not localized.
std::optional<FailedInstallation> failed_installation(const machine::Machine& machine, std::string_view product);

/// Returns the events that failed_installation() asks EventEvidence for.
std::vector<EventPattern> installer_events();

/// Returns the same events as proofs that a product could not be installed.
std::vector<Signal> installation_failures(const std::string& product);

/// Returns the last lines of a log of msiexec (/L*v), UTF-16 or not, that say how it ended and which step failed: only
/// lines that no language translates, in order. Empty where there are none.
std::vector<std::string> failure_in_installer_log(std::string_view log);

/// Returns the log of the guest agent's installations as evidence; empty where there is no log, or nothing failed.
std::vector<Evidence> agent_installer_log(const machine::Machine& machine);

}  // namespace remediations
