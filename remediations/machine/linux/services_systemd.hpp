#pragma once

#include <map>
#include <string_view>

#include "remediations/machine/services.hpp"

namespace machine::local {

/// Parses the output of `systemctl show`: "Key=value", one block for each unit. A line without "=" continues the value
/// before it. ErrorKind::invalid names the line.
using UnitProperties = std::map<std::string, std::string>;
Result<std::vector<UnitProperties>> parse_systemctl_show(std::string_view text);

/// Creates a Service from its properties; ErrorKind::not_found where LoadState says so. `name` is the name that was
/// asked for.
Result<Service> service_from(const UnitProperties& properties, const std::string& name);

/// systemd through systemctl, which works the same in all versions since 219. Names may omit ".service".
class SystemdServices final : public Services {
public:
    /// Both parameters are for tests: the systemctl to run (empty for the system's own), and the folder of an
    /// administrator's unit files.
    explicit SystemdServices(std::string systemctl = {}, std::string unit_folder = "/etc/systemd/system");

    Result<Service> find(const std::string& name) const override;
    Result<std::vector<std::string>> running_dependents(const std::string& name) const override;
    Result<void> start(const std::string& name, std::chrono::milliseconds timeout) override;
    Result<void> stop(const std::string& name, std::chrono::milliseconds timeout) override;
    Result<void> restart(const std::string& name, std::chrono::milliseconds timeout) override;
    Result<void> set_start(const std::string& name, StartType start) override;
    Result<void> set_restarts(const std::string& name, bool restarts) override;
    Result<void> reload_units() override;
    Result<void> set_account(const std::string& name, const std::string& account) override;

private:
    Result<std::vector<UnitProperties>> show(const std::string& properties,
                                             const std::vector<std::string>& names) const;
    Result<void> systemctl(const std::string& verb, const std::string& name, std::chrono::milliseconds timeout);
    Result<void> change_state(const std::string& verb, const std::string& name, std::chrono::milliseconds timeout);

    std::string systemctl_;
    std::string unit_folder_;
};

}  // namespace machine::local
