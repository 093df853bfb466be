#pragma once

#include <filesystem>
#include <string_view>

#include "remediations/machine/services.hpp"

namespace machine::local {

/// Returns the words of the "# Required-Start:" line in the LSB header of an init script, without facilities
/// ("$network") and optional services ("+dbus").
std::vector<std::string> required_services(std::string_view init_script);

/// Services in /etc/init.d/<name>, for systems without systemd. The state is what the script's `status` returns (LSB
/// exit codes). StartType::disabled does not exist.
class SysvServices final : public Services {
public:
    /// `root` is for tests: the folder that holds /etc and /usr/sbin.
    explicit SysvServices(std::filesystem::path root = "/") : root_(std::move(root)) {}

    Result<Service> find(const std::string& name) const override;
    Result<std::vector<std::string>> running_dependents(const std::string& name) const override;
    Result<void> start(const std::string& name, std::chrono::milliseconds timeout) override;
    Result<void> stop(const std::string& name, std::chrono::milliseconds timeout) override;
    Result<void> restart(const std::string& name, std::chrono::milliseconds timeout) override;
    Result<void> set_start(const std::string& name, StartType start) override;
    Result<void> set_restarts(const std::string& name, bool restarts) override;
    Result<void> set_account(const std::string& name, const std::string& account) override;

private:
    Result<std::filesystem::path> script_of(const std::string& name) const;
    bool starts_at_boot(const std::string& name) const;
    Result<void> run_script(const std::string& name, const std::string& verb, ServiceState expected,
                            std::chrono::milliseconds timeout);
    Result<void> run_tool(const std::filesystem::path& tool, const std::vector<std::string>& arguments);

    std::filesystem::path root_;
};

}  // namespace machine::local
