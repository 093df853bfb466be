#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// An installation that Windows Installer gave up.
struct FailedInstallation {
    std::vector<Evidence> evidence;
    std::string reason;  ///< "fatal error 1603, which one of its steps made", to follow "ended with "
    std::string action;  ///< what a person should do about it
};

/// The newest failure to install a product since the last good backup, by the events of Windows Installer; nullopt
/// where there is none, or where it was installed later. `product` is what its name has, which is not localized.
std::optional<FailedInstallation> failed_installation(const machine::Machine& machine, std::string_view product);

/// What failed_installation asks EventEvidence for.
std::vector<EventPattern> installer_events();

/// The same events, where they prove that a product could not be installed.
std::vector<Testimony> installation_failures(const std::string& product);

/// What a log of msiexec (/L*v), UTF-16 or not, says of how it ended and which step made it fail: the last lines that
/// no language has translated, in their order. Empty where there are none.
std::vector<std::string> failure_in_installer_log(std::string_view log);

/// The log that installations of the guest agent leave, as evidence; empty where there is none, or nothing failed.
std::vector<Evidence> agent_installer_log(const machine::Machine& machine);

}  // namespace remediations
