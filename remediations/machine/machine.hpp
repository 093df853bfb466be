#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "remediations/machine/files.hpp"
#include "remediations/machine/mounts.hpp"
#include "remediations/machine/network.hpp"
#include "remediations/machine/processes.hpp"
#include "remediations/machine/registry.hpp"
#include "remediations/machine/services.hpp"

namespace machine {

enum class Platform { linux, windows };

/// What never changes while we look.
struct SystemFacts {
    Platform platform = Platform::linux;
    std::string os_name;       ///< PRETTY_NAME of os-release, ProductName on Windows
    std::string os_version;    ///< VERSION_ID, or major.minor.build
    std::string architecture;  ///< x86_64 or aarch64
    std::string host_name;
    std::string system_drive;                   ///< "C:" on Windows, empty on Linux
    std::chrono::system_clock::time_point now;  ///< when the machine was looked at

    friend bool operator==(const SystemFacts&, const SystemFacts&) = default;
};

/// The parts of a machine, in the one place where they are listed.
struct MachineParts {
    SystemFacts facts;
    std::unique_ptr<Files> files;
    std::unique_ptr<Services> services;
    std::unique_ptr<Registry> registry;
    std::unique_ptr<Processes> processes;
    std::unique_ptr<Mounts> mounts;
    std::unique_ptr<Network> network;
};

/// A virtual machine as a remediation sees it: a real one, or one recorded in a capture.
/// A const Machine can be looked at from many threads at once and cannot be changed.
class Machine {
public:
    explicit Machine(MachineParts parts) : parts_(std::move(parts)) {}

    const SystemFacts& facts() const { return parts_.facts; }
    const Files& files() const { return *parts_.files; }
    const Services& services() const { return *parts_.services; }
    const Registry& registry() const { return *parts_.registry; }
    const Processes& processes() const { return *parts_.processes; }
    const Mounts& mounts() const { return *parts_.mounts; }
    const Network& network() const { return *parts_.network; }

    Files& files() { return *parts_.files; }
    Services& services() { return *parts_.services; }
    Registry& registry() { return *parts_.registry; }
    Processes& processes() { return *parts_.processes; }

private:
    MachineParts parts_;
};

/// The computer this process runs on. Defined once for each operating system.
Machine local_machine();

}  // namespace machine
