#include "remediations/knowledge/network/network_configuration.hpp"
#include "remediations/machine/ipv4.hpp"

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <cctype>
#include <map>

#include "remediations/knowledge/network/packet_filter.hpp"

namespace remediations {

namespace {

using Addressing = ConfiguredInterface::Addressing;

constexpr std::size_t most_lines = 20000;

struct Line {
    std::size_t number = 0;
    std::string text;  ///< without its end
};

std::vector<Line> lines_of(std::string_view text) {
    std::vector<Line> lines;
    for (std::size_t number = 1; !text.empty() && number <= most_lines; ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.push_back({number, boost::algorithm::trim_right_copy(std::string(text.substr(0, end)))});
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string unquoted(std::string_view value) {
    return std::string(boost::algorithm::trim_copy_if(boost::algorithm::trim_copy(value), boost::is_any_of("\"'")));
}

std::string lower(std::string text) {
    boost::to_lower(text);
    return text;
}

bool is_mac(std::string_view text) {
    if (text.size() != 17) return false;
    for (std::size_t index = 0; index < text.size(); ++index) {
        const bool separator = index % 3 == 2;
        const auto character = static_cast<unsigned char>(text[index]);
        if (separator ? character != ':' && character != '-' : std::isxdigit(character) == 0) return false;
    }
    return true;
}

void set_mac(ConfiguredInterface& interface, const std::string& value, std::size_t line) {
    auto mac = lower(unquoted(value));
    if (!is_mac(mac)) return;
    std::ranges::replace(mac, '-', ':');
    interface.mac = std::move(mac);
    interface.mac_line = line;
}

void set_addressing(ConfiguredInterface& interface, Addressing addressing, const Line& line) {
    interface.addressing = addressing;
    interface.line = line.number;
    interface.text = boost::algorithm::trim_copy(line.text);
}

/// Adds "10.0.0.4/24", or NetworkManager's form "10.0.0.4/24,10.0.0.1".
void add_address(ConfiguredInterface& interface, std::string_view value) {
    const auto address = unquoted(value.substr(0, value.find_first_of("/,; ")));
    if (machine::parse_ipv4(address)) interface.addresses.push_back(address);
}

/// Visits the sections of an INI file with their keys, in order.
template <class Visit>
void each_key(std::string_view text, Visit visit) {
    std::string section;
    for (const auto& line : lines_of(text)) {
        const auto trimmed = boost::algorithm::trim_copy(line.text);
        if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == ';') continue;
        if (trimmed.front() == '[') {
            section =
                trimmed.substr(1, trimmed.find(']') == std::string::npos ? std::string::npos : trimmed.find(']') - 1);
            continue;
        }
        const auto equals = trimmed.find('=');
        if (equals == std::string::npos) continue;
        visit(section, boost::algorithm::trim_copy(trimmed.substr(0, equals)),
              boost::algorithm::trim_copy(trimmed.substr(equals + 1)), line);
    }
}

/// Reads YAML as in netplan's files: mappings by indentation, and lists of plain items. Visits every "key: value" and
/// every list item with the keys above it.
template <class Visit>
void each_yaml_value(std::string_view text, Visit visit) {
    std::vector<std::pair<std::size_t, std::string>> path;  // by indentation
    for (const auto& line : lines_of(text)) {
        const auto indentation = line.text.find_first_not_of(' ');
        if (indentation == std::string::npos || line.text[indentation] == '#') continue;
        auto content = line.text.substr(indentation);
        if (const auto comment = content.find(" #"); comment != std::string::npos) content.resize(comment);
        const bool is_item = content.starts_with("- ");
        // A list may stand as far left as its key.
        while (!path.empty() && (is_item ? path.back().first > indentation : path.back().first >= indentation)) {
            path.pop_back();
        }
        std::vector<std::string> keys;
        for (const auto& [unused, key] : path) keys.push_back(key);
        const auto colon = content.find(':');
        if (is_item) {
            visit(keys, content.substr(2), line);
        } else if (colon != std::string::npos) {
            auto key = unquoted(content.substr(0, colon));
            keys.push_back(key);
            if (const auto value = boost::algorithm::trim_copy(content.substr(colon + 1)); !value.empty()) {
                visit(keys, value, line);
            }
            path.emplace_back(indentation, std::move(key));
        }
    }
}

bool is_yes(const std::string& value) {
    const auto word = lower(unquoted(value));
    return word == "true" || word == "yes" || word == "on" || word == "y" || word == "1";
}

}  // namespace

std::vector<ConfiguredInterface> parse_netplan(const machine::Path& file, std::string_view text) {
    std::vector<ConfiguredInterface> interfaces;
    std::map<std::string, std::size_t> known;
    each_yaml_value(text, [&](const std::vector<std::string>& keys, const std::string& value, const Line& line) {
        if (keys.size() < 4 || keys[0] != "network" || keys[1].empty() || keys[1] == "renderer") return;
        const auto [entry, is_new] = known.emplace(keys[1] + "/" + keys[2], interfaces.size());
        if (is_new) interfaces.push_back({.file = file, .line = line.number, .interface = keys[2]});
        auto& interface = interfaces[entry->second];
        const auto& key = keys[3];
        if (key == "dhcp4") {
            // Fixed addresses beside DHCP are additional ones.
            const auto addressing = is_yes(value)                  ? Addressing::dhcp
                                    : !interface.addresses.empty() ? Addressing::fixed
                                                                   : Addressing::unset;
            set_addressing(interface, addressing, line);
        } else if (key == "addresses") {
            std::vector<std::string> items;
            const auto before = interface.addresses.size();
            const auto list = boost::algorithm::trim_copy_if(value, boost::is_any_of("[] "));
            boost::split(items, list, boost::is_any_of(","));
            for (const auto& item : items) {
                add_address(interface, boost::algorithm::trim_copy_if(item, boost::is_any_of(" \"'")));
            }
            if (interface.addressing != Addressing::dhcp && interface.addresses.size() > before) {
                set_addressing(interface, Addressing::fixed, line);
            }
        } else if (key == "macaddress") {
            set_mac(interface, value, line.number);
        } else if (key == "set-name") {
            interface.interface = unquoted(value);
        } else if (key == "match" && keys.size() > 4) {
            if (keys[4] == "macaddress") set_mac(interface, value, line.number);
            if (keys[4] == "name") interface.interface = unquoted(value);
            // An entry with a MAC address means the card with that address, whatever the entry's name is.
            if (keys[4] == "macaddress" && interface.interface == keys[2]) interface.interface.clear();
        }
    });
    return interfaces;
}

std::vector<ConfiguredInterface> parse_networkd(const machine::Path& file, std::string_view text) {
    ConfiguredInterface interface { .file = file, .line = 1 };
    each_key(text, [&](const std::string& section, const std::string& key, const std::string& value, const Line& line) {
        if (section == "Match" && key == "Name") interface.interface = value;
        if (section == "Match" && key == "MACAddress") set_mac(interface, value, line.number);
        if (section == "Link" && key == "MACAddress") set_mac(interface, value, line.number);
        if (section == "Network" && key == "DHCP" && (is_yes(value) || value == "ipv4" || value == "both")) {
            set_addressing(interface, Addressing::dhcp, line);
        }
        if ((section == "Network" || section == "Address") && key == "Address") {
            const auto before = interface.addresses.size();
            add_address(interface, value);
            const bool is_ipv4 = interface.addresses.size() > before;
            if (is_ipv4 && interface.addressing != Addressing::dhcp) set_addressing(interface, Addressing::fixed, line);
        }
    });
    return {interface};
}

std::vector<ConfiguredInterface> parse_networkmanager(const machine::Path& file, std::string_view text) {
    ConfiguredInterface interface { .file = file, .line = 1 };
    each_key(text, [&](const std::string& section, const std::string& key, const std::string& value, const Line& line) {
        if (section == "connection" && key == "interface-name") interface.interface = value;
        if (section == "ethernet" || section == "802-3-ethernet") {
            if (key == "mac-address" || key == "cloned-mac-address") set_mac(interface, value, line.number);
        }
        if (section != "ipv4") return;
        if (key == "method") {
            set_addressing(interface,
                           value == "auto"     ? Addressing::dhcp
                           : value == "manual" ? Addressing::fixed
                                               : Addressing::unset,
                           line);
        }
        if (key.starts_with("address")) add_address(interface, value);
    });
    return {interface};
}

std::vector<ConfiguredInterface> parse_ifcfg(const machine::Path& file, std::string_view text) {
    ConfiguredInterface interface { .file = file, .line = 1 };
    if (const auto name = file.rfind("/ifcfg-"); name != std::string::npos) interface.interface = file.substr(name + 7);
    for (const auto& line : lines_of(text)) {
        const auto equals = line.text.find('=');
        if (line.text.starts_with('#') || equals == std::string::npos) continue;
        const auto key = boost::algorithm::trim_copy(line.text.substr(0, equals));
        const auto value = unquoted(line.text.substr(equals + 1));
        if (key == "DEVICE") interface.interface = value;
        if (key == "HWADDR" || key == "MACADDR" || key == "LLADDR") set_mac(interface, value, line.number);
        if (key == "BOOTPROTO") {
            const auto protocol = lower(value);
            const bool is_dhcp = protocol == "dhcp" || protocol == "dhcp4" || protocol == "bootp" ||
                                 boost::starts_with(protocol, "dhcp+") || protocol == "dhcp4+auto6";
            const bool is_fixed = protocol == "static" || protocol == "none";
            set_addressing(interface,
                           is_dhcp    ? Addressing::dhcp
                           : is_fixed ? Addressing::fixed
                                      : Addressing::unset,
                           line);
        }
        if (key.starts_with("IPADDR")) {
            add_address(interface, value);
            if (interface.addressing == Addressing::unset && !interface.addresses.empty()) {
                set_addressing(interface, Addressing::fixed, line);
            }
        }
    }
    // "none" without an address is an interface that another one, a bond for instance, is made of.
    if (interface.addressing == Addressing::fixed && interface.addresses.empty()) {
        interface.addressing = Addressing::unset;
    }
    return {interface};
}

std::vector<ConfiguredInterface> parse_interfaces(const machine::Path& file, std::string_view text) {
    std::vector<ConfiguredInterface> interfaces;
    bool in_ipv4_stanza = false;
    for (const auto& line : lines_of(text)) {
        std::vector<std::string> words;
        const auto trimmed = boost::algorithm::trim_copy(line.text);
        if (trimmed.empty() || trimmed.front() == '#') continue;
        boost::split(words, trimmed, boost::is_any_of(" \t"), boost::token_compress_on);
        if (words[0] == "iface" && words.size() >= 4) {
            in_ipv4_stanza = words[2] == "inet" && words[3] != "loopback";
            if (!in_ipv4_stanza) continue;
            interfaces.push_back({.file = file, .line = line.number, .interface = words[1]});
            set_addressing(interfaces.back(),
                           words[3] == "dhcp"     ? Addressing::dhcp
                           : words[3] == "static" ? Addressing::fixed
                                                  : Addressing::unset,
                           line);
        } else if (words[0] == "auto" || words[0].starts_with("allow-") || words[0] == "mapping" ||
                   words[0].starts_with("source")) {
            in_ipv4_stanza = false;
        } else if (in_ipv4_stanza && words.size() >= 2) {
            if (words[0] == "address") add_address(interfaces.back(), words[1]);
            if (words[0] == "hwaddress") set_mac(interfaces.back(), words.back(), line.number);
        }
    }
    return interfaces;
}

namespace {

struct Place {
    const char* folder;
    const char* suffix;
    const char* prefix;
    std::vector<ConfiguredInterface> (*parse)(const machine::Path&, std::string_view);
};

constexpr Place places[] = {
    {"/etc/netplan", ".yaml", "", parse_netplan},
    {"/etc/systemd/network", ".network", "", parse_networkd},
    {"/etc/NetworkManager/system-connections", "", "", parse_networkmanager},
    {"/etc/sysconfig/network-scripts", "", "ifcfg-", parse_ifcfg},
    {"/etc/sysconfig/network", "", "ifcfg-", parse_ifcfg},
    {"/etc/network/interfaces.d", "", "", parse_interfaces},
};

/// Compares with "eth*" or a plain name. "!name" and lists match nothing.
bool is_named(const std::string& pattern, const std::string& name) {
    if (pattern.ends_with('*')) return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
    return pattern == name;
}

}  // namespace

NetworkConfiguration::NetworkConfiguration(const machine::Machine& machine) {
    const auto add = [&](const machine::Path& file, auto parse) {
        if (const auto text = machine.files().read(file)) {
            auto found = parse(file, *text);
            std::ranges::move(found, std::back_inserter(interfaces_));
        }
    };
    for (const auto& place : places) {
        const auto names = machine.files().list(place.folder);
        if (!names) continue;
        for (const auto& name : *names) {
            const bool fits = name.ends_with(place.suffix) && name.starts_with(place.prefix) &&
                              !name.starts_with('.') && name != "ifcfg-lo" && !name.ends_with(".bak") &&
                              !name.ends_with(".orig") && !name.ends_with('~');
            if (fits) add(std::string(place.folder) + "/" + name, place.parse);
        }
    }
    add("/etc/network/interfaces", parse_interfaces);
}

std::vector<ConfiguredInterface> NetworkConfiguration::of(const machine::NetworkInterface& interface) const {
    std::vector<ConfiguredInterface> found;
    std::ranges::copy_if(interfaces_, std::back_inserter(found), [&](const ConfiguredInterface& configured) {
        if (!configured.mac.empty() && configured.mac == interface.mac) return true;
        if (!configured.interface.empty()) return is_named(configured.interface, interface.name);
        return configured.mac.empty();
    });
    return found;
}

}  // namespace remediations
