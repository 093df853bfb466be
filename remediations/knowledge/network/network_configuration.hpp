#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The settings of one network interface in a configuration file.
struct ConfiguredInterface {
    enum class Addressing { dhcp, fixed, unset };

    machine::Path file;
    std::size_t line = 0;        ///< the line that sets the addressing; else the first line of the interface
    std::string interface = {};  ///< name or pattern ("en*"); empty where the file names none
    std::string mac = {};        ///< lower case: the card that is meant, or the address that it shall get
    std::size_t mac_line = 0;
    Addressing addressing = Addressing::unset;
    std::vector<std::string> addresses = {};  ///< fixed IPv4 addresses, without prefix length
    std::string text = {};                    ///< the text of `line`
};

/// The persistent network configuration: netplan, systemd-networkd, NetworkManager's keyfiles, ifcfg files of Red Hat
/// and SUSE, and /etc/network/interfaces. There is no full parser of each format: constructs that are not understood
/// are skipped.
class NetworkConfiguration {
public:
    explicit NetworkConfiguration(const machine::Machine& machine);

    const std::vector<ConfiguredInterface>& interfaces() const { return interfaces_; }

    /// Returns the settings for this interface, by name, pattern or card, and all settings that name no interface.
    std::vector<ConfiguredInterface> of(const machine::NetworkInterface& interface) const;

private:
    std::vector<ConfiguredInterface> interfaces_;
};

// One parser for each format. `file` is the source of the text.
std::vector<ConfiguredInterface> parse_netplan(const machine::Path& file, std::string_view text);
std::vector<ConfiguredInterface> parse_networkd(const machine::Path& file, std::string_view text);
std::vector<ConfiguredInterface> parse_networkmanager(const machine::Path& file, std::string_view text);
std::vector<ConfiguredInterface> parse_ifcfg(const machine::Path& file, std::string_view text);
std::vector<ConfiguredInterface> parse_interfaces(const machine::Path& file, std::string_view text);

}  // namespace remediations
