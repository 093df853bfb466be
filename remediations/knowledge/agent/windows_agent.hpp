#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// One of the two services that the Windows guest agent consists of.
struct WindowsAgentService {
    const char* name;
    const char* display_name;  ///< not translated; the event log names services so
    const char* program;       ///< file name of its executable
};

/// Sends heartbeats, installs and updates the other one.
inline constexpr WindowsAgentService rd_agent{"RdAgent", "RdAgent", "WaAppAgent.exe"};
/// Fetches goal states and runs extensions.
inline constexpr WindowsAgentService windows_guest_agent{"WindowsAzureGuestAgent", "Windows Azure Guest Agent",
                                                         "WindowsAzureGuestAgent.exe"};
/// In the order in which they are started.
inline constexpr const WindowsAgentService* windows_agent_services[] = {&rd_agent, &windows_guest_agent};

/// Where the agent keeps itself and its logs: "C:\WindowsAzure". From what its services start, which an
/// installation may have put elsewhere; else on the system drive.
machine::Path windows_agent_folder(const machine::Machine& machine);

/// The newest copy of one of its two programs below that folder that is no empty file: in GuestAgent_<version>_<time>,
/// Packages or Packages_<time>, or in GuestAgent below one of these. ErrorKind::not_found without one.
machine::Result<machine::Path> newest_agent_program(const machine::Machine& machine,
                                                    const WindowsAgentService& service);

/// Whether Windows Installer knows the agent: then an entry below ...\CurrentVersion\Uninstall says so, here as
/// evidence. nullopt: an image brought it, which is as good.
std::optional<Evidence> agent_installer_entry(const machine::Machine& machine);

/// The processes of one of the services, by the number that the service manager tells or by name.
machine::Result<std::vector<machine::Process>> agent_processes_of(const machine::Machine& machine,
                                                                  const WindowsAgentService& service);

/// Lines of WaAppAgent.log that only an agent writes which gets its orders: none is translated.
std::vector<std::string> signs_of_windows_agent_at_work();

/// The agent's own account of itself.
inline constexpr auto agent_state_key = R"(HKLM\SOFTWARE\Microsoft\Virtual Machine\Guest)";
inline constexpr auto agent_heartbeat_key = R"(HKLM\SOFTWARE\Microsoft\GuestAgent)";

/// How to install it, for a person.
inline constexpr auto windows_agent_install_advice =
    "Install the newest Windows Azure VM Agent (https://github.com/Azure/WindowsVMAgent/releases) as administrator: "
    "msiexec /i <file>.msi. Or give this tool the file: fix with only agent-reinstall and agentInstaller.";

}  // namespace remediations
