#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

enum class ServiceState { running, stopped, starting, stopping, failed };

/// How a service is started. systemd: automatic = enabled, manual = disabled (it can still be started), disabled =
/// masked. Windows: the Start values 2, 3 and 4 (delayed start is automatic with delayed = true).
enum class StartType { automatic, manual, disabled };

/// Returns the name as written above.
std::string_view to_string(ServiceState state);
std::string_view to_string(StartType start);

struct Service {
    std::string name;
    ServiceState state = ServiceState::stopped;
    StartType start = StartType::manual;
    bool delayed = false;  ///< Windows: DelayedAutostart
    /// Windows: SID of the account (names are localized), or the configured text where it has no SID. Linux: User= of
    /// the unit, "root" if unset.
    std::string account;
    std::string binary;           ///< Windows: ImagePath with variables expanded; Linux: first word of ExecStart
    std::uint32_t exit_code = 0;  ///< of the last run: Win32 exit code, or ExecMainStatus
    std::uint32_t pid = 0;        ///< 0 while it does not run
    std::vector<std::string> depends_on;  ///< service names
    /// systemd: it is started again whenever it ends or crashes (Restart=). True for every other manager, where this is
    /// not known.
    bool restarts = true;
    std::uint32_t restart_count = 0;  ///< systemd: number of such restarts since the last manual start

    friend bool operator==(const Service&, const Service&) = default;
};

/// Windows SERVICE_STATUS exit code: no start was attempted since boot (winerror.h).
inline constexpr std::uint32_t error_service_never_started = 1077;

/// Code of the ErrorKind::invalid that find() gives for a unit whose file is there, but which systemd refuses to load.
inline constexpr long error_unit_refused = 1;

/// The service manager: systemd, SysV init scripts, or the Windows service control manager.
class Services {
public:
    static constexpr std::chrono::milliseconds default_timeout = std::chrono::seconds(30);

    virtual ~Services() = default;

    /// ErrorKind::not_found where no such service is installed.
    virtual Result<Service> find(const std::string& name) const = 0;

    /// Returns the names of running services that depend on this one.
    virtual Result<std::vector<std::string>> running_dependents(const std::string& name) const = 0;

    /// These return when the service runs or has stopped; ErrorKind::timed_out names the state in which it hangs.
    /// Starting a running service and stopping a stopped one succeed.
    virtual Result<void> start(const std::string& name, std::chrono::milliseconds timeout = default_timeout) = 0;
    virtual Result<void> stop(const std::string& name, std::chrono::milliseconds timeout = default_timeout) = 0;
    virtual Result<void> restart(const std::string& name, std::chrono::milliseconds timeout = default_timeout) = 0;

    virtual Result<void> set_start(const std::string& name, StartType start) = 0;

    /// systemd only: true adds a drop-in file of this program with Restart=always; false removes only that file. Then
    /// the unit files are read again.
    virtual Result<void> set_restarts(const std::string& name, bool restarts) = 0;

    /// systemd only: reads the unit files again, so that one that was added, changed or taken away has effect. Services
    /// that run go on.
    virtual Result<void> reload_units() { return {}; }

    /// Windows only: `account` is the SID of a well-known service account, or the configured text.
    virtual Result<void> set_account(const std::string& name, const std::string& account) = 0;
};

}  // namespace machine
