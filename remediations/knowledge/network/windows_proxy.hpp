#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Proxy settings of WinHTTP (WinHttpSettings) and WinINet (DefaultConnectionSettings) in the registry: two numbers,
/// flags, and two texts, each after its length. The bytes that follow are kept unchanged.
struct ProxySettings {
    static constexpr std::uint32_t flag_proxy = 2;  ///< `proxy` is used
    static constexpr std::uint32_t flag_script = 4;

    std::uint32_t version = 0;
    std::uint32_t counter = 0;  ///< number of changes
    std::uint32_t flags = 0;
    std::string proxy;   ///< "proxy.example:3128", "http=proxy.example:3128"
    std::string bypass;  ///< "<local>;*.example"
    std::vector<std::uint8_t> rest;

    bool uses_proxy() const { return (flags & flag_proxy) != 0 && !proxy.empty(); }
};

/// ErrorKind::invalid where a length does not fit.
machine::Result<ProxySettings> parse_proxy_settings(const std::vector<std::uint8_t>& bytes);
std::vector<std::uint8_t> to_bytes(const ProxySettings& settings);

/// Returns true if a bypass list (separated by ; or blanks, * for any characters) excludes an address from the proxy.
bool bypasses(std::string_view list, std::string_view address);

/// A place in the registry that makes programs of SYSTEM use a proxy.
struct WindowsProxy {
    enum class Kind { binary, text };

    Kind kind = Kind::binary;
    std::string key;
    std::string name;  ///< of the value with the bypass list
    ProxySettings settings;

    std::string place() const { return key + "\\" + name; }
};

/// Returns the settings of WinHTTP, of the account SYSTEM, and those of the computer where a policy applies them to
/// everybody. Leaves out settings without a proxy.
std::vector<WindowsProxy> proxies_of_system(const machine::Machine& machine);

}  // namespace remediations
