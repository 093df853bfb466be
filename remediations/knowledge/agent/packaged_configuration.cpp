#include "remediations/knowledge/agent/packaged_configuration.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "remediations/formats/tar_archive.hpp"
#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"

namespace remediations {

using machine::Command;
using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

/// What dpkg, ucf and rpm write beside a configuration file that somebody changed: the package's. (.dpkg-old, .rpmsave
/// and .rpmorig are what somebody had there.)
constexpr const char* endings[] = {".dpkg-dist", ".dpkg-new", ".ucf-dist", ".rpmnew"};
constexpr auto apt_cache = "/var/cache/apt/archives";
constexpr std::size_t largest_package = std::size_t{32} << 20;

/// A file that nobody but root writes.
bool is_of_root(const Machine& machine, const Path& path) {
    constexpr std::uint32_t writable_for_others = 0022;
    const auto status = machine.files().status(path);
    return status && status->kind == machine::FileKind::regular && status->uid == 0 &&
           (status->mode & writable_for_others) == 0;
}

/// A configuration sets something, at the least.
bool is_a_configuration(const std::string& text) {
    return text.find('\0') == std::string::npos && !AgentConfiguration::parse({}, text).lines().empty();
}

/// "waagent_2.7.3.0-4.1_", with which the name of the installed version's package begins.
std::string start_of_package_name(const Machine& machine) {
    const auto package = agent_package(machine);
    if (!package || package->manager != "/usr/bin/apt-get") return {};
    const auto answer = machine.processes().query(
        Command("/usr/bin/dpkg-query", {"-W", "-f=${Version}", package->name}, std::chrono::seconds(10)));
    if (!answer || answer->exit_code != 0) return {};
    auto version = boost::algorithm::trim_copy(answer->out);
    if (version.empty()) return {};
    boost::algorithm::replace_all(version, ":", "%3a");  // as apt names files
    return fmt::format("{}_{}_", package->name, version);
}

Result<PackagedConfiguration> configuration_in_apt_cache(const Machine& machine) {
    const auto start = start_of_package_name(machine);
    const auto names = machine.files().list(apt_cache);
    if (start.empty() || !names) return machine::Error::not_found("no package is in apt's cache");
    for (const auto& name : *names) {
        const auto file = fmt::format("{}/{}", apt_cache, name);
        if (!name.starts_with(start) || !name.ends_with(".deb") || !is_of_root(machine, file)) continue;
        const auto unpacked = machine.processes().query(
            Command("/usr/bin/dpkg-deb", {"--fsys-tarfile", file}, std::chrono::seconds(30), largest_package));
        if (!unpacked) return unpacked.error();
        if (unpacked->exit_code != 0) {
            return machine::Error::invalid(fmt::format("dpkg-deb cannot unpack {} (exit code {}): {}", file,
                                                       unpacked->exit_code,
                                                       boost::algorithm::trim_copy(unpacked->err)));
        }
        const auto text = file_in_tar(unpacked->out, "etc/waagent.conf");
        if (!text) return text.error();
        return PackagedConfiguration{std::string(*text), file};
    }
    return machine::Error::not_found(fmt::format("{} has no {}*.deb", apt_cache, start));
}

}  // namespace

Result<PackagedConfiguration> packaged_agent_configuration(const Machine& machine) {
    for (const auto* ending : endings) {
        const auto file = std::string("/etc/waagent.conf") + ending;
        if (!is_of_root(machine, file)) continue;
        auto text = machine.files().read(file);
        if (text && is_a_configuration(*text)) return PackagedConfiguration{std::move(*text), file};
    }
    auto cached = configuration_in_apt_cache(machine);
    if (cached && !is_a_configuration(cached->text)) {
        return machine::Error::invalid(cached->where + " has a waagent.conf that sets nothing");
    }
    return cached;
}

}  // namespace remediations
