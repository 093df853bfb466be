#include <sys/utsname.h>

#include <filesystem>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/linux/files_linux.hpp"
#include "remediations/machine/linux/mounts_linux.hpp"
#include "remediations/machine/linux/network_linux.hpp"
#include "remediations/machine/linux/no_registry.hpp"
#include "remediations/machine/linux/os_release.hpp"
#include "remediations/machine/linux/processes_linux.hpp"
#include "remediations/machine/linux/services_systemd.hpp"
#include "remediations/machine/linux/services_sysv.hpp"
#include "remediations/machine/linux/systemd.hpp"
#include "remediations/machine/machine.hpp"

namespace machine {

namespace {

SystemFacts system_facts() {
    utsname names{};
    ::uname(&names);
    SystemFacts facts;
    facts.platform = Platform::linux;
    facts.os_name = names.sysname;
    facts.architecture = names.machine;
    facts.host_name = names.nodename;
    facts.now = std::chrono::system_clock::now();
    for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
        std::error_code absent;
        const auto target = std::filesystem::canonical(path, absent);  // the first is most often a link
        const Result<std::string> text = absent ? Error{} : local::read_regular_file(target.string(), 65536);
        if (text) {
            auto variables = local::parse_os_release(*text);
            facts.os_name = variables.contains("PRETTY_NAME") ? variables["PRETTY_NAME"] : variables["NAME"];
            facts.os_version = variables["VERSION_ID"];
            break;
        }
    }
    return facts;
}

std::unique_ptr<Services> services() {
    if (local::systemd_runs()) {
        return std::make_unique<local::SystemdServices>();
    }
    return std::make_unique<local::SysvServices>();
}

}  // namespace

Machine local_machine() {
    MachineParts parts;
    parts.facts = system_facts();
    parts.files = std::make_unique<local::LinuxFiles>();
    parts.services = services();
    parts.registry = std::make_unique<local::NoRegistry>();
    parts.processes = std::make_unique<local::LinuxProcesses>();
    parts.mounts = std::make_unique<local::LinuxMounts>();
    parts.network = std::make_unique<local::LinuxNetwork>();
    return Machine(std::move(parts));
}

}  // namespace machine
