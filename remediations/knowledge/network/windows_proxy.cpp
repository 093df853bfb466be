#include "remediations/knowledge/network/windows_proxy.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations {

using machine::Machine;
using machine::Result;

namespace {

constexpr auto winhttp_key = R"(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections)";
constexpr auto system_key = R"(HKU\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\Internet Settings)";
constexpr auto computer_key = R"(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings)";
constexpr auto policy_key = R"(HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings)";

class SettingsReader {
public:
    explicit SettingsReader(const std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}

    std::optional<std::uint32_t> number() {
        if (bytes_.size() - at_ < 4) return std::nullopt;
        std::uint32_t number = 0;
        for (int byte = 0; byte < 4; ++byte) number |= std::uint32_t{bytes_[at_++]} << (8 * byte);
        return number;
    }

    std::optional<std::string> text() {
        const auto length = number();
        if (!length || bytes_.size() - at_ < *length) return std::nullopt;
        std::string text(bytes_.begin() + static_cast<std::ptrdiff_t>(at_),
                         bytes_.begin() + static_cast<std::ptrdiff_t>(at_ + *length));
        at_ += *length;
        return text;
    }

    std::vector<std::uint8_t> rest() const { return {bytes_.begin() + static_cast<std::ptrdiff_t>(at_), bytes_.end()}; }

private:
    const std::vector<std::uint8_t>& bytes_;
    std::size_t at_ = 0;
};

void append(std::vector<std::uint8_t>& bytes, std::uint32_t number) {
    for (int byte = 0; byte < 4; ++byte) bytes.push_back(static_cast<std::uint8_t>(number >> (8 * byte)));
}

void append(std::vector<std::uint8_t>& bytes, const std::string& text) {
    append(bytes, static_cast<std::uint32_t>(text.size()));
    bytes.insert(bytes.end(), text.begin(), text.end());
}

bool matches_wildcard(std::string_view pattern, std::string_view text) {
    std::size_t at = 0;
    std::size_t in_pattern = 0;
    auto star = pattern.npos;
    std::size_t resume = 0;
    while (at < text.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            star = in_pattern++;
            resume = at;
        } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[at]) {
            ++in_pattern;
            ++at;
        } else if (star != pattern.npos) {
            in_pattern = star + 1;
            at = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', in_pattern) == pattern.npos;
}

void add_binary(const Machine& machine, const std::string& key, const char* name, std::vector<WindowsProxy>& proxies) {
    const auto value = machine.registry().value(key, name);
    const auto* bytes = value ? std::get_if<std::vector<std::uint8_t>>(&value->data) : nullptr;
    if (!bytes) return;
    const auto settings = parse_proxy_settings(*bytes);
    if (settings && settings->uses_proxy()) proxies.push_back({WindowsProxy::Kind::binary, key, name, *settings});
}

void add_text(const Machine& machine, const std::string& key, std::vector<WindowsProxy>& proxies) {
    const auto enabled = registry_number(machine, key, "ProxyEnable");
    const auto server = registry_text(machine, key, "ProxyServer");
    if (!enabled || !*enabled || **enabled == 0 || !server || !*server || (*server)->empty()) return;
    const auto bypass = registry_text(machine, key, "ProxyOverride");
    ProxySettings settings;
    settings.flags = ProxySettings::flag_proxy;
    settings.proxy = **server;
    settings.bypass = bypass && *bypass ? **bypass : std::string();
    proxies.push_back({WindowsProxy::Kind::text, key, "ProxyOverride", std::move(settings)});
}

}  // namespace

Result<ProxySettings> parse_proxy_settings(const std::vector<std::uint8_t>& bytes) {
    SettingsReader reader(bytes);
    const auto version = reader.number();
    const auto counter = reader.number();
    const auto flags = reader.number();
    const auto proxy = reader.text();
    const auto bypass = reader.text();
    if (!version || !counter || !flags || !proxy || !bypass) {
        return machine::Error::invalid("proxy settings: expected three numbers and two texts with their lengths");
    }
    return ProxySettings{*version, *counter, *flags, *proxy, *bypass, reader.rest()};
}

std::vector<std::uint8_t> to_bytes(const ProxySettings& settings) {
    std::vector<std::uint8_t> bytes;
    append(bytes, settings.version);
    append(bytes, settings.counter);
    append(bytes, settings.flags);
    append(bytes, settings.proxy);
    append(bytes, settings.bypass);
    bytes.insert(bytes.end(), settings.rest.begin(), settings.rest.end());
    return bytes;
}

bool bypasses(std::string_view list, std::string_view address) {
    constexpr std::string_view separators = "; \t\r\n";
    while (!list.empty()) {
        const auto start = std::min(list.find_first_not_of(separators), list.size());
        list.remove_prefix(start);
        auto entry = list.substr(0, list.find_first_of(separators));
        list.remove_prefix(entry.size());
        if (entry.starts_with("http://")) entry.remove_prefix(7);
        if (!entry.empty() && matches_wildcard(entry, address)) return true;
    }
    return false;
}

std::vector<WindowsProxy> proxies_of_system(const Machine& machine) {
    std::vector<WindowsProxy> proxies;
    add_binary(machine, winhttp_key, "WinHttpSettings", proxies);
    add_binary(machine, std::string(system_key) + "\\Connections", "DefaultConnectionSettings", proxies);
    add_text(machine, system_key, proxies);
    const auto per_user = registry_number(machine, policy_key, "ProxySettingsPerUser");
    const bool is_for_everybody = per_user && *per_user && **per_user == 0;
    if (is_for_everybody) add_text(machine, computer_key, proxies);
    return proxies;
}

}  // namespace remediations
