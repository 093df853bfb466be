#include "remediations/knowledge/agent/machine_config.hpp"

#include <fmt/format.h>

#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations {

using machine::Error;
using machine::Machine;
using machine::Path;
using machine::Result;

namespace {

Path configuration_folder(const Machine& machine) {
    return windows_folder(machine) + R"(\Microsoft.NET\Framework64\v4.0.30319\Config\)";
}

}  // namespace

Path machine_config_path(const Machine& machine) {
    return configuration_folder(machine) + "machine.config";
}

Path default_machine_config_path(const Machine& machine) {
    return configuration_folder(machine) + "machine.config.default";
}

Result<MachineConfig> read_machine_config(const Machine& machine, const Path& path) {
    auto text = machine.files().read(path);
    if (!text) return text.error();
    const auto invalid = [&](const std::string& what) { return machine::Error::invalid(path + ": " + what); };
    if (text->starts_with("\xFF\xFE") || text->starts_with("\xFE\xFF")) {
        return machine::Error::unsupported(path + ": is UTF-16, which is not looked into here");
    }
    if (text->find_first_not_of(std::string_view("\0 \t\r\n", 5)) == std::string::npos) {
        return invalid(text->empty() ? "is empty" : "has nothing but blanks or zeros");
    }
    auto elements = parse_xml_elements(*text);
    if (!elements) return Error{elements.error().kind, path + ": " + elements.error().message, 0};
    if (elements->front().name != "configuration") {
        return invalid(fmt::format("its root is <{}>, not <configuration>", elements->front().name));
    }
    return MachineConfig{std::move(*text), std::move(*elements)};
}

}  // namespace remediations
