#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// What a configuration file says of one network interface.
struct ConfiguredInterface {
    enum class Addressing { dhcp, fixed, unset };

    machine::Path file;
    std::size_t line = 0;        ///< that says the addressing; else where the interface begins
    std::string interface = {};  ///< name or pattern ("en*"); empty where the file names none
    std::string mac = {};        ///< lower case: the card that is meant, or the address to be taken
    std::size_t mac_line = 0;
    Addressing addressing = Addressing::unset;
    std::vector<std::string> addresses = {};  ///< fixed IPv4 addresses, without prefix length
    std::string text = {};                    ///< of `line`
};

/// The persistent network configuration: netplan, systemd-networkd, NetworkManager's keyfiles,
/// ifcfg files of Red Hat and SUSE, and /etc/network/interfaces. Read without a full parser of
/// each format: a construct that is not understood is passed over.
class NetworkConfiguration {
public:
    explicit NetworkConfiguration(const machine::Machine& machine);

    const std::vector<ConfiguredInterface>& interfaces() const { return interfaces_; }

    /// Those that speak of this interface, by name, pattern or card; of those that name none, all.
    std::vector<ConfiguredInterface> of(const machine::NetworkInterface& interface) const;

private:
    std::vector<ConfiguredInterface> interfaces_;
};

// One for each format; `file` is where the text comes from.
std::vector<ConfiguredInterface> parse_netplan(const machine::Path& file, std::string_view text);
std::vector<ConfiguredInterface> parse_networkd(const machine::Path& file, std::string_view text);
std::vector<ConfiguredInterface> parse_networkmanager(const machine::Path& file, std::string_view text);
std::vector<ConfiguredInterface> parse_ifcfg(const machine::Path& file, std::string_view text);
std::vector<ConfiguredInterface> parse_interfaces(const machine::Path& file, std::string_view text);

}  // namespace remediations
