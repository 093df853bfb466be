#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// One of the two services of the Windows guest agent.
struct WindowsAgentService {
    const char* name;
    const char* display_name;  ///< not translated; the event log uses it as the service's name
    const char* program;       ///< file name of its executable
};

/// Sends heartbeats, installs and updates the other one.
inline constexpr WindowsAgentService rd_agent{"RdAgent", "RdAgent", "WaAppAgent.exe"};
/// Fetches goal states and runs extensions.
inline constexpr WindowsAgentService windows_guest_agent{"WindowsAzureGuestAgent", "Windows Azure Guest Agent",
                                                         "WindowsAzureGuestAgent.exe"};
/// In the order of their start.
inline constexpr const WindowsAgentService* windows_agent_services[] = {&rd_agent, &windows_guest_agent};

/// Returns the folder of the agent and its logs: "C:\WindowsAzure". From the path that its services start, because an
/// installation may use another place; else on the system drive.
machine::Path windows_agent_folder(const machine::Machine& machine);

/// Returns the newest copy of one of its two programs below that folder that is not empty: in
/// GuestAgent_<version>_<time>, Packages or Packages_<time>, or in GuestAgent below one of these. ErrorKind::not_found
/// without one.
machine::Result<machine::Path> newest_agent_program(const machine::Machine& machine,
                                                    const WindowsAgentService& service);

/// Returns the entry of the agent below ...\CurrentVersion\Uninstall as evidence, if Windows Installer knows it.
/// nullopt: the agent came with the VM's image, which is not a fault.
std::optional<Evidence> agent_installer_entry(const machine::Machine& machine);

/// Returns the processes of one of the services, by the number from the service manager or by name.
machine::Result<std::vector<machine::Process>> agent_processes_of(const machine::Machine& machine,
                                                                  const WindowsAgentService& service);

/// Returns texts of WaAppAgent.log that only an agent writes which gets its goal states. They are never translated.
std::vector<std::string> signs_of_windows_agent_at_work();

/// Registry keys in which the agent writes its state and its heartbeat.
inline constexpr auto agent_state_key = R"(HKLM\SOFTWARE\Microsoft\Virtual Machine\Guest)";
inline constexpr auto agent_heartbeat_key = R"(HKLM\SOFTWARE\Microsoft\GuestAgent)";

/// Advice for a person: how to install the agent.
inline constexpr auto windows_agent_install_advice =
    "Install the newest Windows Azure VM Agent (https://github.com/Azure/WindowsVMAgent/releases) as administrator: "
    "msiexec /i <file>.msi. Or give this tool the file: fix with only agent-reinstall and agentInstaller.";

}  // namespace remediations
