#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <typeindex>
#include <vector>

#include "remediations/machine/azure.hpp"
#include "remediations/machine/certificates.hpp"
#include "remediations/machine/event_log.hpp"
#include "remediations/machine/files.hpp"
#include "remediations/machine/mounts.hpp"
#include "remediations/machine/network.hpp"
#include "remediations/machine/processes.hpp"
#include "remediations/machine/registry.hpp"
#include "remediations/machine/services.hpp"
#include "remediations/machine/wmi.hpp"

namespace machine {

enum class Platform { linux, windows };

/// Facts that do not change during a run.
struct SystemFacts {
    Platform platform = Platform::linux;
    std::string os_name;       ///< PRETTY_NAME of os-release, ProductName on Windows
    std::string os_version;    ///< VERSION_ID, or major.minor.build
    std::string architecture;  ///< x86_64 or aarch64
    std::string host_name;
    std::string system_drive;                   ///< "C:" on Windows, empty on Linux
    std::chrono::system_clock::time_point now;  ///< the time when the machine was looked at

    friend bool operator==(const SystemFacts&, const SystemFacts&) = default;
};

/// The parts of a machine. This is the one list of them.
struct MachineParts {
    SystemFacts facts;
    std::unique_ptr<Files> files;
    std::unique_ptr<Services> services;
    std::unique_ptr<Registry> registry;
    std::unique_ptr<Processes> processes;
    std::unique_ptr<Mounts> mounts;
    std::unique_ptr<Network> network;
    // Windows only: on other systems these base classes stay, and answer ErrorKind::unsupported.
    std::unique_ptr<EventLog> events = std::make_unique<EventLog>();
    std::unique_ptr<CertificateStore> certificates = std::make_unique<CertificateStore>();
    std::unique_ptr<Wmi> wmi = std::make_unique<Wmi>();
    std::unique_ptr<Azure> azure = std::make_unique<Azure>();  ///< asks nothing until use_azure()
    bool time_passes = true;  ///< false for a recorded machine, whose state never changes by itself
};

class Machine;

/// Values by their type. The first caller makes a value; the others wait for it.
class Derived {
public:
    using Maker = std::function<std::shared_ptr<const void>(const Machine&)>;

    /// Returns the value. Throws std::runtime_error where another thread makes it and does not finish in time, because
    /// it may never finish.
    const void* get(std::type_index type, const Machine& machine, const Maker& make);

    /// Forgets all values. Nobody may still use one, unless keep() was called.
    void forget();

    /// From now on, forgotten values stay in memory, because a thread that never ends may use them, and no caller waits
    /// for a value that another thread makes.
    void keep();

private:
    struct Value {
        bool is_being_made = false;
        std::shared_ptr<const void> value;
    };
    using Values = std::map<std::type_index, Value>;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<Values> values_ = std::make_shared<Values>();
    std::vector<std::shared_ptr<Values>> kept_;
    bool keeps_ = false;
};

/// A virtual machine as a remediation sees it: a real one, or a recorded one (a capture). Many threads may read a const
/// Machine at once; nobody can change it.
class Machine {
public:
    explicit Machine(MachineParts parts) : parts_(std::make_shared<MachineParts>(std::move(parts))) {}
    Machine(Machine&&) = default;
    Machine& operator=(Machine&&) = default;

    /// Returns the same machine again, for a thread that may outlive this object. It shares the parts and the derived
    /// values.
    std::shared_ptr<const Machine> alias() const { return std::shared_ptr<const Machine>(new Machine(*this)); }

    const SystemFacts& facts() const { return parts_->facts; }
    const Files& files() const { return *parts_->files; }
    const Services& services() const { return *parts_->services; }
    const Registry& registry() const { return *parts_->registry; }
    const Processes& processes() const { return *parts_->processes; }
    const Mounts& mounts() const { return *parts_->mounts; }
    const Network& network() const { return *parts_->network; }
    const EventLog& events() const { return *parts_->events; }
    const CertificateStore& certificates() const { return *parts_->certificates; }
    const Wmi& wmi() const { return *parts_->wmi; }
    const Azure& azure() const { return *parts_->azure; }

    /// Waits, so that the machine can make progress. Returns false at once where the machine's time does not pass.
    bool wait(std::chrono::milliseconds time) const;

    /// Returns a value that is computed from the machine once, however many callers ask, and is kept until the machine
    /// is changed. It is created by T(const Machine&), or by the function of derive_by(). Throws std::logic_error where
    /// there is neither.
    template <class T>
    const T& derived() const {
        static const Derived::Maker by_constructor = [](const Machine& machine) -> std::shared_ptr<const void> {
            if constexpr (std::is_constructible_v<T, const Machine&>) {
                return std::make_shared<const T>(machine);
            } else {
                throw std::logic_error(std::string("nobody said how to derive ") + typeid(T).name());
            }
        };
        const auto maker = makers_.find(typeid(T));
        const auto* value = derived_->get(typeid(T), *this, maker == makers_.end() ? by_constructor : maker->second);
        return *static_cast<const T*>(value);
    }

    /// From now on, `make` creates T: for a value that depends on more than the machine. No other thread may use the
    /// machine.
    template <class T>
    void derive_by(std::function<std::shared_ptr<const T>(const Machine&)> make) {
        makers_[typeid(T)] = std::move(make);
        forget_derived();
    }

    /// From now on, questions to Azure go to `azure`. No other thread may use the machine.
    void use_azure(std::unique_ptr<Azure> azure) {
        parts_->azure = std::move(azure);
        forget_derived();
    }

    /// Forgets all derived values. Call it after a change, which may make them wrong. No other thread may use the
    /// machine.
    void forget_derived() { derived_->forget(); }

    /// Keeps derived values in memory after they are forgotten, because a thread that may never end still uses the
    /// machine.
    void keep_derived() const { derived_->keep(); }

    Files& files() { return *parts_->files; }
    Services& services() { return *parts_->services; }
    Registry& registry() { return *parts_->registry; }
    Processes& processes() { return *parts_->processes; }
    Mounts& mounts() { return *parts_->mounts; }
    CertificateStore& certificates() { return *parts_->certificates; }
    Azure& azure() { return *parts_->azure; }

private:
    Machine(const Machine&) = default;

    std::shared_ptr<MachineParts> parts_;
    std::map<std::type_index, Derived::Maker> makers_;
    std::shared_ptr<Derived> derived_ = std::make_shared<Derived>();
};

/// Returns the computer that this process runs on. Defined once for each operating system.
Machine local_machine();

}  // namespace machine
