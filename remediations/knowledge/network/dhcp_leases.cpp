#include "remediations/knowledge/network/dhcp_leases.hpp"

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>

#include "remediations/machine/ipv4.hpp"

namespace remediations {

namespace {

struct LeaseFolder {
    const char* path;
    std::string_view part;  ///< of a file's name
};

constexpr LeaseFolder lease_folders[] = {
    {"/run/systemd/netif/leases", ""},
    {"/var/lib/NetworkManager", ".lease"},
    {"/var/lib/dhcp", ".lease"},
    {"/var/lib/dhclient", ".lease"},
};

constexpr std::size_t longest_lease_file = std::size_t{1} << 20;
constexpr std::size_t most_lease_files = 64;

/// The first IPv4 address behind `name`, which "=" or a blank follows; of several, all but the first are left out.
void take_address(std::string_view line, std::string_view name, std::string& address) {
    if (!line.starts_with(name) || line.size() <= name.size()) return;
    const char next = line[name.size()];
    if (next != '=' && next != ' ') return;
    auto value = line.substr(name.size() + 1);
    value = value.substr(0, value.find_first_of(",; "));
    if (machine::parse_ipv4(value)) address = value;
}

}  // namespace

DhcpLease parse_dhcp_lease(std::string_view text) {
    DhcpLease lease;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = boost::algorithm::trim_copy(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with("lease {")) lease = {};
        take_address(line, "ADDRESS", lease.address);
        take_address(line, "ROUTER", lease.router);
        take_address(line, "fixed-address", lease.address);
        take_address(line, "option routers", lease.router);
    }
    return lease;
}

std::vector<DhcpLease> dhcp_leases(const machine::Machine& machine) {
    std::vector<DhcpLease> leases;
    std::size_t looked_at = 0;
    for (const auto& folder : lease_folders) {
        const auto names = machine.files().list(folder.path);
        if (!names) continue;
        for (const auto& name : *names) {
            if (name.find(folder.part) == std::string::npos) continue;
            if (++looked_at > most_lease_files) return leases;
            const auto file = std::string(folder.path) + "/" + name;
            const auto text = machine.files().read(file, longest_lease_file);
            if (!text) continue;
            auto lease = parse_dhcp_lease(*text);
            if (lease.address.empty()) continue;
            lease.file = file;
            leases.push_back(std::move(lease));
        }
    }
    return leases;
}

}  // namespace remediations
